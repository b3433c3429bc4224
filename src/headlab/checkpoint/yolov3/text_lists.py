"""keras-yolo3's and darknet's lists: class names, one a line, and anchors, "w,h, w,h, …"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from headlab.checkpoint.yolov3.description import Anchor
from headlab.checkpoint.yolov3.text_file import (
    decimal_number,
    decoded_lines,
    number_text,
    read_bytes,
)
from headlab.errors import CheckpointError
from headlab.plain_text import printable

LARGEST_ANCHOR_PX = 1e6
_SHOWN_CHARACTERS = 40


def read_class_names(path: Path) -> tuple[str, ...]:
    """Read class names by class number, one a line (`classes.txt`, `*.names`).

    Spaces around a name and empty lines at the end do not count.

    Raises:
        CheckpointError: the file cannot be read, is empty, has an empty line before a name (which
            would shift the class numbers), or has a name twice.
    """
    return class_names_of(read_bytes(path), path)


def class_names_of(data: bytes, path: Path) -> tuple[str, ...]:
    """Class names by class number from a file's contents; see `read_class_names`."""
    names = [line.strip() for line in decoded_lines(data, path)]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise CheckpointError(
            f"{path}: the file is empty.", "Write the class names into it, one a line."
        )
    first_lines: dict[str, int] = {}
    for line, name in enumerate(names, start=1):
        if not name:
            raise CheckpointError(
                f"{path}, line {line}: the line is empty, but names follow it.",
                "Remove it, or write the name of that class: a class's number is its line.",
            )
        if name in first_lines:
            raise CheckpointError(
                f"{path}, line {line}: the name {_shown(name)} is in line {first_lines[name]}, too.",
                "Give every class a name of its own.",
            )
        first_lines[name] = line
    return tuple(names)


def class_names_text(names: Sequence[str]) -> str:
    """Class names, one a line.

    Raises:
        CheckpointError: the names would not read back as they are: one is empty, comes twice, has
            spaces around it or a line break in it.
    """
    text = "".join(f"{name}\n" for name in names)
    try:
        found: tuple[str, ...] = class_names_of(text.encode("utf-8"), Path("class names"))
    except (CheckpointError, UnicodeEncodeError) as error:
        reason = error.message if isinstance(error, CheckpointError) else str(error)
        raise CheckpointError(
            f"The class names cannot be written one a line: {reason}", "Rename that class."
        ) from error
    for number, name in enumerate(names):
        if found[number : number + 1] != (name,):
            raise CheckpointError(
                f"The name of class {number}, {_shown(name)}, cannot be written as a line.",
                "Rename it: no spaces around it, and no line breaks in it.",
            )
    return text


def read_anchors(path: Path) -> tuple[Anchor, ...]:
    """Read anchors as (width, height) in pixels of the network's input (`anchors.txt`).

    The numbers stand on one line, as keras-yolo3 wants them, or on several.

    Raises:
        CheckpointError: the file cannot be read, is empty, or has something else than pairs of numbers
            above zero.
    """
    numbers: list[float] = []
    last = 1
    for line, text in enumerate(decoded_lines(read_bytes(path), path), start=1):
        where = f"{path}, line {line}"
        words = _words(text, where)
        numbers += [_size_px(word, where) for word in words]
        last = line if words else last
    if not numbers:
        raise CheckpointError(f"{path}: the file is empty.", _ANCHORS_HINT)
    if len(numbers) % 2:
        raise CheckpointError(
            f"{path}, line {last}: there are {len(numbers)} numbers, so the last width, "
            f"{number_text(numbers[-1])}, has no height.",
            _ANCHORS_HINT,
        )
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def anchors_text(anchors: Sequence[Anchor]) -> str:
    """Anchors on one line, as keras-yolo3 reads them."""
    return f"{joined_anchors(anchors)}\n"


def joined_anchors(anchors: Sequence[Anchor]) -> str:
    """Anchors as "w,h,  w,h,  …"."""
    pairs = (f"{number_text(width)},{number_text(height)}" for width, height in anchors)
    return ",  ".join(pairs)


_ANCHORS_HINT = "Write widths and heights in input pixels: 10,13,  16,30,  33,23, …"


def _words(text: str, where: str) -> list[str]:
    """What stands between the commas and spaces of a line; a comma may end it."""
    items = text.strip().removesuffix(",").split(",")
    if items == [""]:
        return []
    words = [item.split() for item in items]
    if [] in words:
        raise CheckpointError(
            f"{where}: a number is missing beside the comma, at number {words.index([]) + 1}.",
            _ANCHORS_HINT,
        )
    return [word for item in words for word in item]


def _size_px(word: str, where: str) -> float:
    number = decimal_number(word)
    if number is None:
        _refuse(f"{where}: {_shown(word)} is not a number.")
    if not 0 < number <= LARGEST_ANCHOR_PX:
        _refuse(f"{where}: {_shown(word)} is no size in pixels: it must be above 0.")
    return number


def _refuse(message: str) -> NoReturn:
    raise CheckpointError(message, _ANCHORS_HINT)


def _shown(text: str) -> str:
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return f"'{printable(cut)}'"
