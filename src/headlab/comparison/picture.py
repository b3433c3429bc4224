"""Two models' detections on one photo, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from headlab.results.fonts import fitted_line, line_height
from headlab.results.pictures.margin import INK, PAPER
from headlab.results.pictures.picture import Picture
from headlab.results.style import font_size
from headlab.trace.picture import draw

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from headlab.results.pictures.labels import Rect

_GAP_SHARE = 0.01


def side_by_side(
    image_bgr: NDArray[np.uint8],
    before: pl.DataFrame,
    after: pl.DataFrame,
    strides_px: tuple[Mapping[str, int], Mapping[str, int]],
    titles: tuple[str, str],
    constant_size: bool = False,
) -> Picture:
    """The first model's detections on the left, the second's on the right.

    Args:
        image_bgr: uint8, shape (H, W, 3).
        before: traced detections of the first model on this image.
        after: traced detections of the second model on this image.
        strides_px: stride by level name, of each model, for the legends.
        titles: what to write above the two.
        constant_size: let the size depend on the photo's alone, as the frames of a video need it.
    """
    most = max(before.height, after.height)
    left, right = (
        draw(image_bgr, detections, strides, constant_size=constant_size, sized_for=most)
        for detections, strides in zip((before, after), strides_px, strict=True)
    )
    width = max(left.image.width, right.image.width)
    font_px = font_size((left.photos[0][2], left.photos[0][3]))
    gap = 2 * max(1, round(width * _GAP_SHARE / 2))
    top = 2 * font_px
    second = left.image.width + gap
    size = second + right.image.width, top + max(left.image.height, right.image.height)
    both = Image.new("RGB", size, PAPER)
    canvas = ImageDraw.Draw(both)
    photos: list[Rect] = []
    for x, side, title in zip((0, second), (left, right), titles, strict=True):
        both.paste(side.image, (x, top))
        line = fitted_line(title, font_px, side.image.width - font_px)
        line.draw(canvas, x + font_px // 2, (top - line_height(font_px)) / 2, INK)
        photos += [(x1 + x, y1 + top, x2 + x, y2 + top) for x1, y1, x2, y2 in side.photos]
    notes = tuple(dict.fromkeys((*left.notes, *right.notes)))
    return Picture(both, notes, tuple(photos))
