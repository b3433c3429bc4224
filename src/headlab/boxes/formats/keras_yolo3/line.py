"""One line of keras-yolo3's annotations: `path x1,y1,x2,y2,class x1,y1,x2,y2,class ...`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from headlab.boxes.formats.numbers import MAX_CLASS, NUMBER
from headlab.boxes.table import FARTHEST_PX

BOX = rf"^{NUMBER}(?:,{NUMBER}){{4}}$"
"""Five numbers separated by commas; the same pattern for Python's `re` and for polars."""

NEARLY_BOX = rf"^{NUMBER}(?:,{NUMBER}){{3,5}}$"
"""A box, or one with a number too few or too many, such as a confidence."""

PLAIN_LINE = rf"^[ \t]*[^ \t,][^,]*(?:[ \t]{BOX[1:-1]})*[ \t]*$"
"""A path without commas, then nothing but boxes: polars reads such lines as columns."""

MEANT_AS_BOX = r"^(?:[-+.0-9,]|(?i:nan|inf|none|null))[^,]*(?:,[^,]*){2,}$"
"""What is in the place of a box, whether or not it is one; the path ends before it."""

IMAGE_SUFFIX = r"(?i)\.(?:jpe?g|png|bmp|gif|tiff?|webp|ppm|pgm|jp2|heic|avif|dng|mpo|pfm)$"

_BOX = re.compile(BOX)
_MEANT_AS_BOX = re.compile(MEANT_AS_BOX)
_IMAGE_SUFFIX = re.compile(IMAGE_SUFFIX)
_WORD = re.compile(r"[^ \t]+")


@dataclass(frozen=True)
class Line:
    """What a line says.

    Attributes:
        path: the image's path as written; empty if there is none.
        boxes: x1, y1, x2, y2 in pixels and the class number.
        rejected: for each word that should be a box, but is not, the reason.
        rejected_words: these words.
    """

    path: str
    boxes: tuple[tuple[float, float, float, float, int], ...]
    rejected: tuple[str, ...]
    rejected_words: tuple[str, ...] = ()


def parse_line(line: str) -> Line:
    """Read a line, whose path may have blanks in it.

    The path extends to the last word that ends like an image's name and is not a box (or to the start of
    the line if there is no such word), and from there to the first word that is meant as a box.
    """
    words = list(_WORD.finditer(line))
    meant = [bool(_MEANT_AS_BOX.match(word[0])) for word in words]
    names = [
        position
        for position, word in enumerate(words)
        if not _BOX.match(word[0]) and _IMAGE_SUFFIX.search(word[0])
    ]
    end = names[-1] + 1 if names else 0
    while end < len(words) and not meant[end]:
        end += 1
    path = line[words[0].start() : words[end - 1].end()] if end else ""
    boxes, rejected, rejected_words = [], [], []
    for word in words[end:]:
        box = _box(word[0])
        if isinstance(box, str):
            rejected.append(box)
            rejected_words.append(word[0])
        else:
            boxes.append(box)
    return Line(path, tuple(boxes), tuple(rejected), tuple(rejected_words))


def _box(word: str) -> tuple[float, float, float, float, int] | str:
    """The box that a word stands for, or why it is not one."""
    shown = word if len(word) <= _SHOWN else word[:_SHOWN] + "…"
    parts = word.split(",")
    if len(parts) != _NUMBERS:
        return f"{shown!r} is not a box: {_NUMBERS} numbers x1,y1,x2,y2,class were expected."
    if not _BOX.match(word):
        return f"{shown!r} is not a box: not all of x1,y1,x2,y2,class are finite numbers."
    x1, y1, x2, y2, number = (float(part) for part in parts)
    if not all(math.isfinite(value) for value in (x1, y1, x2, y2, number)):
        return f"{shown!r} is not a box: not all of its numbers are finite."
    if number < 0 or number != int(number) or number >= MAX_CLASS:
        return f"{shown!r} is not a box: its class {parts[-1]} is not a class number."
    if max(abs(value) for value in (x1, y1, x2, y2)) > FARTHEST_PX:
        return f"{shown!r} is not a box: it is larger than any photo."
    return x1, y1, x2, y2, int(number)


_NUMBERS = 5
_SHOWN = 60
