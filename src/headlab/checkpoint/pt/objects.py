"""What an inertly read pickle is made of: names of things, never the things themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Global:
    """The name of a class or function that the pickle mentions; it is never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, repr=False, slots=True)
class Instance:
    """A placeholder for an object of an unknown class: what would have been called, and with what.

    Attributes:
        cls: the class or function that the pickle names.
        args: the arguments it would have been called with.
        state: what the object's `__setstate__` would have been given; None if nothing was.
        entries: key-value pairs set on it, as for a subclass of dict.
        items: items appended to it, as for a subclass of list.
    """

    cls: Global
    args: tuple[Any, ...] = ()
    state: Any = None
    entries: dict[Any, Any] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)

    @property
    def attributes(self) -> dict[Any, Any]:
        """The object's attributes: its state where that is a dict, else nothing."""
        return self.state if isinstance(self.state, dict) else {}

    def __repr__(self) -> str:
        return f"<inert {self.cls}>"


@dataclass(frozen=True)
class StorageRef:
    """One block of numbers in the archive: its key (the entry `data/<key>`), dtype and length."""

    key: str
    dtype: str
    numel: int


@dataclass(frozen=True)
class TensorRef:
    """A strided view of a storage, as `torch._utils._rebuild_tensor_v2` describes it.

    `offset` and `stride` count elements, not bytes.
    """

    storage: StorageRef
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class OpaqueKey:
    """Stands for a dictionary key that is not plain data, so that nothing of it is hashed."""

    index: int
