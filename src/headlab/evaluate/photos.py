"""The annotated photos: their files and their truths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from headlab.boxes.checking.boxes import box_errors
from headlab.boxes.table import BoxTable
from headlab.errors import InputError
from headlab.evaluate.classes import ClassMatch
from headlab.evaluate.scoring import Boxes, Flags, Numbers
from headlab.extras import ultralytics
from headlab.plain_text import counted


@dataclass(frozen=True)
class PhotoTruths:
    """The truths of one photo, as in `headlab.evaluate.scoring.Truths`."""

    boxes_xyxy_px: Boxes
    class_id: Numbers
    crowd: Flags


@dataclass(frozen=True)
class Photo:
    """An annotated photo.

    Attributes:
        name: as the annotations call it.
        path: where it should be.
        size_wh_px: its size according to the annotations; None if they do not say.
        truths: what is to be found in it, classes numbered as in `ClassMatch`.
    """

    name: str
    path: Path
    size_wh_px: tuple[int, int] | None
    truths: PhotoTruths

    def unusable(self) -> str:
        """Why it cannot be opened at all; empty if it may be."""
        formats: set[str] = ultralytics("data.utils").IMG_FORMATS
        if self.path.suffix[1:].lower() not in formats:
            return "not a photo, by its name"
        if self.path.is_dir():
            return "a folder, not a photo"
        return "" if self.path.is_file() else "no such file"


def annotated_photos(
    table: BoxTable, classes: ClassMatch, *, difficult: bool = False
) -> list[Photo]:
    """The photos of annotations, each once, however often it is listed.

    Boxes of classes that are not evaluated are left out, and so are boxes without an area. Swapped corners
    are put right. COCO's crowds count as crowds, and so do Pascal VOC's difficult boxes.

    Args:
        table: the annotations.
        classes: which classes are evaluated.
        difficult: difficult boxes count like any others.

    Raises:
        InputError: there is no photo, or no box to be found.
    """
    if not table.images.height:
        raise InputError("The annotations list no photos.", "Is it the right file, or split?")
    truths = truths_of(table, classes.of_data, difficult=difficult)
    if all(of_photo.crowd.all() for of_photo in truths.values()):
        raise InputError(
            "There are no boxes to be found in the annotations, so that nothing can be measured.",
            "Look at them with headlab boxes stats.",
        )
    listed = table.images.with_columns(_PATH).unique("path", keep="first", maintain_order=True)
    return [
        Photo(image, Path(path), (width, height) if width and height else None, truths[path])
        for image, path, width, height in listed.select(
            "image", "path", "width_px", "height_px"
        ).iter_rows()
    ]


_PATH = pl.coalesce("path", "image").alias("path")


def truths_of(
    table: BoxTable, of_data: Mapping[int, int], *, difficult: bool = False
) -> dict[str, PhotoTruths]:
    """What is to be found in each photo, by its path; see `annotated_photos`.

    Args:
        table: the annotations.
        of_data: by the annotations' class number the evaluated class; the others are left out.
        difficult: difficult boxes count like any others.
    """
    paths = table.images.select("image_id", _PATH)
    boxes = _usable(table, of_data, difficult).join(paths, on="image_id", maintain_order="left")
    of_path = boxes.partition_by("path", as_dict=True)
    nothing = _truths(boxes.clear())
    return {
        path: _truths(of_path[(path,)]) if (path,) in of_path else nothing
        for path in paths["path"].unique(maintain_order=True).to_list()
    }


def box_remarks(table: BoxTable) -> list[str]:
    """What became of the boxes in which `headlab.boxes.check` finds an error, in sentences."""
    errors = box_errors(table)
    remarks = []
    for kind, one, several in _TREATED:
        same = [error for error in errors if error.kind == kind]
        if same:
            more = ", …" if len(same) > 1 else ""
            text = one if len(same) == 1 else several
            boxes = counted(len(same), "box", "boxes")
            remarks.append(f"{boxes} {text} ({same[0].where}{more})")
    return remarks


_TREATED = (
    ("zero-size", "without an area was left out", "without an area were left out"),
    (
        "swapped-corners",
        "with swapped corners was put right",
        "with swapped corners were put right",
    ),
    (
        "box-outside",
        "with its centre outside of the photo is to be found like any other",
        "with their centres outside of the photo are to be found like any others",
    ),
)
"""By kind of error, what is said of one box and of several."""


def _usable(table: BoxTable, of_data: Mapping[int, int], difficult: bool) -> pl.DataFrame:
    """The boxes as x1 <= x2, y1 <= y2 with an area, with the numbers of the evaluated classes."""
    crowd = pl.col("crowd") if difficult else pl.col("crowd") | pl.col("difficult")
    low, high = pl.min_horizontal, pl.max_horizontal
    return (
        table.boxes.select(
            "image_id",
            pl.col("class_id").replace_strict(dict(of_data), default=-1, return_dtype=pl.Int64),
            low("x1", "x2").alias("x1"),
            low("y1", "y2").alias("y1"),
            high("x1", "x2").alias("x2"),
            high("y1", "y2").alias("y2"),
            crowd.alias("crowd"),
        )
        .filter(pl.col("class_id") >= 0)
        .filter((pl.col("x2") > pl.col("x1")) & (pl.col("y2") > pl.col("y1")))
    )


def _truths(boxes: pl.DataFrame) -> PhotoTruths:
    return PhotoTruths(
        boxes.select("x1", "y1", "x2", "y2").to_numpy().astype(np.float64).reshape(-1, 4),
        boxes["class_id"].to_numpy().astype(np.int64),
        boxes["crowd"].to_numpy().astype(np.bool_),
    )
