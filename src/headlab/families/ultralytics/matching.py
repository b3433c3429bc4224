"""Make a network that was built from a description compute what the modules in the file compute.

ultralytics' own loading takes the modules as they were pickled: their classes and every attribute. Here they
are built anew, so each one is compared. An attribute that differs is carried over where the built module
reads it when it runs; whatever else differs is refused by name, because another network would run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.pt.modules import children, walk
from headlab.checkpoint.pt.objects import Global, Instance
from headlab.checkpoint.pt.settings import Other, settings
from headlab.errors import CheckpointError
from headlab.extras import ultralytics

_ABSENT = object()

_OF_SHAPES = {"in_channels", "in_features", "num_features", "out_channels", "out_features"}
"""Told by the shapes of the weights, which are compared; those of class rows change in an edit."""

_OF_CLASSES = {"nc", "no"}
_OF_LAST_RUN = {"dynamic", "shape"}
_UNUSED = {"criterion", "detect", "end2end", "inplace", "legacy", "name"}
"""Not part of what a loaded network computes, or set from the head's description."""

_IGNORED = _OF_SHAPES | _OF_CLASSES | _OF_LAST_RUN | _UNUSED

_FIXED = {"f", "groups", "i", "kernel_size", "nl", "padding_mode", "reg_max", "transposed"}
"""What a module uses when it is built, so that setting it later would not be the same; pools excepted."""

_LARGEST = 1 << 20
_POOLS = {"AvgPool2d", "MaxPool2d"}

_ACTIVATIONS = {
    "CELU",
    "ELU",
    "GELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "LogSigmoid",
    "Mish",
    "ReLU",
    "ReLU6",
    "SELU",
    "Sigmoid",
    "SiLU",
    "Softplus",
    "Softsign",
    "Tanh",
    "Tanhshrink",
}
"""Classes of torch.nn without weights, all of whose settings are read when they run."""


def match(checkpoint: PtCheckpoint, network: Any) -> bool:
    """Carry the settings of the file's modules over to a network's.

    Args:
        checkpoint: the file.
        network: a module that holds the layers as `model`, such as ultralytics'; it is changed.

    Returns:
        whether anything differed.

    Raises:
        CheckpointError: a module is of another class, is missing, or has a setting that cannot be carried
            over.
    """
    where = str(checkpoint.path)
    in_file = dict(walk(checkpoint.network, where))
    built = dict(network.named_modules(remove_duplicate=False))
    carried = False
    for name, module in in_file.items():
        if not name:
            continue
        if name in built and _is_other_activation(module, built[name]):
            built[name] = _activation(where, name, module)
            parent, _, child = name.rpartition(".")
            setattr(built[parent], child, built[name])
            carried = True
        _check_class(where, name, module, built.get(name))
        carried |= _carry(where, name, module, built[name])
    for name, module in built.items():
        if name and name not in in_file:
            raise _differs(where, f"{name} is missing in the file", type(module).__name__)
    return carried


def fold(checkpoint: PtCheckpoint, network: Any, *, end_to_end: bool) -> None:
    """Fold what is folded in the file, be it all or a part: batch norms, parallel branches, head branches.

    Only the modules change; their numbers come from the file.

    Args:
        checkpoint: the file.
        network: as for `match`.
        end_to_end: only the one-to-one branch is in the file.
    """
    in_file = dict(walk(checkpoint.network, str(checkpoint.path)))
    for name, module in list(network.named_modules()):
        if name not in in_file or not name:
            continue
        own = {child for child, each in module.named_children() if each is not None}
        gone = own - set(children(in_file[name]))
        if not gone:
            continue
        if module is network.model[-1]:
            module.end2end = end_to_end
            module.fuse()
        elif "conv1" in gone and hasattr(module, "forward_fuse"):
            (module.fuse_convs if hasattr(module, "fuse_convs") else module.fuse)()
            module.forward = module.forward_fuse
        elif "bn" in gone and hasattr(module, "forward_fuse"):
            _fold_norm(module, gone)


def _fold_norm(module: Any, gone: set[str]) -> None:
    import torch

    if "cv2" in gone:  # of a Conv2
        del module.cv2
    convolution = module.conv if hasattr(module, "conv") else module.conv_transpose
    convolution.bias = torch.nn.Parameter(torch.zeros_like(module.bn.bias), requires_grad=False)
    del module.bn
    module.forward = module.forward_fuse


