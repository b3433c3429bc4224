"""keras-yolo3's and darknet's anchors as text: "w,h, w,h, …"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from headlab.errors import CheckpointError
from headlab.files.numbers import decimal_number, number_text
from headlab.files.text import SMALL_BYTES, read_text
from headlab.plain_text import printable

if TYPE_CHECKING:
    from headlab.checkpoint.yolov3.description import Anchor

LARGEST_ANCHOR_PX = 1e6
_SHOWN_CHARACTERS = 40


def read_anchors(path: Path) -> tuple[Anchor, ...]:
    """Read anchors as (width, height) in pixels of the network's input (`anchors.txt`).

    The numbers are on one line, as keras-yolo3 wants them, or on several. They are plain digits, which every
    encoding has the same bytes, so a guessed encoding does not matter.

    Raises:
        InputError: the file cannot be read.
        CheckpointError: it is empty, or holds something other than pairs of numbers above zero.
    """
    numbers: list[float] = []
    last = 1
    for line, text in enumerate(read_text(path, largest_bytes=SMALL_BYTES).lines, start=1):
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


def check_pixels(anchors: Sequence[Anchor], where: str) -> None:
    """Refuse a model's anchors that are shares of the input: as pixels, no object is that small.

    Raises:
        CheckpointError: no side is above 1.
    """
    largest = max((side for anchor in anchors for side in anchor), default=0.0)
    if anchors and largest <= 1:
        raise CheckpointError(
            f"{where}: the largest side of the anchors is {number_text(largest)}: they are shares of the "
            "input, where pixels were expected.",
            "Multiply the widths by the input's width and the heights by its height, such as 416.",
        )


def anchors_text(anchors: Sequence[Anchor]) -> str:
    """Anchors on one line, as keras-yolo3 reads them."""
    return f"{joined_anchors(anchors)}\n"


def joined_anchors(anchors: Sequence[Anchor]) -> str:
    """Anchors as "w,h,  w,h,  …"."""
    pairs = (f"{number_text(width)},{number_text(height)}" for width, height in anchors)
    return ",  ".join(pairs)


_ANCHORS_HINT = "Write widths and heights in input pixels: 10,13,  16,30,  33,23, …"


def _words(text: str, where: str) -> list[str]:
    """What is between the commas and spaces of a line; a comma may end it."""
    items = text.strip().removesuffix(",").split(",")
    if items == [""]:
        return []
    words = [item.split() for item in items]
    if [] in words:
        raise CheckpointError(
            f"{where}: a number is missing next to the comma, at number {words.index([]) + 1}.",
            _ANCHORS_HINT,
        )
    return [word for item in words for word in item]


def _size_px(word: str, where: str) -> float:
    number = decimal_number(word)
    if number is None:
        _refuse(f"{where}: {_shown(word)} is not a number.")
    if not 0 < number <= LARGEST_ANCHOR_PX:
        _refuse(f"{where}: {_shown(word)} is not a size in pixels: it must be above 0.")
    return number


def _refuse(message: str) -> NoReturn:
    raise CheckpointError(message, _ANCHORS_HINT)


def _shown(text: str) -> str:
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return f"'{printable(cut)}'"
