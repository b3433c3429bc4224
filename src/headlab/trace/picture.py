"""Draw detections on their photo: each box in its level's colour, the cell it came from, and a legend."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from headlab.heads.detection import Resize
from headlab.plain_text import printable
from headlab.results.colours import RGB, level_colour
from headlab.results.fonts import undrawn_note
from headlab.results.pictures.labels import Rect
from headlab.results.pictures.margin import Entry, Margin, Sheet
from headlab.results.pictures.marks import (
    Edges,
    Point,
    draw_box,
    draw_dashed,
    draw_polygon,
    fill_cell,
    outline_cell,
    pixels_of,
)
from headlab.results.pictures.picture import Picture
from headlab.results.style import BUSY, Style, enlargement, font_size, style_for
from headlab.trace.captions import MOST_LISTED, Captions, captions, draw_labels, list_entry
from headlab.trace.row_words import has_anchor

if TYPE_CHECKING:
    import polars as pl

Row = Mapping[str, Any]

_KEY = ("solid: box", "filled: its cell", "dashed: its anchor")
_LIST_HEADING = "number, class, score, level (row,column)"
_SLOT_HEADING = "/slot"
_FIGURE_SPACE = "\u2007"
_COUNT_DIGITS = 3


@dataclass(frozen=True)
class _Mark:
    """What is drawn of a detection, in pixels of the drawn photo.

    Attributes:
        colour: of its level.
        box: the upright box.
        corners: of the rotated box, if it has one.
        centre: of the box.
        cell: the cell that it came from; None where that lies in the padding around the photo.
        anchor: the outline of its anchor; None for a head without anchors.
    """

    colour: RGB
    box: Rect
    corners: list[Point] | None
    centre: Point
    cell: Rect | None
    anchor: Edges | None


def draw(
    image_bgr: NDArray[np.uint8],
    detections: pl.DataFrame,
    strides_px: Mapping[str, int],
    input_hw_px: tuple[int, int] | None = None,
    *,
    resize: Resize = "letterbox",
    constant_size: bool = False,
    sized_for: int = 0,
) -> Picture:
    """Draw detections on a copy of their photo, on a sheet with a legend below it or next to it.

    A photo whose longer side is shorter than 640 px is enlarged by a whole number. A detection without
    room for a label gets its number, and a line in a list next to the legend.

    Args:
        image_bgr: uint8, shape (H, W, 3); stays as it is.
        detections: columns as in `headlab.trace.trace.Trace`.
        strides_px: stride by level name, for the legend.
        input_hw_px: the network's input size, to draw the anchors of heads that have any; None draws none.
            Among many boxes they are left out.
        resize: how the photo was brought to that size.
        constant_size: let the size of the sheet depend on the photo's alone, as the frames of a video need
            it. There is no list then, and a box without room for a label has none.
        sized_for: enlarge as if there were at least so many detections, for two pictures of one size.
    """
    rows = detections.to_dicts()
    count = max(len(rows), sized_for)
    photo, factor = _enlarged(image_bgr, 1 if constant_size else count)
    style = style_for(photo.size, count)
    image_px = None if input_hw_px is None else _image_px(photo.size, input_hw_px, resize)
    marks = [_mark(row, factor, photo.size, image_px) for row in rows]
    anchors = len(rows) <= BUSY and any(mark.anchor for mark in marks)
    _draw_marks(photo, rows, marks, anchors, style)
    sheet = Sheet(photo.size, font_size(photo.size) if constant_size else style.font_px)
    written = captions(
        rows,
        [mark.box for mark in marks],
        [mark.cell for mark in marks if mark.cell is not None],
        sheet.field_wh,
        style.font_px,
        with_list=not constant_size,
    )
    count_width = _COUNT_DIGITS if constant_size else 0
    margin = _margin(rows, written, strides_px, anchors, sheet.font_px, count_width)
    taken = [label.placed.rect for label in written.labels]
    image = sheet.framed(photo, margin, taken, constant_size)
    draw_labels(ImageDraw.Draw(image, "RGBA"), rows, written.labels, style.font_px, style.line_px)
    notes = tuple(_notes(rows, written, constant_size))
    return Picture(image, notes, ((0, 0, *photo.size),))


def _enlarged(image_bgr: NDArray[np.uint8], count: int) -> tuple[Image.Image, int]:
    """The photo, enlarged where it is small, and by how much."""
    size = image_bgr.shape[1], image_bgr.shape[0]
    pixels = np.ascontiguousarray(image_bgr)
    photo = Image.frombuffer("RGB", size, pixels, "raw", "BGR", 0, 1)
    factor = enlargement(photo.size, count)
    if factor > 1:
        photo = photo.resize((size[0] * factor, size[1] * factor), Image.Resampling.BICUBIC)
    return photo, factor


def _image_px(
    size_wh: tuple[int, int], input_hw_px: tuple[int, int], resize: Resize
) -> tuple[float, float]:
    """Pixels of the drawn photo, across and down, per pixel of the network's input."""
    height, width = input_hw_px
    by = size_wh[0] / width, size_wh[1] / height
    return by if resize == "stretch" else (max(by), max(by))


