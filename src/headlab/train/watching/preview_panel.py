"""Draw one image of the network's input: boxes in the colours of classes, cells in those of levels."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from headlab.plain_text import printable
from headlab.results.colours import RGB, ink_on, level_colour
from headlab.results.fonts import text_line, undrawn_note
from headlab.results.pictures.labels import MOST_HIDDEN, Placed, Placing, Rect, Wanted
from headlab.results.pictures.marks import (
    Edges,
    draw_dashed,
    draw_leader,
    fill_cell,
    outline_cell,
    pixels_of,
)
from headlab.results.style import Style
from headlab.yolov3.targets.result import Fate

Place = tuple[str, int, int, int, int, tuple[float, float]]
"""Level, stride in px, row, column, slot, and width and height of the anchor in px."""

_GOLDEN = 0.6180339887
_FIRST_HUES = (0.58, 0.165, 0.85, 0.28, 0.5, 0.7, 0.95, 0.62)
_SEAM = (0, 0, 0, 150)
_LOST: RGB = (230, 0, 0)
_MANY = 12
_MARGIN_PX = 3
_TRIES = ((2, MOST_HIDDEN), (4, math.inf))


@dataclass(frozen=True)
class Panel:
    """One image, its boxes, and what became of them.

    Attributes:
        pixels: RGB, uint8, (H, W, 3).
        boxes: x1, y1, x2, y2 in input pixels, and the class number.
        places: the slot that answers for each box; None if no slot does.
        fates: of each box.
        photo: the number of the photo.
    """

    pixels: NDArray[np.uint8]
    boxes: tuple[tuple[float, ...], ...]
    places: tuple[Place | None, ...]
    fates: tuple[Fate, ...]
    photo: int


@dataclass(frozen=True)
class Names:
    """The class names, safe to print.

    Attributes:
        shown: by class number.
        notes: which no font draws, so that they are written with escapes.
    """

    shown: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, class_names: Sequence[str]) -> Names:
        """Of a model's classes."""
        printed = tuple(printable(name) for name in class_names)
        note = undrawn_note(dict(enumerate(printed)))
        return cls(printed, (note,) if note else ())

    def of_class(self, number: int) -> str:
        """The name, or the number where that is beyond the known ones."""
        return self.shown[number] if 0 <= number < len(self.shown) else f"class {number}"


def class_colour(number: int) -> RGB:
    """The colour of a class; the first eight are far from each other, from P4 and P5 and from red."""
    is_first = 0 <= number < len(_FIRST_HUES)
    hue = _FIRST_HUES[number] if is_first else (number * _GOLDEN) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85 if is_first else 0.6, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_panel(panel: Panel, names: Names, side_px: int) -> Image.Image:
    """Draw a panel, large enough for labels.

    Args:
        panel: what to draw.
        names: of the classes.
        side_px: the length of the picture's longer side.
    """
    height, width = panel.pixels.shape[:2]
    scale = side_px / max(height, width)
    size = round(width * scale), round(height * scale)
    image = Image.fromarray(panel.pixels).resize(size, Image.Resampling.BICUBIC)
    canvas = ImageDraw.Draw(image, "RGBA")
    shown = [at for at, fate in enumerate(panel.fates) if fate not in (Fate.PADDING, Fate.SKIPPED)]
    style = _style(len(shown))
    largest_first = sorted(shown, key=lambda at: -_area(panel.boxes[at]))
    _draw_ticks(canvas, panel, scale, size)
    cells: list[Rect] = []
    for at in largest_first:
        where = panel.places[at]
        if where is None:
            continue
        cell = _cell(where, scale)
        if cell not in cells:
            cells.append(cell)
            fill_cell(canvas, cell, level_colour(where[0]))
        anchor = _anchor(panel.boxes[at], where, scale)
        draw_dashed(canvas, anchor, level_colour(where[0]), style.line_px)
    for at in largest_first:
        colour = class_colour(int(panel.boxes[at][4]))
        box = _scaled(panel.boxes[at], scale)
        _draw_box(canvas, box, colour, style, panel.fates[at])
        where = panel.places[at]
        if where is not None:
            centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            cell, level = _cell(where, scale), level_colour(where[0])
            outline_cell(canvas, cell, centre, level, style.line_px)
    _draw_labels(canvas, panel, names, largest_first[::-1], cells, scale, size, style)
    return image


