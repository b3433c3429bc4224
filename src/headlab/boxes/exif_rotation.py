"""Boxes that were drawn on photos as they are stored, on the photos as they are shown upright.

Source: CIPA DC-008 (Exif), section 4.6.4, the tag Orientation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from headlab.boxes.photos.headers import UPRIGHT, Header
from headlab.boxes.photos.sizes import read_headers
from headlab.boxes.table import BoxTable, Problem

_MIRRORED_X = (2, 3, 7, 8)
_MIRRORED_Y = (3, 4, 6, 7)
_SWAPPED = (5, 6, 7, 8)

_CORNERS = ("x1", "y1", "x2", "y2")
_SIDES = ("width_px", "height_px")


def photo_paths(table: BoxTable) -> list[str]:
    """Where each image's photo should be; its name where that is unknown."""
    paths: list[str] = table.images["path"].fill_null(table.images["image"]).to_list()
    return paths


def upright_table(
    table: BoxTable, headers: Sequence[Header | Problem] | None = None
) -> tuple[BoxTable, int]:
    """The table with the boxes and sizes of the photos as every reader here shows them: upright.

    keras-yolo3 reads photos as they are stored, and so were its boxes drawn. In other formats the stated
    size tells which way they were; where it does not, they were drawn upright.

    Args:
        table: as `headlab.boxes.read` gives it. One that was turned already would be turned again.
        headers: of the photos, one for each of `table.images`; None reads them.

    Returns:
        The table, and how many photos' boxes were turned.
    """
    if headers is None:
        headers = read_headers(photo_paths(table))
    turned = dict(_turned(table, headers))
    if not turned:
        return table, 0
    image_id = table.boxes["image_id"].to_numpy()
    as_it_is = Header(0, 0)
    each = [turned.get(at, as_it_is) for at in range(table.images.height)]
    stored = np.array([(header.width_px, header.height_px) for header in each], np.float64)
    orientation = np.array([header.orientation for header in each])
    corners = table.boxes.select(_CORNERS).to_numpy()
    corners = upright(corners, stored[image_id], orientation[image_id])
    sizes = pl.DataFrame(
        [(at, *header.upright_px) for at, header in turned.items()],
        schema=dict.fromkeys(("image_id", *_SIDES), pl.Int64),
        orient="row",
    )
    paths = photo_paths(table)
    upright_boxes = table.boxes.with_columns(
        pl.Series(name, corners[:, at]) for at, name in enumerate(_CORNERS)
    )
    images = table.images.update(sizes, on="image_id")
    return replace(table, boxes=upright_boxes, images=images), len({paths[at] for at in turned})


def upright(
    boxes_xyxy_px: NDArray[np.float64], stored_wh_px: ArrayLike, orientation: ArrayLike
) -> NDArray[np.float64]:
    """Turn boxes along with their photos.

    Mirror along x (x becomes W - x) and y as the orientation says, then swap x and y if it does: with 6,
    stored (x, y) becomes (H - y, x), which is a quarter turn clockwise.

    Args:
        boxes_xyxy_px: x1, y1, x2, y2 in the stored pixels, (n, 4).
        stored_wh_px: width and height as stored: of each box's photo (n, 2), or of the one photo (2,).
        orientation: Exif's 1 to 8: of each box's photo (n,), or of the one photo.

    Returns:
        (n, 4) in the upright pixels; corners that were swapped stay swapped.
    """
    width, height = np.asarray(stored_wh_px).T
    x1, y1, x2, y2 = boxes_xyxy_px.T
    mirrored = np.isin(orientation, _MIRRORED_X)
    x1, x2 = np.where(mirrored, (width - x2, width - x1), (x1, x2))
    mirrored = np.isin(orientation, _MIRRORED_Y)
    y1, y2 = np.where(mirrored, (height - y2, height - y1), (y1, y2))
    swapped = np.isin(orientation, _SWAPPED)
    turned: NDArray[np.float64] = np.where(swapped, (y1, x1, y2, x2), (x1, y1, x2, y2)).T
    return turned


def _turned(table: BoxTable, headers: Sequence[Header | Problem]) -> Iterator[tuple[int, Header]]:
    """The images whose boxes were drawn on the stored pixels of a photo that is not stored upright."""
    sizes = table.images.select(_SIDES).rows()
    for at, header in enumerate(headers):
        if not isinstance(header, Header) or header.orientation == UPRIGHT:
            continue
        stored = (header.width_px, header.height_px)
        if table.format == "keras" or sizes[at] == stored != header.upright_px:
            yield at, header
