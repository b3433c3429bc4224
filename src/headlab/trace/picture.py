"""Draw detections on their photo: each box in its level's colour, the cell it came from, and a legend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from headlab.results.colours import level_colour
from headlab.results.pictures.marks import cell_rect, draw_anchor, draw_box, fill_cell, outline_cell
from headlab.results.style import style_for
from headlab.trace.captions import draw_labels, draw_legend
from headlab.trace.row_words import has_anchor

if TYPE_CHECKING:
    import polars as pl


_ANCHOR_NOTE = "dashed: the anchor"


@dataclass(frozen=True)
class Picture:
    """A drawn picture.

    Attributes:
        image: RGB, of the photo's size.
        notes: what could not be drawn, in words.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()


def draw(
    image_bgr: NDArray[np.uint8],
    detections: pl.DataFrame,
    strides_px: Mapping[str, int],
    input_hw_px: tuple[int, int] | None = None,
) -> Picture:
    """Draw detections on a copy of their photo.

    Args:
        image_bgr: uint8, shape (H, W, 3); stays as it is.
        detections: columns as in `headlab.trace.trace.Trace`.
        strides_px: stride by level name, for the legend.
        input_hw_px: the network's input size, to draw the anchors of heads that have any; None draws none.
            Among many boxes they are left out.
    """
    image = Image.fromarray(np.ascontiguousarray(image_bgr[:, :, ::-1]))
    rows = detections.to_dicts()
    style = style_for(image.size, len(rows))
    canvas = ImageDraw.Draw(image, "RGBA")
    cells = [cell_rect(row, image.size) for row in rows]
    for at in sorted(range(len(rows)), key=lambda at: rows[at]["score"]):
        draw_box(canvas, rows[at], image.size, style)
    anchored = []
    if input_hw_px is not None and not style.busy:
        seen = zip(rows, cells, strict=True)
        anchored = [row for row, cell in seen if cell is not None and has_anchor(row)]
        for row in anchored:
            draw_anchor(canvas, row, _image_px(image.size, input_hw_px), style)
    for row, cell in zip(rows, cells, strict=True):
        fill_cell(canvas, cell, level_colour(row["level"]))
        outline_cell(canvas, row, cell, style)
    if not style.labelled:
        small = ("The picture is too small for labels and a legend.",) if rows else ()
        return Picture(image, small)
    labels, notes = draw_labels(canvas, rows, cells, image.size, style)
    note = _ANCHOR_NOTE if anchored else ""
    draw_legend(canvas, rows, labels, strides_px, image.size, style, note)
    return Picture(image, notes)


def _image_px(size_wh: tuple[int, int], input_hw_px: tuple[int, int]) -> float:
    """Pixels of an image per pixel of the network's input, which the whole image fits into."""
    height, width = input_hw_px
    return max(size_wh[0] / width, size_wh[1] / height)
