"""Several pictures as one: each made smaller, with its name below it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from headlab.plain_text import printable
from headlab.results.fonts import fitted_line
from headlab.results.pictures.margin import INK

MOST_PICTURES = 12
TILE_PX = 480

_GAP_PX = 8
_FONT_PX = 14
_NAME_PX = 24


def sheet(
    pictures: Sequence[tuple[str, Image.Image]],
    *,
    columns: int | None = None,
    tile_px: int = TILE_PX,
) -> Image.Image:
    """Pictures in rows.

    Args:
        pictures: each with its name.
        columns: how many there are in a row; by default so many that the sheet is about square.
        tile_px: the longer side of a picture; none is enlarged to it.
    """
    across = columns or math.ceil(math.sqrt(len(pictures)))
    tiles = [(name, _smaller(picture, tile_px)) for name, picture in pictures]
    rows = [tiles[start : start + across] for start in range(0, len(tiles), across)]
    width = max(tile.width for _, tile in tiles)
    heights = [max(tile.height for _, tile in row) + _NAME_PX for row in rows]
    size = (
        across * (width + _GAP_PX) + _GAP_PX,
        sum(heights) + len(rows) * _GAP_PX + _GAP_PX,
    )
    whole = Image.new("RGB", size, "white")
    canvas = ImageDraw.Draw(whole)
    top = _GAP_PX
    for row, height in zip(rows, heights, strict=True):
        for column, (name, tile) in enumerate(row):
            left = _GAP_PX + column * (width + _GAP_PX)
            whole.paste(tile, (left, top))
            text = fitted_line(printable(name), _FONT_PX, width)
            text.draw(canvas, left, top + tile.height + 4, INK)
        top += height + _GAP_PX
    return whole


def _smaller(picture: Image.Image, longer_px: int) -> Image.Image:
    scale = min(1.0, longer_px / max(picture.size))
    width, height = (max(1, round(scale * side)) for side in picture.size)
    return picture if scale == 1 else picture.resize((width, height), Image.Resampling.LANCZOS)
