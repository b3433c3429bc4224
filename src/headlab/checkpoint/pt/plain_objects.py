"""Objects in a pickle that are plain data under another name: numpy's numbers, paths, dates.

Each is read from what the pickle says it was made of; nothing is imported or called for it but numpy's own
reading of a few bytes.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np

from headlab.checkpoint.pt.objects import Global, Instance

_SCALAR_MODULES = {"numpy.core.multiarray", "numpy._core.multiarray"}
_NUMBER = re.compile(r"b1|[iu][1248]|f[248]")
_MOST_PARTS = 256
_LONGEST_PATH = 4096


def plain_object(value: Instance) -> Any:
    """The bool, int, float or str that an object stands for, a date as text; None if it is none of them."""
    module, name = value.cls.module, value.cls.name
    if module in _SCALAR_MODULES and name == "scalar":
        return _numpy_number(value.args)
    if module in {"pathlib", "pathlib._local"} and name.endswith("Path"):
        return _path(value)
    if (module, name) == ("datetime", "datetime"):
        return _date(value.args)
    return None


def _numpy_number(args: tuple[Any, ...]) -> Any:
    """`scalar(dtype, bytes)`; the dtype is `dtype("f8", False, True)` with its byte order in its state."""
    match args:
        case (Instance(cls=Global(module="numpy", name="dtype")) as dtype, bytes() | str() as raw):
            data = raw if isinstance(raw, bytes) else _latin1(raw)
        case (Instance(cls=Global(module="numpy", name="dtype")) as dtype, Instance() as encoded):
            data = _encoded(encoded)
        case _:
            return None
    kind = dtype.args[0] if dtype.args else None
    if not isinstance(kind, str) or not _NUMBER.fullmatch(kind) or data is None:
        return None
    order = dtype.state[1] if isinstance(dtype.state, tuple) and len(dtype.state) > 1 else "<"
    numbers = np.dtype((">" if order == ">" else "<") + kind)
    return np.frombuffer(data, numbers)[0].item() if len(data) == numbers.itemsize else None


def _latin1(text: str) -> bytes | None:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None


def _encoded(value: Instance) -> bytes | None:
    """Bytes as pickle protocol 2 writes them: `_codecs.encode(text, "latin1")`."""
    match value:
        case Instance(cls=Global(module="_codecs", name="encode"), args=(str(text), "latin1")):
            return _latin1(text)
    return None


def _path(value: Instance) -> str | None:
    parts = value.args
    if not parts or len(parts) > _MOST_PARTS or not all(isinstance(part, str) for part in parts):
        return None
    separator = "\\" if value.cls.name.endswith("WindowsPath") else "/"
    first = parts[0]
    joined = separator.join(parts[1:])
    root = first if first.endswith(separator) or not joined else first + separator
    return text if len(text := root + joined) <= _LONGEST_PATH else None


def _date(args: tuple[Any, ...]) -> str | None:
    data = args[0] if args else None
    if isinstance(data, Instance):
        data = _encoded(data)
    if not isinstance(data, bytes) or len(data) != 10:
        return None
    year, month, day, hour, minute, second = data[0] * 256 + data[1], *data[2:7]
    try:
        date = datetime.datetime(year, month & 0x7F, day, hour, minute, second)
    except ValueError:
        return None
    return date.isoformat()