def _style(count: int) -> Style:
    return Style(2, 13) if count > _MANY else Style(3, 16)


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _scaled(box: Sequence[float], scale: float) -> Edges:
    x1, y1, x2, y2 = (edge * scale for edge in box[:4])
    return x1, y1, x2, y2


def _cell(where: Place, scale: float) -> Rect:
    side = where[1] * scale
    _, _, row, col, _, _ = where
    return round(col * side), round(row * side), round((col + 1) * side), round((row + 1) * side)


def _anchor(box: Sequence[float], where: Place, scale: float) -> Edges:
    """The anchor around the middle of the box: as if its cell lay there."""
    x1, y1, x2, y2 = _scaled(box, scale)
    mid_x, mid_y = (x1 + x2) / 2, (y1 + y2) / 2
    half_w, half_h = (side * scale / 2 for side in where[5])
    return mid_x - half_w, mid_y - half_h, mid_x + half_w, mid_y + half_h


def _draw_ticks(
    canvas: ImageDraw.ImageDraw, panel: Panel, scale: float, size_wh: tuple[int, int]
) -> None:
    """The grids of the levels in use, as ticks along the left and upper edges."""
    levels = {where[0]: where[1] for where in panel.places if where is not None}
    for level, stride in levels.items():
        length, step = round(stride * scale / 4), stride * scale
        colour = (*level_colour(level), 230)
        for at in range(1, round(size_wh[0] / step)):
            canvas.line((at * step, 0, at * step, length), fill=colour, width=2)
        for at in range(1, round(size_wh[1] / step)):
            canvas.line((0, at * step, length, at * step), fill=colour, width=2)


def _draw_box(
    canvas: ImageDraw.ImageDraw, box: Edges, colour: RGB, style: Style, fate: Fate
) -> None:
    """The box with a dark seam; crossed out in red where nobody answers for it."""
    x1, y1, x2, y2 = (round(edge) for edge in box)
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    canvas.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=_SEAM, width=style.line_px + 2)
    canvas.rectangle((x1, y1, x2, y2), outline=colour, width=style.line_px)
    if fate == Fate.LOST:
        for line in ((x1, y1, x2, y2), (x1, y2, x2, y1)):
            canvas.line(line, fill=_LOST, width=style.line_px)


def _draw_labels(
    canvas: ImageDraw.ImageDraw,
    panel: Panel,
    names: Names,
    order: Sequence[int],
    cells: Sequence[Rect],
    scale: float,
    size_wh: tuple[int, int],
    style: Style,
) -> None:
    """A label at each box, those of small boxes first; a line leads to one that is farther off."""
    boxes = [pixels_of(_scaled(panel.boxes[at], scale), size_wh) for at in order]
    placing = Placing(size_wh, boxes, cells)
    for at, box in zip(order, boxes, strict=True):
        lines = [text_line(text, style.font_px) for text in _forms(panel, at, names)]
        sizes = tuple(
            (line.width_px + 2 * _MARGIN_PX, line.height_px + 2 * _MARGIN_PX) for line in lines
        )
        placed = _placed(placing, Wanted(box, sizes))
        if placed is None:
            continue
        lost = panel.fates[at] == Fate.LOST
        colour = _LOST if lost else class_colour(int(panel.boxes[at][4]))
        if placed.leader is not None:
            draw_leader(canvas, placed.leader, colour, style.line_px)
        x1, y1, x2, y2 = placed.rect
        canvas.rectangle((x1, y1, x2 - 1, y2 - 1), fill=colour)
        lines[placed.form].draw(canvas, x1 + _MARGIN_PX, y1 + _MARGIN_PX, ink_on(colour))


def _placed(placing: Placing, wanted: Wanted) -> Placed | None:
    """Where a label goes; in a crowd it may hide more."""
    for rings, most_hidden in _TRIES:
        placed = placing.add(wanted, rings=rings, most_hidden=most_hidden)
        if placed is not None:
            return placed
    return None


def _forms(panel: Panel, at: int, names: Names) -> list[str]:
    """The texts to try for a label, longest first."""
    name, where = names.of_class(int(panel.boxes[at][4])), panel.places[at]
    if where is None:
        return [f"{name} lost", "lost"]
    slot = f"{where[0]}/{where[4]}"
    moved = " moved" if panel.fates[at] == Fate.MOVED else ""
    return [f"{name} {slot}{moved}", f"{slot}{moved}"]
