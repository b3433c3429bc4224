"""Rotate boxes that were drawn on photos as they are stored along with the photos, as Exif says.

Source: CIPA DC-008 (Exif), section 4.6.4, the tag Orientation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from headlab.boxes.photos.headers import UPRIGHT, Header
from headlab.boxes.photos.search import any_exists
from headlab.boxes.photos.sizes import read_headers
from headlab.boxes.table import BoxTable, Problem

_MIRRORED_X = (2, 3, 7, 8)
_MIRRORED_Y = (3, 4, 6, 7)
_SWAPPED = (5, 6, 7, 8)
_INVERSE = np.array([0, 1, 2, 3, 4, 5, 8, 7, 6])
"""The orientation that undoes each one: only the two quarter turns do not undo themselves."""

_CORNERS = ("x1", "y1", "x2", "y2")
_SIDES = ("width_px", "height_px")


def photo_paths(table: BoxTable) -> list[str]:
    """Where each image's photo should be; its name where that is unknown."""
    paths: list[str] = table.images["path"].fill_null(table.images["image"]).to_list()
    return paths


def upright_table(
    table: BoxTable, headers: Sequence[Header | Problem] | None = None
) -> tuple[BoxTable, int]:
    """The table with boxes and sizes on the photos as all readers of headlab give them: upright.

    keras-yolo3 reads photos as they are stored, so its boxes were drawn on those. In other formats the
    stated size shows whether they were drawn on the stored or the upright photo; where it does not, they
    were drawn on the upright one.

    Args:
        table: as `headlab.boxes.read` gives it. One that was rotated already would be rotated again.
        headers: of the photos, one for each row of `table.images`; None reads them.

    Returns:
        The table, and the number of photos whose boxes were rotated.
    """
    if headers is None:
        headers = read_headers(photo_paths(table))
    return _rotated_along(table, dict(_drawn_as_stored(table, headers)), to_upright=True)


def as_readers_look(table: BoxTable, format: str) -> tuple[BoxTable, int]:  # noqa: A002
    """The table with boxes and sizes on the photos as the programs that read a format see them.

    keras-yolo3 sees photos as they are stored, the programs of all other formats see them upright.

    Args:
        table: as `headlab.boxes.read` gives it.
        format: in which the table is written.

    Returns:
        The table, and the number of photos whose boxes were rotated.
    """
    if table.format == format == "keras" or not any_exists(table.images["path"].drop_nulls()):
        return table, 0
    headers = read_headers(photo_paths(table))
    drawn_as_stored = dict(_drawn_as_stored(table, headers))
    if format != "keras":
        return _rotated_along(table, drawn_as_stored, to_upright=True)
    drawn_upright = {
        image_id: header
        for image_id, header in enumerate(headers)
        if isinstance(header, Header)
        and header.orientation != UPRIGHT
        and image_id not in drawn_as_stored
    }
    return _rotated_along(table, drawn_upright, to_upright=False)


def _rotated_along(
    table: BoxTable, rotated: dict[int, Header], *, to_upright: bool
) -> tuple[BoxTable, int]:
    """The table with boxes and sizes of some photos rotated; and how many photos these are.

    Args:
        table: with boxes on these photos as they are stored, or, not `to_upright`, as they are upright.
        rotated: the headers of the photos, by `image_id`.
        to_upright: from the stored to the upright photo, or the other way.
    """
    if not rotated:
        return table, 0
    box_image = table.boxes["image_id"].to_numpy()
    unchanged = Header(0, 0)
    by_image = [rotated.get(image_id, unchanged) for image_id in range(table.images.height)]
    as_given = [
        (header.width_px, header.height_px) if to_upright else header.upright_wh_px
        for header in by_image
    ]
    orientation = np.array([header.orientation for header in by_image])
    if not to_upright:
        orientation = _INVERSE[orientation]
    given_wh = np.array(as_given, np.float64)
    corners = table.boxes.select(_CORNERS).to_numpy()
    corners = upright(corners, given_wh[box_image], orientation[box_image])
    sizes = pl.DataFrame(
        [
            (
                image_id,
                *(header.upright_wh_px if to_upright else (header.width_px, header.height_px)),
            )
            for image_id, header in rotated.items()
        ],
        schema=dict.fromkeys(("image_id", *_SIDES), pl.Int64),
        orient="row",
    )
    paths = photo_paths(table)
    boxes = table.boxes.with_columns(
        pl.Series(name, corners[:, column]) for column, name in enumerate(_CORNERS)
    )
    images = table.images.update(sizes, on="image_id")
    count = len({paths[image_id] for image_id in rotated})
    return replace(table, boxes=boxes, images=images), count


def upright(
    boxes_xyxy_px: NDArray[np.float64], stored_wh_px: ArrayLike, orientation: ArrayLike
) -> NDArray[np.float64]:
    """Rotate boxes along with their photos.

    Mirror along x (x becomes W - x) and y as the orientation says, then swap x and y if it does: with 6,
    (x, y) as stored becomes (H - y, x), which is a quarter turn clockwise.

    Args:
        boxes_xyxy_px: x1, y1, x2, y2 in pixels of the stored photo, (n, 4).
        stored_wh_px: width and height as stored: of each box's photo (n, 2), or of one photo (2,).
        orientation: Exif's 1 to 8: of each box's photo (n,), or of one photo.

    Returns:
        (n, 4) in pixels of the upright photo; corners that were swapped stay swapped.
    """
    width, height = np.asarray(stored_wh_px).T
    x1, y1, x2, y2 = boxes_xyxy_px.T
    mirrored = np.isin(orientation, _MIRRORED_X)
    x1, x2 = np.where(mirrored, (width - x2, width - x1), (x1, x2))
    mirrored = np.isin(orientation, _MIRRORED_Y)
    y1, y2 = np.where(mirrored, (height - y2, height - y1), (y1, y2))
    swapped = np.isin(orientation, _SWAPPED)
    rotated: NDArray[np.float64] = np.where(swapped, (y1, x1, y2, x2), (x1, y1, x2, y2)).T
    return rotated


def _drawn_as_stored(
    table: BoxTable, headers: Sequence[Header | Problem]
) -> Iterator[tuple[int, Header]]:
    """The images whose boxes were drawn on the stored pixels of a photo that is not stored upright."""
    sizes = table.images.select(_SIDES).rows()
    for image_id, header in enumerate(headers):
        if not isinstance(header, Header) or header.orientation == UPRIGHT:
            continue
        stored = (header.width_px, header.height_px)
        if table.format == "keras" or sizes[image_id] == stored != header.upright_wh_px:
            yield image_id, header
