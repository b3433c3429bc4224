"""The settings of a checkpoint's modules: the plain attributes that decide what a module computes.

A network is more than its tensors and its description: whether a bottleneck adds its input, the size of a
pool's window, the slope of an activation are attributes of the modules in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headlab.checkpoint.pt.modules import walk
from headlab.checkpoint.pt.objects import Global, Instance, OpaqueKey, TensorRef
from headlab.checkpoint.pt.plain_objects import plain_object

_BOOKKEEPING = {"dump_patches", "np", "training", "type"}
"""What says nothing of the computation: the mode, the number of parameters, the name of the class."""

_LONGEST_TEXT = 200
_MOST_ITEMS = 64
_WIDEST_INT_BITS = 64


@dataclass(frozen=True)
class Other:
    """An attribute that is not plain: an object or a function, by its name."""

    name: str

    def __str__(self) -> str:
        return self.name


def settings(module: Instance) -> dict[str, Any]:
    """A module's settings by attribute: None, bool, int, float, str, tuples of them, or `Other`.

    Lists come as tuples. Tensors, child modules, hooks and bookkeeping are left out.
    """
    return {
        name: _setting(value)
        for name, value in module.attributes.items()
        if isinstance(name, str)
        and name.isprintable()
        and len(name) <= _LONGEST_TEXT
        and not name.startswith("_")
        and name not in _BOOKKEEPING
        and not isinstance(value, TensorRef)
    }


def all_settings(network: Instance, where: str) -> dict[str, Any]:
    """The class and the settings of every module below a network, by dotted name; those of its root left out.

    Raises:
        CheckpointError: the modules nest without end.
    """
    found: dict[str, Any] = {}
    for name, module in walk(network, where):
        if name:
            found[name] = module.cls.name
            found |= {f"{name}.{key}": value for key, value in settings(module).items()}
    return found


def _setting(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        if len(value) <= _MOST_ITEMS:
            return tuple(map(_item, value))
        return Other(f"a {type(value).__name__} of {len(value)} values")
    return _item(value)


def _item(value: Any) -> Any:
    if isinstance(value, Instance):
        value, value_or_cls = plain_object(value), value.cls
        return Other(str(value_or_cls)) if value is None else value
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int) and value.bit_length() <= _WIDEST_INT_BITS:
        return value
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isprintable():
        return value
    if isinstance(value, (Global, OpaqueKey)):
        return Other(str(value))
    return Other(f"a {type(value).__name__}")