def _is_other_activation(module: Instance, built: Any) -> bool:
    names = (module.cls.name, type(built).__name__)
    return (
        names[0] != names[1]
        and all(name in _ACTIVATIONS for name in names)
        and _package(module.cls.module) == "torch"
    )


def _activation(where: str, name: str, module: Instance) -> Any:
    import torch

    try:
        made = getattr(torch.nn, module.cls.name)()
    except (AttributeError, TypeError):
        raise _differs(where, f"{name} is a {module.cls.name} in the file", "another") from None
    if hasattr(made, "inplace"):
        made.inplace = True  # as ultralytics sets it on loading; activations then save memory
    return made


def _check_class(where: str, name: str, module: Instance, built: Any) -> None:
    if built is None:
        raise _differs(where, f"{name} is a {module.cls.name} in the file", "missing")
    kind = type(built)
    if module.cls.name != kind.__name__:
        raise _differs(where, f"{name} is a {module.cls.name} in the file", kind.__name__)
    if _package(module.cls.module) != _package(kind.__module__):
        raise CheckpointError(
            f"{where}: {name} is a {module.cls} in the file; headlab knows {kind.__name__} of "
            f"{_package(kind.__module__)} only, and another one may compute something else.",
            _WHAT_WORKS,
        )


def _carry(where: str, name: str, module: Instance, built: Any) -> bool:
    carried = False
    for key, value in settings(module).items():
        if key in _IGNORED or (key == "forward" and _is_folded(module, built)):
            continue
        now = _plain(getattr(built, key, _ABSENT))
        if _same(now, value):
            continue
        if now is _ABSENT or not _can_carry(type(built).__name__, key, now, value, built):
            has = "no such setting" if now is _ABSENT else f"{key} {_shown(now)}"
            raise CheckpointError(
                f"{where}: {name} ({module.cls.name}) has {key} {_shown(value)} in the file, but {has} when "
                f"ultralytics {ultralytics().__version__} builds it from the file's description.",
                _WHAT_WORKS,
            )
        setattr(built, key, value)
        carried = True
    return carried


def _can_carry(kind: str, key: str, now: Any, value: Any, built: Any) -> bool:
    """Whether a setting is read when the module runs, and the new value is of the old one's kind."""
    if key in _FIXED and not (kind in _POOLS and key == "kernel_size"):
        return False
    if isinstance(value, Other) or isinstance(now, Other) or callable(getattr(built, key)):
        return False
    if getattr(built, "padding_mode", "zeros") != "zeros" and key == "padding":
        return False
    if now is None or value is None:
        return kind == "Upsample"
    if isinstance(now, tuple) or isinstance(value, tuple):
        return all(map(_is_number, (*_items(now), *_items(value))))
    if isinstance(now, (bool, str)) or isinstance(value, (bool, str)):
        return type(now) is type(value)
    return _is_number(now) and _is_number(value)


def _items(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_number(value: Any) -> bool:
    """Whether a value is a number that a setting may have: finite, and no larger than any layer's."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and -_LARGEST <= value <= _LARGEST


def _is_folded(module: Instance, built: Any) -> bool:
    """Whether `forward` is the bound method `forward_fuse`, which both have."""
    match module.attributes.get("forward"):
        case Instance(cls=Global(name="getattr"), args=(Instance() as of, "forward_fuse")):
            return of is module and "forward" in vars(built)
    return False


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(value)
    return value


def _same(now: Any, value: Any) -> bool:
    """Whether two settings mean the same: a number is the same as the tuple of its repetitions."""
    if isinstance(now, bool) != isinstance(value, bool):
        return False
    if isinstance(now, tuple) and _is_number(value):
        return all(item == value for item in now)
    if isinstance(value, tuple) and _is_number(now):
        return all(item == now for item in value)
    return type(now) in _COMPARED and bool(now == value)


_COMPARED: Mapping[type, None] = dict.fromkeys((bool, float, int, str, tuple, type(None)))


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Other) else repr(value)


def _package(module: str) -> str:
    return module.partition(".")[0]


def _differs(where: str, what: str, kind: str) -> CheckpointError:
    return CheckpointError(
        f"{where}: {what}, but {kind} when ultralytics {ultralytics().__version__} builds it from the "
        "file's description.",
        _WHAT_WORKS,
    )


_WHAT_WORKS = (
    "Another network would run, so headlab does not run this one; it can be inspected, and edited where no "
    "classes are removed."
)
