"""What Python's own unpickler would import or call in loading a checkpoint, against what belongs in one.

headlab runs none of it. But `torch.load(..., weights_only=False)` does, which is how ultralytics loads a
checkpoint, and a copy of the file has it, too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from headlab.checkpoint.pt.objects import Global
from headlab.checkpoint.pt.unpickle import Pickle
from headlab.plain_text import counted

_KNOWN = re.compile(
    "|".join(
        (
            r"(builtins|__builtin__)\.(bool|bytearray|bytes|complex|dict|float|frozenset|int|list|object|"
            r"range|set|slice|str|tuple)",
            r"collections\.(Counter|OrderedDict|defaultdict|deque)",
            r"(copyreg|copy_reg)\.(_reconstructor|__newobj__|__newobj_ex__)",
            r"_codecs\.encode",
            r"(argparse\.Namespace|types\.SimpleNamespace)",
            r"pathlib(\._local)?\.(Pure)?(Posix|Windows)?Path",
            r"datetime\.(date|datetime|time|timedelta|timezone)",
            r"numpy(\.dtypes)?\.(dtype|ndarray|bool_?|u?int\d*|float\d*|[A-Z][A-Za-z0-9]*DType)",
            r"numpy\._?core\.(multiarray\.(_reconstruct|scalar)|numeric\._frombuffer)",
            r"torch\.(Size|device|dtype|Tensor|[A-Z][A-Za-z0-9]*Storage|bool|bfloat16|strided|"
            r"(u?int|float|complex)\d+)",
            r"torch\._utils\._rebuild_[a-z0-9_]+",
            r"torch\._tensor\._rebuild_from_type_v2",
            r"torch\.storage\.(Untyped|Typed)Storage",
            r"torch\.serialization\._get_layout",
            r"torch\.nn\.(modules\.[a-z_]+|parameter|parallel(\.[a-z_]+)*)\.[A-Z][A-Za-z0-9]*",
            r"torch\.nn\.functional\.[a-z][a-z0-9_]*",
            r"torch\.(optim(\.[a-z_]+)*|(cuda\.)?amp\.grad_scaler)\.[A-Z][A-Za-z0-9]*",
            r"torchvision\.(ops|models)(\.[a-z_]+)*\.[A-Z][A-Za-z0-9]*",
            r"ultralytics\.(nn|yolo)(\.[a-z0-9_]+)*\.[A-Z][A-Za-z0-9]*(\.forward)?",
            r"ultralytics\.utils(\.(loss|tal|torch_utils))?\.[A-Z][A-Za-z0-9]*",
            r"ultralytics\.utils\.loss\.v8[A-Za-z0-9]+",
            r"ultralytics\.utils\.loss\.v10[A-Za-z0-9]+",
        )
    )
)
"""What files of ultralytics and PyTorch hold: classes of modules, and functions that put data together."""

_RUNNERS = {
    *(
        "IPython",
        "cloudpickle",
        "dill",
        "fsspec",
        "gdown",
        "httpx",
        "joblib",
        "numba",
        "numpy",
        "pandas",
    ),
    *(
        "paramiko",
        "pip",
        "pkg_resources",
        "psutil",
        "requests",
        "scipy",
        "setuptools",
        "sh",
        "torch",
    ),
    *("torchvision", "ultralytics", "wget", "yaml", "urllib3", "cv2", "PIL", "polars", "sympy"),
}
"""Packages whose functions do things, or whose classes might."""

_PYTHON = {*sys.stdlib_module_names, "__builtin__", "commands", "copy_reg", "nt", "posix"}
_GETATTR = {("builtins", "getattr"), ("__builtin__", "getattr")}
_SHOWN = 3


def running_calls(pickle: Pickle) -> tuple[Global, ...]:
    """What would run something: functions of Python and of well-known packages that no checkpoint holds."""
    return tuple(name for name in pickle.names if _runs(name, pickle.calls))


def unknown_names(pickle: Pickle) -> tuple[Global, ...]:
    """Classes of packages, such as a fork's, of which headlab does not know what they are."""
    return tuple(
        name for name in pickle.names if not _is_known(name) and not _runs(name, pickle.calls)
    )


def running_warning(pickle: Pickle) -> str:
    """A sentence that names the calls that run something; empty if there are none."""
    found = running_calls(pickle)
    if not found:
        return ""
    return (
        f"Loading this file with torch.load would call {_listed(found)}, which does not belong in a "
        "checkpoint. headlab runs nothing in it; a copy that headlab writes holds it, too."
    )


def unknown_remark(pickle: Pickle) -> str:
    """A sentence that names the packages that headlab does not know; empty if there are none."""
    found = unknown_names(pickle)
    if not found:
        return ""
    return (
        f"It names {_listed(found)}, which {'is' if len(found) == 1 else 'are'} neither PyTorch's nor "
        "ultralytics': torch.load would import that; headlab does not."
    )


def _is_known(name: Global) -> bool:
    return bool(_KNOWN.fullmatch(str(name))) or (name.module, name.name) in _GETATTR


def _runs(name: Global, calls: Iterable[Global]) -> bool:
    if (name.module, name.name) in _GETATTR:  # of a network's methods, `calls` leaves it out
        return name in calls
    if _is_known(name):
        return False
    package = name.module.partition(".")[0]
    if package in _PYTHON:
        return True
    is_class = "." not in name.name and name.name[:1].isupper()
    return package in _RUNNERS and not is_class


def _listed(names: tuple[Global, ...]) -> str:
    shown = ", ".join(map(str, names[:_SHOWN]))
    return shown + (f" and {counted(len(names) - _SHOWN, 'other')}" if len(names) > _SHOWN else "")
