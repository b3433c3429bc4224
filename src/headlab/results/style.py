"""Widths of lines and sizes of letters that look alike on a thumbnail and on a photo of 4000 pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

BUSY = 8
"""With more detections than this, letters are smaller, only wide boxes have a label with the address, and no
anchors are drawn."""

CROWD = 25
"""With more detections than this, lines are thin and letters are small."""

SMALLEST_PX = 640
"""A photo whose longer side is shorter than this is drawn enlarged, so that there is room for labels."""

SMALLEST_CROWDED_PX = 960
"""The same for a crowd."""

SMALLEST_FONT_PX = 13
"""Letters are never smaller than this."""


@dataclass(frozen=True)
class Style:
    """How to draw on one picture.

    Attributes:
        line_px: the width of a box's edge.
        font_px: the size of letters.
    """

    line_px: int
    font_px: int


def enlargement(size_wh: tuple[int, int], count: int) -> int:
    """The whole number by which a photo is enlarged before anything is drawn on it."""
    least = SMALLEST_CROWDED_PX if count > CROWD else SMALLEST_PX
    return max(1, -(-least // max(size_wh)))


def style_for(size_wh: tuple[int, int], count: int) -> Style:
    """The style for a picture of a width and height with a number of detections."""
    busy, crowded = count > BUSY, count > CROWD
    mean = math.sqrt(size_wh[0] * size_wh[1])
    line = max(1, round(mean / (450 if crowded else 280)))
    return Style(line, font_size(size_wh, 80 if crowded else 52 if busy else 44))


def font_size(size_wh: tuple[int, int], lines: int = 44) -> int:
    """The size of letters of which so many lines fill a square of the picture's area.

    The longer side counts as well, so that letters on a strip do not vanish when it is seen as a whole.
    """
    mean, longer = math.sqrt(size_wh[0] * size_wh[1]), max(size_wh)
    return max(SMALLEST_FONT_PX, round(mean / lines), round(longer / 160))
