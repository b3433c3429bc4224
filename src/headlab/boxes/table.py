"""The box table: annotations of any format, in pixels of the original images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from headlab.errors import InputError
from headlab.files.text import Remark

Severity = Literal["error", "warning"]

FARTHEST_PX = 1e9
"""A corner farther out than this is rejected by every reader: no photo is as large."""

BOXES_SCHEMA = pl.Schema(
    {
        "image_id": pl.Int64(),
        "image": pl.String(),
        "class_id": pl.Int64(),
        "x1": pl.Float64(),
        "y1": pl.Float64(),
        "x2": pl.Float64(),
        "y2": pl.Float64(),
        "difficult": pl.Boolean(),
        "crowd": pl.Boolean(),
        "file": pl.String(),
        "line": pl.Int64(),
    }
)
"""The columns of `BoxTable.boxes`."""

IMAGES_SCHEMA = pl.Schema(
    {
        "image_id": pl.Int64(),
        "image": pl.String(),
        "width_px": pl.Int64(),
        "height_px": pl.Int64(),
        "split": pl.String(),
        "path": pl.String(),
        "file": pl.String(),
        "line": pl.Int64(),
        "source_id": pl.Int64(),
    }
)
"""The columns of `BoxTable.images`."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with annotations.

    Attributes:
        severity: an error makes a box or an image unusable; a warning may be meant.
        kind: a short name, the same for all problems of a kind, such as "bad-box".
        message: what is wrong, in one sentence.
        file: the file that says so; empty if it is about no file.
        line: the line in it, from 1; None where the format has no lines.
        image: the image's path as written; empty if it is about no image.
    """

    severity: Severity
    kind: str
    message: str
    file: str = ""
    line: int | None = None
    image: str = ""

    @property
    def where(self) -> str:
        """FILE:LINE as far as they are known."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


def encoding_problems(remarks: Iterable[Remark], file: Path) -> tuple[Problem, ...]:
    """What a reader of texts remarks about a file, as problems."""
    return tuple(
        Problem("warning", "encoding", remark.message, str(file), remark.line) for remark in remarks
    )


@dataclass(frozen=True)
class BoxTable:
    """Annotations of one data set, whatever format they came from.

    Attributes:
        boxes: one row per box, images in the order of `images`. `image_id` says which row of `images`
            it belongs to; `image` is that image's path as written; `class_id` counts from 0;
            `x1`, `y1`, `x2`, `y2` are the corners in pixels of the original image, as written, so that
            they may lie outside of it or be swapped; `difficult` (Pascal VOC) and `crowd` (COCO) are
            false where the format has no such flag; `file` and `line` (from 1; null where the format
            has no lines) say where the box comes from.
        images: one row per entry of the data set, also for those without boxes, so that an image that is
            listed twice has two. `image_id` is the row's number; `width_px` and `height_px` are null where
            unknown; `split` is null where there are none; `path` is where the photo should be;
            `file` and `line` are where it is listed; `source_id` is COCO's own number, or null.
        class_names: by class number; empty if they are unknown.
        problems: what was skipped or is odd, in the order of reading.
        format: "keras", "yolo", "voc" or "coco".
        category_ids: by class number, the numbers that a COCO file gave to its categories; empty for other
            formats.
    """

    boxes: pl.DataFrame
    images: pl.DataFrame
    class_names: tuple[str, ...]
    problems: tuple[Problem, ...]
    format: str
    category_ids: tuple[int, ...] = field(default=())

    def class_name(self, class_id: int) -> str:
        """The class's name, or "class N" if it has none."""
        if 0 <= class_id < len(self.class_names):
            return self.class_names[class_id]
        return f"class {class_id}"

    def only_split(self, split: str) -> BoxTable:
        """The images and boxes of one split.

        Raises:
            InputError: there is no such split.
        """
        known = self.images["split"].drop_nulls().unique(maintain_order=True).to_list()
        if split not in known:
            listed = ", ".join(known) or "none"
            raise InputError(f"There is no split {split!r}.", f"Known splits: {listed}.")
        kept = self.images.filter(pl.col("split") == split)
        return self.with_images(kept)

    def with_images(self, kept: pl.DataFrame) -> BoxTable:
        """The table with only these rows of `images`, numbered afresh."""
        images = kept.with_columns(image_id=pl.int_range(pl.len(), dtype=pl.Int64))
        numbers = pl.DataFrame({"image_id": kept["image_id"], "new": images["image_id"]})
        boxes = (
            self.boxes.join(numbers, on="image_id", how="inner", maintain_order="left")
            .with_columns(image_id=pl.col("new"))
            .select(BOXES_SCHEMA.names())
        )
        return replace(self, boxes=boxes, images=images)


