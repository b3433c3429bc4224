"""The pickle machine's memory: a stack, a memo, and the places of texts in the stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headlab.checkpoint.pt.objects import Global, Instance, OpaqueKey
from headlab.errors import CheckpointError

MARK = object()
"""What the opcode MARK pushes."""

_NOT_A_VALUE = "a value was expected, but a group begins there"
_LONGEST_KEY = 4096
_LONGEST_NAME = 500
_LONGEST_TUPLE_KEY = 64
_MOST_TUPLE_KEYS = 1000
_WIDEST_KEY_BITS = 60


@dataclass
class Machine:
    """The state of reading one pickle.

    Every method costs as much as the values that it takes off the stack, and copies nothing that may
    be shared.

    Attributes:
        where: what to call the pickle in messages.
        stack: values, with `MARK` between groups.
        starts: for each value on the stack, the byte of the stream at which the opcode that pushed it
            begins.
        memo: values by memo number.
        text_ends: see `unpickle.Pickle`.
        holders: see `unpickle.Pickle`.
        calls: see `unpickle.Pickle`.
        names: see `unpickle.Pickle`.
        position: the byte of the stream at which the current opcode begins.
    """

    where: str
    stack: list[Any] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    text_ends: dict[int, dict[Any, int]] = field(default_factory=dict)
    holders: list[Any] = field(default_factory=list)
    calls: dict[Global, None] = field(default_factory=dict)
    names: dict[Global, None] = field(default_factory=dict)
    position: int = 0
    opaque_keys: int = 0
    tuple_keys: int = 0

    def error(self, what: str) -> CheckpointError:
        """An error of this pickle."""
        return CheckpointError(
            f"{self.where}: {what}.", "The file is damaged, or was not written by torch.save."
        )

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)
        self.starts.append(self.position)

    def pop(self) -> Any:
        """Take the value at the top."""
        value = self.stack.pop()
        if value is MARK:
            raise self.error(_NOT_A_VALUE)
        self.starts.pop()
        return value

    def discard(self) -> None:
        """Drop what is at the top, a mark too."""
        self.starts.pop()
        self.stack.pop()

    def top(self) -> Any:
        """The value at the top, left there."""
        value = self.stack[-1]
        if value is MARK:
            raise self.error(_NOT_A_VALUE)
        return value

    def pop_to_mark(self) -> tuple[list[Any], list[int]]:
        """Take the values above the last mark, and the mark; with their starts."""
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is MARK:
                values, starts = self.stack[at + 1 :], self.starts[at + 1 :]
                del self.stack[at:], self.starts[at:]
                return values, starts
        raise self.error("a group of values ends that never began")

    def name(self, module: Any, name: Any) -> Global:
        """A class or function's name; messages show it, so it must be short and printable."""
        for part in (module, name):
            if not (isinstance(part, str) and part.isprintable() and len(part) <= _LONGEST_NAME):
                raise self.error("it names a class whose name is not plain text")
        found = Global(module, name)
        self.names[found] = None
        return found

    def set_entries(self, target: Any, pairs: list[Any], starts: list[int]) -> None:
        """Set keys and values, given in turn, on a dict or a placeholder."""
        if len(pairs) % 2:
            raise self.error("a key without a value")
        entries = target.entries if isinstance(target, Instance) else target
        if not isinstance(entries, dict):
            raise self.error(f"entries are set on a {type(target).__name__}")
        for at in range(0, len(pairs), 2):
            key, value = self._as_key(pairs[at]), pairs[at + 1]
            entries[key] = value
            end = starts[at + 2] if at + 2 < len(pairs) else self.position
            self._note_text(entries, key, value, end)

    def append(self, target: Any, values: list[Any], starts: list[int]) -> None:
        """Append values to a list or a placeholder."""
        items = target.items if isinstance(target, Instance) else target
        if not isinstance(items, list):
            raise self.error(f"items are appended to a {type(target).__name__}")
        for at, value in enumerate(values):
            end = starts[at + 1] if at + 1 < len(values) else self.position
            self._note_text(items, len(items), value, end)
            items.append(value)

    def _note_text(self, container: Any, key: Any, value: Any, end: int) -> None:
        noted = self.text_ends.get(id(container))
        if isinstance(value, str):
            if noted is None:
                noted = self.text_ends[id(container)] = {}
                self.holders.append(container)
            noted[key] = end
        elif noted is not None:
            noted.pop(key, None)

    def _as_key(self, key: Any) -> Any:
        """Only what is cheap to hash, and cannot be chosen to collide.

        Hashing a nested tuple can take forever; that of a tuple of numbers can be computed, and
        a million of them made equal: few are kept. The hash of a text is different in each process.
        """
        if _is_plain(key):
            return key
        if isinstance(key, tuple) and len(key) <= _LONGEST_TUPLE_KEY and all(map(_is_plain, key)):
            if all(map(_is_text, key)) or self.tuple_keys < _MOST_TUPLE_KEYS:
                self.tuple_keys += 1
                return key
        self.opaque_keys += 1
        return OpaqueKey(self.opaque_keys)


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes)) and len(value) <= _LONGEST_KEY


def _is_plain(value: Any) -> bool:
    """Whether hashing and comparing the value is cheap, and collisions cannot be arranged."""
    if isinstance(value, int):  # a whole number's hash is the number itself, modulo 2**61 - 1
        return value.bit_length() <= _WIDEST_KEY_BITS
    if isinstance(value, (str, bytes)):
        return _is_text(value)
    return value is None or isinstance(value, (float, Global, OpaqueKey))