def _mark(
    row: Row, factor: int, size_wh: tuple[int, int], image_px: tuple[float, float] | None
) -> _Mark:
    box = _edges(row, factor)
    cell = _edges(row, factor, "cell_")
    inside = cell[2] > 0 and cell[3] > 0 and cell[0] < size_wh[0] and cell[1] < size_wh[1]
    anchored = image_px is not None and has_anchor(row)
    return _Mark(
        colour=level_colour(row["level"]),
        box=pixels_of(box, size_wh),
        corners=rotated_corners(row, factor),
        centre=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
        cell=pixels_of(cell, size_wh) if inside else None,
        anchor=anchor_outline(row, cell, image_px) if anchored and image_px is not None else None,
    )


def _edges(row: Row, factor: int, prefix: str = "") -> Edges:
    x1, y1, x2, y2 = (factor * row[f"{prefix}{edge}"] for edge in ("x1", "y1", "x2", "y2"))
    return x1, y1, x2, y2


def anchor_outline(row: Row, cell: Edges, image_px: tuple[float, float]) -> Edges:
    """The anchor's outline, in the middle of its cell.

    That is the box which a slot of YOLOv3 gives when its raw outputs are 0.

    Args:
        row: a detection with an anchor.
        cell: the part of the cell that lies on the photo, in pixels of the drawn photo.
        image_px: such pixels, across and down, per pixel of the network's input.
    """
    across, down = image_px
    # The cell is cut off where it reaches beyond the photo; its other edge is its own.
    x, y = (
        start + row["stride_px"] * by / 2 if start > 0 else end - row["stride_px"] * by / 2
        for start, end, by in ((cell[0], cell[2], across), (cell[1], cell[3], down))
    )
    half_w, half_h = row["anchor_w"] * across / 2, row["anchor_h"] * down / 2
    return x - half_w, y - half_h, x + half_w, y + half_h


def rotated_corners(row: Row, factor: int = 1) -> list[Point] | None:
    """The four corners of a rotated box, in order, in pixels of the drawn photo; None for an upright box.

    Its centre is that of the upright box around it.

    Args:
        row: the detection.
        factor: by how much the photo is enlarged.
    """
    angle, w, h = (row.get(name) for name in ("angle_rad", "obb_w", "obb_h"))
    if angle is None or w is None or h is None:
        return None
    cos, sin = math.cos(angle), math.sin(angle)
    mid_x, mid_y = (row["x1"] + row["x2"]) / 2, (row["y1"] + row["y2"]) / 2
    halves = ((w / 2, h / 2), (-w / 2, h / 2), (-w / 2, -h / 2), (w / 2, -h / 2))
    return [
        (factor * (mid_x + u * cos - v * sin), factor * (mid_y + u * sin + v * cos))
        for u, v in halves
    ]


def _draw_marks(
    photo: Image.Image, rows: Sequence[Row], marks: Sequence[_Mark], anchors: bool, style: Style
) -> None:
    """Draw the boxes, the best score on top, then anchors and cells."""
    canvas = ImageDraw.Draw(photo, "RGBA")
    for at in sorted(range(len(rows)), key=lambda at: rows[at]["score"]):
        mark = marks[at]
        if mark.corners is None:
            draw_box(canvas, mark.box, mark.colour, style.line_px)
        else:
            draw_polygon(canvas, mark.corners, mark.colour, style.line_px)
    for mark in marks if anchors else ():
        if mark.anchor is not None and mark.cell is not None:
            draw_dashed(canvas, mark.anchor, mark.colour, style.line_px)
    for mark in marks:
        if mark.cell is not None:
            fill_cell(canvas, mark.cell, mark.colour)
            outline_cell(canvas, mark.cell, mark.centre, mark.colour, style.line_px)


def _margin(
    rows: Sequence[Row],
    written: Captions,
    strides_px: Mapping[str, int],
    anchors: bool,
    font_px: int,
    count_width: int,
) -> Margin:
    levels = Counter(row["level"] for row in rows)
    counts = {name: str(levels[name]).rjust(count_width, _FIGURE_SPACE) for name in strides_px}
    legend = tuple(
        Entry(f"{name}, stride {stride} px: {counts[name]} found", level_colour(name))
        for name, stride in strides_px.items()
    )
    key = list(_KEY if anchors else _KEY[:2])
    return Margin(
        font_px=font_px,
        legend=legend,
        key=tuple(map(Entry, key)),
        listed=tuple(list_entry(rows[at], font_px) for at in written.listed),
        listed_heading=_LIST_HEADING + (_SLOT_HEADING if any(map(has_anchor, rows)) else ""),
    )


def _notes(rows: Sequence[Row], written: Captions, constant_size: bool) -> Iterator[str]:
    note = undrawn_note({row["class_id"]: printable(row["class_name"]) for row in rows})
    if note:
        yield note
    if written.unnamed and constant_size:
        yield "Some boxes in video frames have no label, for lack of room."
    elif written.unnamed:
        yield f"A picture lists at most {MOST_LISTED} boxes; the table has them all."