def boxes_frame(
    image_id: np.ndarray | pl.Series | Sequence[int],
    class_id: np.ndarray | pl.Series | Sequence[int],
    corners_px: np.ndarray | pl.DataFrame,
    images: pl.DataFrame,
    *,
    file: str | pl.Series | Sequence[str],
    line: np.ndarray | pl.Series | Sequence[int | None] | None = None,
    difficult: pl.Series | Sequence[bool] | None = None,
    crowd: pl.Series | Sequence[bool] | None = None,
) -> pl.DataFrame:
    """`BoxTable.boxes` from its columns.

    Args:
        image_id: (M,) row numbers of `images`.
        class_id: (M,).
        corners_px: (M, 4) x1, y1, x2, y2.
        images: `BoxTable.images`.
        file: where the boxes are from: one file, or one per box.
        line: (M,) lines in it, or None if there are none.
        difficult: (M,); None for all false.
        crowd: (M,); None for all false.
    """
    ids = pl.Series("image_id", image_id, dtype=pl.Int64)
    x1, y1, x2, y2 = (
        corners_px.get_columns()
        if isinstance(corners_px, pl.DataFrame)
        else (pl.Series(corners_px[:, at], dtype=pl.Float64) for at in range(4))
    )
    return pl.DataFrame(
        {
            "image_id": ids,
            "image": images["image"].gather(ids),
            "class_id": pl.Series(class_id, dtype=pl.Int64),
            "x1": x1,
            "y1": y1,
            "x2": x2,
            "y2": y2,
            "difficult": _flags(difficult, len(ids)),
            "crowd": _flags(crowd, len(ids)),
            "file": pl.repeat(file, len(ids), eager=True)
            if isinstance(file, str)
            else pl.Series(file, dtype=pl.String),
            "line": pl.repeat(None, len(ids), dtype=pl.Int64, eager=True)
            if line is None
            else pl.Series(line, dtype=pl.Int64),
        },
        schema=BOXES_SCHEMA,
    )


def images_frame(
    image: Sequence[str] | pl.Series,
    *,
    path: Sequence[str | None] | pl.Series | None = None,
    width_px: Sequence[int | None] | pl.Series | None = None,
    height_px: Sequence[int | None] | pl.Series | None = None,
    split: str | Sequence[str | None] | pl.Series | None = None,
    file: str | Sequence[str] | pl.Series = "",
    line: Sequence[int | None] | pl.Series | None = None,
    source_id: Sequence[int | None] | pl.Series | None = None,
) -> pl.DataFrame:
    """`BoxTable.images` from its columns; what is left out is null."""
    count = len(image)
    columns: dict[str, Any] = {
        "image": image,
        "width_px": width_px,
        "height_px": height_px,
        "split": split,
        "path": path,
        "file": file,
        "line": line,
        "source_id": source_id,
    }
    made = {"image_id": pl.int_range(count, dtype=pl.Int64, eager=True)}
    for name, values in columns.items():
        dtype = IMAGES_SCHEMA[name]
        if values is None or isinstance(values, str):
            made[name] = pl.repeat(values, count, dtype=dtype, eager=True)
        else:
            made[name] = pl.Series(name, values, dtype=dtype)
    return pl.DataFrame(made, schema=IMAGES_SCHEMA)


def joined(tables: Sequence[BoxTable]) -> BoxTable:
    """Several tables as one; classes are matched by name, where they have names.

    Raises:
        InputError: some tables have class names and others only numbers.
    """
    if len(tables) == 1:
        return tables[0]
    if len({bool(each.class_names) for each in tables}) > 1:
        raise InputError(
            "Some of the files have class names and others only class numbers.",
            "Give the names of all with --classes.",
        )
    names = tuple(dict.fromkeys(name for each in tables for name in each.class_names))
    boxes, images, start = [], [], 0
    for each in tables:
        boxes.append(_renumbered(each, names).with_columns(image_id=pl.col("image_id") + start))
        images.append(each.images.with_columns(image_id=pl.col("image_id") + start))
        start += each.images.height
    categories = {
        name: number
        for each in reversed(tables)
        for name, number in zip(each.class_names, each.category_ids, strict=False)
    }
    all_known = bool(names) and all(name in categories for name in names)
    return BoxTable(
        pl.concat(boxes),
        pl.concat(images),
        names,
        tuple(problem for each in tables for problem in each.problems),
        tables[0].format,
        tuple(categories[name] for name in names) if all_known else (),
    )


def _renumbered(table: BoxTable, names: tuple[str, ...]) -> pl.DataFrame:
    """The table's boxes with the class numbers of `names`; numbers without a name come after those."""
    if table.class_names == names[: len(table.class_names)]:
        return table.boxes
    new = {at: names.index(name) for at, name in enumerate(table.class_names)}
    unknown = pl.col("class_id") - len(table.class_names) + len(names)
    numbered = pl.col("class_id").replace_strict(new, default=unknown, return_dtype=pl.Int64)
    return table.boxes.with_columns(class_id=numbered)


def _flags(values: pl.Series | Sequence[bool] | None, count: int) -> pl.Series:
    if values is None:
        return pl.repeat(False, count, dtype=pl.Boolean, eager=True)
    return pl.Series(values, dtype=pl.Boolean)


def as_paths(folder: Path, names: Iterable[str]) -> list[str]:
    """Each name as a path within the folder, unless it is absolute."""
    return [str(folder / name) for name in names]
