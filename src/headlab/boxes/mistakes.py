"""Mistakes that all boxes of a file share: shares for pixels, other columns, classes counted from 1.

Box by box such a file has thousands of odd numbers, or none at all. Here they are looked at together: where
they make no sense as they are, but all of them do in another way, that way is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headlab.boxes.formats.format import FORMAT_TITLES
from headlab.boxes.table import WRONG_COLUMNS, BoxTable, Problem
from headlab.errors import InputError
from headlab.plain_text import counted

_Numbers = NDArray[np.float64]

_TOLERANCE_PX = 1.0
_NEARLY_ALL = 0.98
_SHARES = 0.9
_MOST_SOUND = 0.9
"""If more of the boxes than this are sound as they are, the others are wrong one by one."""


def with_mistake(table: BoxTable) -> BoxTable:
    """The table with a problem that names the likeliest mistake of the whole file, if there is one."""
    if not len(table):
        return table
    message = _mistake(table)
    if not message:
        return table
    file, line = table.boxes.select("file", "line").row(0)
    problem = Problem("error", WRONG_COLUMNS, message, file, line)
    return replace(table, problems=(problem, *table.problems))


def refuse_mistaken(table: BoxTable) -> None:
    """Do not use annotations whose numbers mean something else than they are read as.

    Raises:
        InputError: reading found such a mistake.
    """
    for problem in table.problems:
        if problem.kind == WRONG_COLUMNS:
            where = f"{problem.where}: " if problem.where else ""
            raise InputError(f"{where}{problem.message}")


def _mistake(table: BoxTable) -> str:
    corners = table.boxes.select("x1", "y1", "x2", "y2").to_numpy()
    if table.format != "yolo":
        shares = _as_shares(corners, table.format)
        if shares:
            return shares
        sides = table.boxes.select("image_id").join(
            table.images.select("image_id", "width_px", "height_px"),
            on="image_id",
            maintain_order="left",
        )
        width, height = sides.select(pl.col("width_px", "height_px").cast(pl.Float64)).to_numpy().T
        classes = table.boxes["class_id"].to_numpy()
        other = _other_columns(corners, classes, width, height, table)
        if other:
            return other
    return _counted_from_1(table)


def _as_shares(corners: _Numbers, format: str) -> str:  # noqa: A002
    """That the boxes are shares of the photo's sides; empty if they are not."""
    written = corners
    if format == "coco":  # x, y, width, height
        written = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    within = (np.abs(written) <= 1).all(axis=1)
    if within.mean() < _SHARES or not (written[within] != np.round(written[within])).any():
        return ""
    which = "All" if within.all() else f"{within.sum():,} of the"
    message = (
        f"{which} {counted(len(corners), 'box lies', 'boxes lie')} between 0 and 1: the numbers are shares "
        f"of the photo's width and height, where {FORMAT_TITLES[format]} has pixels. "
    )
    x1, y1, x2, y2 = corners[within].T
    if format != "coco" and ((x2 <= x1) | (y2 <= y1)).any():
        return (
            f"{message}They are centre, width and height, as in YOLO's label files: write x1 = (x - w / 2) "
            "times the photo's width, and so on, or make a YOLO data set of them."
        )
    return f"{message}Multiply those along x by the photo's width, and those along y by its height."


def _other_columns(
    corners: _Numbers,
    classes: NDArray[np.int64],
    width: _Numbers,
    height: _Numbers,
    table: BoxTable,
) -> str:
    """That the columns are others than is expected; empty if they are not."""
    sound = _sound(corners, width, height)
    count, unsound = len(sound), int((~sound).sum())
    if table.format in ("keras", "csv") and count > 1:
        first, *rest = corners.T
        columns = np.stack([*rest, classes.astype(np.float64)], axis=1)
        if _is_class(first, classes, table) and _fits(_sound(columns, width, height)):
            return (
                f"The first of the five numbers is the class, and the last a corner, in "
                f"{counted(count, 'box', 'boxes')}: the columns are class,x1,y1,x2,y2, where "
                "x1,y1,x2,y2,class is expected. Move the class to the end."
            )
    if unsound < 2 or sound.mean() > _MOST_SOUND:
        return ""
    expected = "x,y,width,height" if table.format == "coco" else "x1,y1,x2,y2"
    for meant, remedy, candidate in _candidates(corners, table.format):
        if _fits(_sound(candidate, width, height)):
            return (
                f"{unsound:,} of {counted(count, 'box has', 'boxes have')} no area or lie outside of the "
                f"photo, as they are read; read as {meant}, all would be sound. The columns are probably "
                f"{meant}, where {expected} is expected. {remedy}"
            )
    return ""


def _candidates(corners: _Numbers, format: str) -> Iterator[tuple[str, str, _Numbers]]:  # noqa: A002
    """What the four numbers may be instead, the likeliest first: the columns, the remedy, the corners."""
    a, b, c, d = corners.T
    if format == "coco":
        remedy = "Write x2 - x1 and y2 - y1 as the last two."
        yield "x1,y1,x2,y2", remedy, np.stack([a, b, c - a, d - b], axis=1)
        return
    remedy = "Write x2 = x + width and y2 = y + height."
    yield "x,y,width,height", remedy, np.stack([a, b, a + c, b + d], axis=1)
    remedy = "Write x1 = x - width / 2, x2 = x + width / 2, and y1 and y2 likewise."
    centred = np.stack([a - c / 2, b - d / 2, a + c / 2, b + d / 2], axis=1)
    yield "the centre's x,y and width,height", remedy, centred
    yield "y1,x1,y2,x2", "Put x before y.", np.stack([b, a, d, c], axis=1)
    remedy = "Write one corner after the other."
    yield "x1,x2,y1,y2", remedy, np.stack([a, c, b, d], axis=1)


def _is_class(first: _Numbers, classes: NDArray[np.int64], table: BoxTable) -> bool:
    """Whether the first number of each box looks like a class, and the last does not."""
    if not ((first >= 0) & (first == np.round(first))).all():
        return False
    known = len(table.class_names)
    if known:
        return bool((first < known).all() and (classes >= known).mean() >= _SHARES)
    several = len(classes) >= _ENOUGH_TO_TELL and classes.max() >= _MANY_CLASSES
    return bool(several and len(np.unique(first)) * 3 <= len(np.unique(classes)))


_ENOUGH_TO_TELL, _MANY_CLASSES = 5, 20


def _counted_from_1(table: BoxTable) -> str:
    known, classes = len(table.class_names), table.boxes["class_id"].to_numpy()
    low, high = int(classes.min()), int(classes.max())
    if not known or low == 0 or high != known:
        return ""
    return (
        f"The classes are counted from 1: the boxes have {low} to {high}, and the {known} names are numbered "
        f"from 0 to {known - 1}. Subtract 1 from each class; or, if the last name is missing, add it."
    )


def _sound(corners: _Numbers, width: _Numbers, height: _Numbers) -> NDArray[np.bool_]:
    """Which boxes have an area and lie in the photo, as far as its size is known."""
    x1, y1, x2, y2 = corners.T
    ordered = (x2 > x1) & (y2 > y1) & (x1 >= -_TOLERANCE_PX) & (y1 >= -_TOLERANCE_PX)
    beyond = (x2 > width + _TOLERANCE_PX) | (y2 > height + _TOLERANCE_PX)
    sound: NDArray[np.bool_] = ordered & ~beyond
    return sound


def _fits(sound: NDArray[np.bool_]) -> bool:
    return bool(sound.mean() >= _NEARLY_ALL)
