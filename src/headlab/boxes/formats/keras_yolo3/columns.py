"""What boxes of keras-yolo3 are that are none, where they are all of one kind."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

_EXPECTED = 5
_NEARLY_ALL = 0.9
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "last")


def columns_mistake(words: Sequence[str], boxes: int) -> str:
    """The likeliest mistake of the whole file; empty if there is none that most of it shares.

    Args:
        words: what is in the place of a box, but is not one.
        boxes: how many are boxes.
    """
    rows = [numbers for numbers in map(_numbers, words) if numbers]
    if not rows or len(rows) < boxes:
        return ""
    width, count = Counter(map(len, rows)).most_common(1)[0]
    if count < _NEARLY_ALL * len(words):
        return ""
    columns = list(zip(*(row for row in rows if len(row) == width), strict=True))
    if width == _EXPECTED - 1:
        return (
            "The boxes have four numbers, and no class: add one to each, such as ,0 for the first."
        )
    shares = [at for at, column in enumerate(columns) if _is_confidence(column)]
    if width == _EXPECTED and shares == [_EXPECTED - 1]:
        return (
            "The last number of each box lies between 0 and 1: it is probably a confidence, as a detector "
            "writes it, where the class's number is expected. Write the class in its place."
        )
    if width == _EXPECTED + 1 and len(shares) == 1:
        return (
            f"Each box has six numbers, of which the {_ORDINALS[shares[0]]} lies between 0 and 1: it is "
            "probably a confidence, as a detector writes it. Remove it: x1,y1,x2,y2,class is expected."
        )
    return ""


def _is_confidence(column: Sequence[float]) -> bool:
    """Whether all numbers are between 0 and 1, and not only 0 and 1."""
    return all(0 <= value <= 1 for value in column) and any(value % 1 for value in column)


def _numbers(word: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in word.split(","))
    except ValueError:
        return ()
    return values if all(map(math.isfinite, values)) else ()
