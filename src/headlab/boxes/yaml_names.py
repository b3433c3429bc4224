"""The class names in a data.yaml: `names: [cat, dog]` or `names: {0: cat, 1: dog}`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headlab.boxes.table import NO_CLASS_NAMES, Problem
from headlab.files.text import sound
from headlab.files.yaml_file import YamlFile
from headlab.plain_text import first_few

_MOST_CLASSES = 100_000
_MOST_UNNAMED = 1000
"""More class numbers without a name between those that have one are no gap, but a mistake."""
_MOST_DIGITS = 9


def names_in_yaml(file: YamlFile, path: Path) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The class names by class number, as texts as they are written, and what is odd about them.

    A number without a name is called "class N". No names if there are none, or if most numbers lack one.

    Args:
        file: the contents.
        path: the file, for problems.
    """
    values = file.values if isinstance(file.values, Mapping) else {}
    written, count = file.as_written("names"), values.get("nc")
    line = file.line_of(["names"])

    def problem(kind: str, message: str) -> Problem:
        return Problem("warning", kind, message, str(path), line)

    by_number = _numbered(written)
    if by_number is None or max(by_number) >= len(by_number) + _MOST_UNNAMED:
        message = "The class names are unknown: " + _why_unknown(written, by_number, count)
        return (), (problem(NO_CLASS_NAMES, message),)
    names = {number: name for number, name in by_number.items() if name.strip()}
    length = max(by_number) + 1
    problems = []
    gaps = [number for number in range(length) if number not in names]
    if gaps:
        message = f"names gives no name to class {first_few(gaps)}: called 'class {gaps[0]}' here."
        if gaps == [0]:
            message += " Do the names count from 1? Labels count from 0."
        problems.append(problem("unnamed-class", message))
    if isinstance(count, int) and not isinstance(count, bool) and count != length:
        message = (
            f"nc is {count}, and names has {length}: the names were taken. Correct one of them."
        )
        problems.append(problem("class-count", message))
    return tuple(names.get(number, f"class {number}") for number in range(length)), tuple(problems)


def _numbered(written: Any) -> dict[int, str] | None:
    """The names by class number; None if what was written is neither a list nor a map of names."""
    if isinstance(written, list):
        return {number: _class_name(name) for number, name in enumerate(written)} or None
    if not isinstance(written, dict) or not all(map(_is_class_number, written)):
        return None
    by_number = {int(key): _class_name(name) for key, name in written.items()}
    return by_number if by_number and max(by_number) < _MOST_CLASSES else None


def _why_unknown(written: Any, by_number: Mapping[int, str] | None, count: Any) -> str:
    if by_number is not None:
        return (
            f"'names' has {len(by_number)} names for class numbers up to {max(by_number):,}. "
            "A class's number counts from 0 without gaps."
        )
    if written is None and isinstance(count, int):
        return f"there are {count} of them (nc), and no 'names'."
    if isinstance(written, dict) and any(map(_is_class_number, map(str, written.values()))):
        return "'names' maps names to numbers; numbers to names were expected, as in {0: cat}."
    return "'names' is neither a list nor a map from numbers to names."


def _class_name(value: Any) -> str:
    """A class's name; a list or map in its place, which may expand to any length, is not read."""
    return "?" if isinstance(value, (list, dict)) else sound(value)


def _is_class_number(key: Any) -> bool:
    return isinstance(key, str) and key.isdecimal() and len(key) <= _MOST_DIGITS
