"""Walk the placeholders of pickled torch modules: their children, and their tensors by dotted name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headlab.checkpoint.pt.objects import Global, Instance, TensorRef
from headlab.errors import CheckpointError

_MOST_STEPS = 100_000
"""Modules and tensors to look at: twenty times as many as ultralytics' largest network has."""

_DEEPEST = 64
_LONGEST_NAME = 1000


def is_module(value: Any) -> bool:
    """Whether a value is the placeholder of a `torch.nn.Module`."""
    return isinstance(value, Instance) and isinstance(value.attributes.get("_modules"), dict)


def children(module: Instance) -> dict[str, Instance]:
    """A module's child modules by name, in order."""
    named = _held(module, "_modules").items()
    return {str(name): child for name, child in named if isinstance(child, Instance)}


def walk(module: Instance, where: str) -> Iterator[tuple[str, Instance]]:
    """Every module below (and including) one, with its dotted name, in the order of `named_modules`.

    A module in two places comes twice, as its tensors do in a `state_dict`.

    Raises:
        CheckpointError: the modules nest too deeply or are too many, as in a file made to exhaust
            its reader; or a name is not plain text.
    """
    waiting = [("", module, 0)]
    steps = 0
    while waiting:
        name, current, depth = waiting.pop()
        steps += 1 + sum(len(_held(current, kind)) for kind in _KINDS) + len(_transient(current))
        if steps > _MOST_STEPS or depth > _DEEPEST or len(name) > _LONGEST_NAME:
            raise CheckpointError(
                f"{where}: the modules in this file nest without end.",
                "No network is built like that: do not use the file.",
            )
        if not name.isprintable():
            raise CheckpointError(f"{where}: a module's name is not plain text.")
        yield name, current
        below = [
            (f"{name}.{child_name}" if name else child_name, child, depth + 1)
            for child_name, child in children(current).items()
        ]
        waiting.extend(reversed(below))


def parameters(module: Instance, where: str) -> dict[str, TensorRef]:
    """A module's own parameters, without those of its children.

    Raises:
        CheckpointError: one of them is not stored as a tensor.
    """
    return _tensors(module, "_parameters", where)


def buffers(module: Instance, where: str) -> dict[str, TensorRef]:
    """A module's own buffers that a `state_dict` holds.

    Raises:
        CheckpointError: one of them is not stored as a tensor.
    """
    transient = {name for name in _transient(module) if isinstance(name, str)}
    found = _tensors(module, "_buffers", where)
    return {name: tensor for name, tensor in found.items() if name not in transient}


_KINDS = ("_modules", "_parameters", "_buffers")


def _held(module: Instance, kind: str) -> dict[Any, Any]:
    found = module.attributes.get(kind)
    return found if isinstance(found, dict) else {}


def _transient(module: Instance) -> list[Any]:
    """The names of buffers that a `state_dict` leaves out: a set, in any pickle protocol's form."""
    match module.attributes.get("_non_persistent_buffers_set"):
        case Instance(cls=Global(name="set"), args=(list(members),)):
            return members
        case Instance(cls=Global(name="set"), items=members):
            return members
    return []


def _tensors(module: Instance, kind: str, where: str) -> dict[str, TensorRef]:
    found: dict[str, TensorRef] = {}
    for name, value in _held(module, kind).items():
        if value is None:
            continue
        if not (isinstance(name, str) and name.isprintable() and len(name) <= _LONGEST_NAME):
            raise CheckpointError(f"{where}: a tensor's name is not plain text.")
        if not isinstance(value, TensorRef):
            raise CheckpointError(
                f"{where}: {name} of a {module.cls} is not stored as a plain tensor.",
                "headlab reads dense tensors, not quantized or sparse ones.",
            )
        found[name] = value
    return found
