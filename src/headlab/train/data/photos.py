"""The photos of a training and their boxes, from annotations of any format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headlab.boxes.exif_rotation import photo_paths, upright_table
from headlab.boxes.photos.headers import Header
from headlab.boxes.photos.sizes import read_headers
from headlab.boxes.table import MISSING_IMAGE, BoxTable, Problem
from headlab.errors import InputError
from headlab.evaluate.photos import PhotoTruths, truths_of
from headlab.plain_text import size_text

Boxes = NDArray[np.float32]

SMALLEST_PX = 1.0
"""Augmentation drops a box that is not wider and higher than this."""

_SHOWN = 3


@dataclass(frozen=True)
class Photos:
    """N photos and the boxes on them.

    Attributes:
        paths: the photos' files.
        boxes: for each photo x1, y1, x2, y2 in pixels of the upright photo, and the class number;
            float32, (n, 5).
        class_names: by class number.
        truths: for each photo what `headlab evaluate` would look for; empty for photos to train on.
    """

    paths: tuple[str, ...]
    boxes: tuple[Boxes, ...]
    class_names: tuple[str, ...]
    truths: tuple[PhotoTruths, ...] = ()

    def __len__(self) -> int:
        """The number of photos, N."""
        return len(self.paths)

    @property
    def box_count(self) -> int:
        """The number of boxes on all photos."""
        return sum(map(len, self.boxes))


@dataclass(frozen=True)
class _Columns:
    """Boxes as columns: photo (M,), x1 ... y2 and the class (M, 5), and the row of the table (M,)."""

    photo: NDArray[np.int64]
    rows: NDArray[np.float64]
    origin: NDArray[np.int64]

    def only(self, kept: NDArray[np.bool_]) -> _Columns:
        return _Columns(self.photo[kept], self.rows[kept], self.origin[kept])


def photos_of(
    table: BoxTable, *, evaluated: bool = False, input_hw_px: tuple[int, int] | None = None
) -> tuple[Photos, tuple[str, ...]]:
    """The photos of a table that exist, and those of their boxes that can be learned.

    Missing photos, crowds, boxes without area and boxes entirely outside their photo are left out. Photos
    that cannot be decoded stay, since that shows only when they are read.

    Args:
        table: the annotations.
        evaluated: whether detections will be compared with the boxes, so that `truths` are needed.
        input_hw_px: height and width of the network's input, to say which boxes are too small there.

    Returns:
        The photos, and sentences about what was left out.

    Raises:
        InputError: none of the photos exists, or all boxes are too small in the input.
    """
    paths = photo_paths(table)
    headers = read_headers(paths)
    missing = np.array([_is_missing(header) for header in headers], np.bool_)
    if missing.all():
        raise InputError(
            f"None of the {len(paths):,} photos exists; the first was looked for at {paths[0]}.",
            "Name their folder with --data.images, or correct the paths in the annotations.",
        )
    table, rotated = upright_table(table, headers)
    columns, crowds = _columns(table)
    columns = columns.only(~missing[columns.photo])
    upright_wh_px = _sizes(headers)
    columns, left_out = _sound(columns, upright_wh_px)
    present = [path for path, is_gone in zip(paths, missing, strict=True) if not is_gone]
    truths = _truths(table) if evaluated else {}
    photos = Photos(
        tuple(present),
        _by_photo(columns, missing),
        table.class_names,
        tuple(truths[path] for path in present) if evaluated else (),
    )
    notes = [
        _missing_note([path for path, is_gone in zip(paths, missing, strict=True) if is_gone]),
        counted(crowds, "box{es} of a crowd rather than one object {was} left out."),
        *(_left_out(table, origin, reason) for reason, origin in left_out.items()),
        counted(rotated, "photo{s} rotated by Exif: read upright, with the boxes rotated as well."),
    ]
    if input_hw_px is not None:
        notes.append(_small_note(table, columns, upright_wh_px, input_hw_px))
    return photos, tuple(note for note in notes if note)


def _truths(table: BoxTable) -> dict[str, PhotoTruths]:
    return truths_of(table, {number: number for number in range(len(table.class_names))})


def _is_missing(header: Header | Problem) -> bool:
    return isinstance(header, Problem) and header.kind == MISSING_IMAGE


def _columns(table: BoxTable) -> tuple[_Columns, int]:
    """The boxes of single objects, in the order of the photos, and the number of crowds."""
    boxes = (
        table.boxes.with_row_index("origin")
        .filter(~pl.col("crowd"))
        .sort("image_id", maintain_order=True)
    )
    rows = boxes.select("x1", "y1", "x2", "y2", pl.col("class_id").cast(pl.Float64)).to_numpy()
    photo, origin = boxes["image_id"].to_numpy(), boxes["origin"].to_numpy()
    return _Columns(photo, rows, origin), table.boxes.height - boxes.height


def _sizes(headers: Sequence[Header | Problem]) -> NDArray[np.float64]:
    """Width and height of each upright photo (N, 2); infinite where they are unknown."""
    unknown = (np.inf, np.inf)
    return np.array(
        [header.upright_wh_px if isinstance(header, Header) else unknown for header in headers],
        np.float64,
    )


def _sound(
    columns: _Columns, upright_wh_px: NDArray[np.float64]
) -> tuple[_Columns, dict[str, NDArray[np.int64]]]:
    """The boxes with an area inside their photo, and by reason the rows of those left out."""
    x1, y1, x2, y2 = columns.rows[:, :4].astype(np.float32).T
    width, height = upright_wh_px[columns.photo].T
    swapped = (x2 < x1) | (y2 < y1)
    area = (x2 > x1) & (y2 > y1)
    within = (x2 > 0) & (y2 > 0) & (x1 < width) & (y1 < height)
    left_out = {
        "whose right or lower corner comes first": swapped,
        "without area": ~area & ~swapped,
        "outside the photo": area & ~within,
    }
    return columns.only(area & within), {
        reason: columns.origin[rows] for reason, rows in left_out.items()
    }


def _left_out(table: BoxTable, origin: NDArray[np.int64], reason: str) -> str:
    """The sentence about boxes that were left out; empty for none."""
    where = _where(table, origin)
    return counted(len(origin), f"box{{es}} {reason} {{was}} left out ({where}).")


def _where(table: BoxTable, origin: NDArray[np.int64]) -> str:
    """The first of some rows of the table, such as "train.txt:7, …"."""
    if not len(origin):
        return ""
    row = table.boxes.row(int(origin.min()), named=True)
    place = Problem("error", "", "", row["file"], row["line"]).where
    first = f"{place}: {row['image']}" if row["line"] is None else place
    return f"{first}, …" if len(origin) > 1 else first


def _small_note(
    table: BoxTable,
    columns: _Columns,
    upright_wh_px: NDArray[np.float64],
    input_hw_px: tuple[int, int],
) -> str:
    """The sentence about boxes of a pixel or less in the input; empty if there are none.

    Raises:
        InputError: all are.
    """
    height, width = input_hw_px
    scale = (np.array([width, height]) / upright_wh_px[columns.photo]).min(1)  # 0 where unknown
    sides = (columns.rows[:, 2:4] - columns.rows[:, :2]).min(1) * scale
    small = (sides <= SMALLEST_PX) & (scale > 0)
    origin = columns.origin[small]
    size = size_text(input_hw_px)
    if len(small) and small.all():
        fractions = bool((columns.rows[:, :4] <= 1).all())
        raise InputError(
            f"All {len(small):,} boxes to train on are at most {SMALLEST_PX:g} px wide or high in an input "
            f"of {size} ({_where(table, origin)}), so that there is nothing to learn.",
            "All of them lie between 0 and 1: write pixels of the photos instead of fractions."
            if fractions
            else "Train with a larger --imgsz, or on parts of the photos.",
        )
    return counted(
        len(origin),
        f"box{{es}} {{is}} at most {SMALLEST_PX:g} px wide or high in an input of {size} "
        f"({_where(table, origin)}): augmentation drops them unless it enlarges them.",
    )


def _by_photo(columns: _Columns, missing: NDArray[np.bool_]) -> tuple[Boxes, ...]:
    """The boxes of each photo that exists, as views of one array."""
    rows = columns.rows.astype(np.float32)
    ends = np.searchsorted(columns.photo, np.arange(len(missing) + 1))
    return tuple(rows[ends[at] : ends[at + 1]] for at in np.flatnonzero(~missing))


def _missing_note(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    more = ", …" if len(paths) > _SHOWN else ""
    shown = ", ".join(paths[:_SHOWN]) + more
    return counted(len(paths), f"photo{{s}} {{is}} missing and {{was}} left out: {shown}.")


def counted(count: int, text: str) -> str:
    """The text after its number, with plurals as in "box{es} {was} left out"; empty for 0."""
    if not count:
        return ""
    one = count == 1
    words = {"s": "" if one else "s", "es": "" if one else "es"}
    words |= {"is": "is" if one else "are", "was": "was" if one else "were"}
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return f"{count:,} {text}"
