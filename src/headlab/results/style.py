"""Widths of lines and letters that look alike on a thumbnail and on a photo of 4000 pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

BUSY = 8
"""With more detections than this, letters are smaller, a long text is not written at a small box, and a
label without a free place is left out."""

CROWD = 25
"""With more detections than this, all texts are short and lines are thin."""

SMALLEST_LABELLED_PX = 160
"""A picture whose longer side is shorter than this has no labels and no legend."""


@dataclass(frozen=True)
class Style:
    """How to draw on one picture.

    Attributes:
        line_px: the width of a box's edge.
        font_px: the height of letters.
        busy: there are more than a few detections.
        crowded: there are many.
        labelled: there is room for labels and a legend.
    """

    line_px: int
    font_px: int
    busy: bool
    crowded: bool
    labelled: bool


def style_for(size_wh: tuple[int, int], count: int) -> Style:
    """The style for a picture of a width and height with a number of detections."""
    busy, crowded = count > BUSY, count > CROWD
    mean = math.sqrt(size_wh[0] * size_wh[1])
    line = max(1, round(mean / (450 if crowded else 280)))
    font = max(10, round(mean / (60 if crowded else 52 if busy else 44)))
    return Style(line, font, busy, crowded, max(size_wh) >= SMALLEST_LABELLED_PX)
