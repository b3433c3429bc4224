"""Values from a checkpoint as JSON can have them, cut where they are too deep or too long."""

from __future__ import annotations

from typing import Any

from headlab.checkpoint.pt.objects import Global, Instance
from headlab.checkpoint.pt.plain_objects import plain_object

_MOST_CHARACTERS = 2_000_000
_MOST_ITEMS = 100_000
_WIDEST_INT_BITS = 1024
_CUT = "…"


def as_plain(value: Any, depth: int) -> Any:
    """A copy of a value made of None, bool, int, float, str, list and dict, to be shown.

    numpy's numbers, paths and dates come as numbers and text; any other object as the name of its class.

    What is deeper than `depth`, or after the first hundred thousand items of one container, is cut.
    So is the rest once the copy has two million characters: a list that contains one list a thousand
    times, which contains another a thousand times, is small only in the file.
    """
    return _Copy().of(value, depth)


def encodable(text: str) -> str:
    """A text that any terminal and file accepts: half of a surrogate pair is written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class _Copy:
    """One copy's remaining characters."""

    def __init__(self) -> None:
        self.left = _MOST_CHARACTERS

    def of(self, value: Any, depth: int) -> Any:
        self.left -= len(value) if isinstance(value, str) else 1
        if self.left < 0:
            return _CUT
        if isinstance(value, Instance):
            plain = plain_object(value)
            return str(value.cls) if plain is None else self.of(plain, depth)
        if isinstance(value, Global):
            return str(value)
        if isinstance(value, (dict, list, tuple)):
            return self._container(value, depth)
        return _scalar(value)

    def _container(self, value: dict[Any, Any] | list[Any] | tuple[Any, ...], depth: int) -> Any:
        if depth == 0:
            return _CUT
        if isinstance(value, dict):
            copied: dict[str, Any] = {}
            for key, item in value.items():
                if len(copied) == _MOST_ITEMS or self.left < 0:
                    break
                copied[str(self.of(key, 1))] = self.of(item, depth - 1)
            return copied
        items: list[Any] = []
        for item in value[:_MOST_ITEMS]:
            if self.left < 0:
                break
            items.append(self.of(item, depth - 1))
        return items


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _WIDEST_INT_BITS else _CUT
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        return encodable(value)
    return f"<{type(value).__name__}>"
