"""The photos of a training and their boxes, from annotations of any format."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headlab.boxes.exif_rotation import photo_paths, upright_table
from headlab.boxes.photos.headers import Header
from headlab.boxes.photos.search import bare_name
from headlab.boxes.photos.sizes import read_headers
from headlab.boxes.table import MISSING_IMAGE, BoxTable, Problem
from headlab.errors import InputError
from headlab.evaluate.photos import PhotoTruths, truths_of

Boxes = NDArray[np.float32]

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

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the photos' names without their folders, the boxes and the class names.

        It stays the same when the data set is moved to another folder.
        """
        digest = hashlib.sha256(repr((len(self), self.class_names)).encode())
        for path, boxes in zip(self.paths, self.boxes, strict=True):
            digest.update(repr((bare_name(path), len(boxes))).encode())
            digest.update(boxes.astype("<f4").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class _Columns:
    """Boxes as columns: photo (M,), x1 ... y2 and the class (M, 5)."""

    photo: NDArray[np.int64]
    rows: NDArray[np.float64]

    def only(self, kept: NDArray[np.bool_]) -> _Columns:
        return _Columns(self.photo[kept], self.rows[kept])


def photos_of(table: BoxTable, *, evaluated: bool = False) -> tuple[Photos, tuple[str, ...]]:
    """The photos of a table that exist, and those of their boxes that can be learned.

    Missing photos, crowds, boxes without area and boxes entirely outside their photo are left out. Photos
    that cannot be decoded stay, since that shows only when they are read.

    Args:
        table: the annotations.
        evaluated: whether detections will be compared with the boxes, so that `truths` are needed.

    Returns:
        The photos, and sentences about what was left out.

    Raises:
        InputError: none of the photos exists.
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
    columns, empty, outside = _sound(columns, headers)
    present = [path for path, is_gone in zip(paths, missing, strict=True) if not is_gone]
    truths = _truths(table) if evaluated else {}
    photos = Photos(
        tuple(present),
        _by_photo(columns, missing),
        table.class_names,
        tuple(truths[path] for path in present) if evaluated else (),
    )
    missing_paths = [path for path, is_gone in zip(paths, missing, strict=True) if is_gone]
    notes = (
        _missing_note(missing_paths),
        counted(crowds, "box{es} of a crowd rather than one object {was} left out."),
        counted(empty, "box{es} without area {was} left out."),
        counted(outside, "box{es} outside the photo {was} left out."),
        counted(rotated, "photo{s} rotated by Exif: read upright, with the boxes rotated as well."),
    )
    return photos, tuple(note for note in notes if note)


def _truths(table: BoxTable) -> dict[str, PhotoTruths]:
    return truths_of(table, {number: number for number in range(len(table.class_names))})


def _is_missing(header: Header | Problem) -> bool:
    return isinstance(header, Problem) and header.kind == MISSING_IMAGE


def _columns(table: BoxTable) -> tuple[_Columns, int]:
    """The boxes of single objects, in the order of the photos, and the number of crowds."""
    boxes = table.boxes.filter(~pl.col("crowd")).sort("image_id", maintain_order=True)
    rows = boxes.select("x1", "y1", "x2", "y2", pl.col("class_id").cast(pl.Float64)).to_numpy()
    photo = boxes["image_id"].to_numpy()
    return _Columns(photo, rows), table.boxes.height - boxes.height


def _sound(columns: _Columns, headers: Sequence[Header | Problem]) -> tuple[_Columns, int, int]:
    """The boxes with an area inside their photo; the number without area, and the number outside."""
    unknown = (np.inf, np.inf)
    sizes = np.array(
        [header.upright_wh_px if isinstance(header, Header) else unknown for header in headers],
        np.float64,
    )
    x1, y1, x2, y2 = columns.rows[:, :4].astype(np.float32).T
    width, height = sizes[columns.photo].T
    area = (x2 > x1) & (y2 > y1)
    within = (x2 > 0) & (y2 > 0) & (x1 < width) & (y1 < height)
    return columns.only(area & within), int((~area).sum()), int((area & ~within).sum())


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
