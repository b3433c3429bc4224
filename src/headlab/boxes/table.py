"""The box table: annotations of any format, in pixels of the original images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import polars as pl

from headlab.errors import InputError
from headlab.files.path_text import path_text
from headlab.files.text import Remark
from headlab.plain_text import composed, counted
from headlab.results.result import Result
from headlab.results.text_column import text_column

if TYPE_CHECKING:
    from rich.console import RenderableType

Severity = Literal["error", "warning"]

MISSING_IMAGE = "missing-image"
CORRUPT_IMAGE = "corrupt-image"
NO_CLASS_NAMES = "no-class-names"
NO_BOX = "no-box"
"""An error: nothing has a box."""
WRONG_COLUMNS = "wrong-columns"
"""An error that concerns all annotations, such as columns in another order: not for training."""
SIZE_MISMATCH = "size-mismatch"
MISPLACED = "boxes-of-other-size"
DUPLICATE_IMAGE = "duplicate-image"
DUPLICATE_BOX = "duplicate-box"
STALE_FILENAME = "stale-filename"
ASSUMED = "assumed"
POLYGON = "polygon"

PUT_RIGHT = frozenset(
    (SIZE_MISMATCH, DUPLICATE_IMAGE, DUPLICATE_BOX, STALE_FILENAME, ASSUMED, POLYGON)
)
"""Kinds of problems that reading has put right: whoever uses the annotations is told, and loses none."""

FARTHEST_PX = 1e9
"""Every reader rejects a corner that is farther out than this: no photo is so large."""

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
        file: the file that it is in; empty if it concerns no single file.
        line: the line in that file, from 1; None where the format has no lines.
        image: the image's path as written; empty if it concerns no single image.
    """

    severity: Severity
    kind: str
    message: str
    file: str = ""
    line: int | None = None
    image: str = ""

    @property
    def is_put_right(self) -> bool:
        """Reading has put it right, or assumed what was meant: nothing is lost to it."""
        return self.kind in PUT_RIGHT

    @property
    def where(self) -> str:
        """FILE:LINE, as far as they are known."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


def encoding_problems(remarks: Iterable[Remark], file: Path) -> tuple[Problem, ...]:
    """What a reader of texts remarks about a file, as problems."""
    return tuple(
        Problem("warning", "encoding", remark.message, str(file), remark.line) for remark in remarks
    )


@dataclass(frozen=True, repr=False, eq=False)
class BoxTable(Result):
    """Annotations of one data set, whatever format they came from.

    Attributes:
        boxes: one row per box, in the order of `images`. `image_id` is the number of the box's row in
            `images`, `image` that image's path as written; `class_id` counts from 0; `x1`, `y1`, `x2`, `y2`
            are the corners in pixels of the original image, as written, so that they may lie outside of it
            or be swapped; `difficult` (Pascal VOC) and `crowd` (COCO) are false where the format has no
            such flag; `file` and `line` (from 1; null where the format has no lines) say where the box
            comes from.
        images: one row per entry of the data set, with boxes or without; an image that is listed twice has
            two. `image_id` is the number of the row; `width_px` and `height_px` are null where unknown;
            `split` is null where there are none; `path` is where the photo should be; `file` and `line` are
            where it is listed; `source_id` is COCO's own number, or null.
        class_names: by class number; empty if they are unknown.
        problems: what was skipped or is odd, in the order of reading.
        format: "keras", "yolo", "voc", "coco" or "csv".
        category_ids: by class number, the numbers that a COCO file gave to its categories; empty for other
            formats.
        sources: the files and folders that were read, as the user wrote them.
        recognised: why the format was taken for this one; empty where the user named it.
        names_source: where the class names come from, such as "classes.txt"; empty if they are unknown.
    """

    boxes: pl.DataFrame
    images: pl.DataFrame
    class_names: tuple[str, ...]
    problems: tuple[Problem, ...]
    format: str
    category_ids: tuple[int, ...] = field(default=())
    sources: tuple[str, ...] = field(default=())
    recognised: str = ""
    names_source: str = ""

    title: ClassVar[str] = "annotations"

    def __len__(self) -> int:
        """How many boxes there are."""
        return self.boxes.height

    def __bool__(self) -> bool:
        """A table is one even without boxes."""
        return True

    @property
    def table(self) -> pl.DataFrame:
        """The boxes, one per row."""
        return self.boxes

    @property
    def summary(self) -> str:
        """How many images, boxes and classes."""
        images, boxes = counted(self.images.height, "image"), counted(len(self), "box", "boxes")
        return f"{images}, {boxes} of {counted(len(self.class_counts), 'class', 'classes')}"

    def to_dict(self) -> dict[str, Any]:
        """Images, boxes, class names and problems."""
        return {
            "data": list(self.sources),
            "format": self.format,
            "recognised": self.recognised,
            "class_names": list(self.class_names),
            "names_source": self.names_source,
            "images": self.images.to_dicts(),
            "boxes": self.boxes.to_dicts(),
            "problems": [asdict(problem) for problem in self.problems],
        }

    def text(self) -> Iterable[RenderableType]:
        """What was read, and how many problems of each kind there were."""
        from headlab.boxes.text import kinds_table, summary_lines

        yield from summary_lines(self)
        if self.problems:
            yield ""
            yield kinds_table(self.problems)

    @property
    def unread(self) -> tuple[Problem, ...]:
        """The problems that annotations were lost to; a missing or broken photo loses none."""
        return tuple(
            problem
            for problem in self.problems
            if problem.severity == "error"
            and problem.kind not in (MISSING_IMAGE, CORRUPT_IMAGE, NO_CLASS_NAMES)
            and not problem.is_put_right
        )

    @property
    def put_right(self) -> tuple[Problem, ...]:
        """The problems that reading put right, or made an assumption about."""
        return tuple(problem for problem in self.problems if problem.is_put_right)

    @property
    def class_counts(self) -> dict[int, int]:
        """The number of boxes of each class that has a name or a box, by class number."""
        used = self.boxes["class_id"].value_counts(sort=False)
        counts = dict(zip(used["class_id"].to_list(), used["count"].to_list(), strict=True))
        numbers = sorted({*range(len(self.class_names)), *counts})
        return {number: counts.get(number, 0) for number in numbers}

    @property
    def split_counts(self) -> dict[str, int]:
        """The number of images of each split, in the order of reading."""
        named = self.images["split"].drop_nulls().to_list()
        return dict(Counter(named))

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
        if split not in self.split_counts:
            known = ", ".join(self.split_counts) or "none"
            raise InputError(f"There is no split {split!r}.", f"Known splits: {known}.")
        return self.with_images(self.images.filter(pl.col("split") == split))

    def by_split(self) -> Iterator[tuple[str | None, BoxTable]]:
        """Each split with its images and boxes; None for those that are in no split."""
        for split in self.images["split"].unique(maintain_order=True).to_list():
            same = pl.col("split").eq_missing(pl.lit(split, dtype=pl.String))
            yield split, self.with_images(self.images.filter(same))

    def with_images(self, kept: pl.DataFrame) -> BoxTable:
        """The table with only these rows of `images`, renumbered."""
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
            "file": pl.repeat(path_text(file), len(ids), eager=True)
            if isinstance(file, str)
            else text_column(file),
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
    series = {"image_id": pl.int_range(count, dtype=pl.Int64, eager=True)}
    for name, values in columns.items():
        dtype = IMAGES_SCHEMA[name]
        if values is None or isinstance(values, str):
            text = values and path_text(values)
            series[name] = pl.repeat(text, count, dtype=dtype, eager=True)
        elif dtype == pl.String:
            series[name] = text_column(values)
        else:
            series[name] = pl.Series(name, values, dtype=dtype)
    return pl.DataFrame(series, schema=IMAGES_SCHEMA)


def joined(tables: Sequence[BoxTable]) -> BoxTable:
    """Several tables as one; classes are matched by name, where they have names.

    Raises:
        InputError: some tables have class names and others only numbers.
    """
    if len(tables) == 1:
        return tables[0]
    if len({bool(table.class_names) for table in tables}) > 1:
        raise InputError(
            "Some of the files have class names and others only class numbers.",
            "Give the class names of all: --data-names FILE, or names= in Python.",
        )
    spellings: dict[str, str] = {}
    for table in tables:
        for name in table.class_names:
            spellings.setdefault(composed(name), name)
    names = tuple(spellings.values())
    boxes, images, start = [], [], 0
    for table in tables:
        boxes.append(_renumbered(table, names).with_columns(image_id=pl.col("image_id") + start))
        images.append(table.images.with_columns(image_id=pl.col("image_id") + start))
        start += table.images.height
    categories = {
        composed(name): number
        for table in reversed(tables)
        for name, number in zip(table.class_names, table.category_ids, strict=False)
    }
    all_known = bool(names) and all(composed(name) in categories for name in names)
    return BoxTable(
        pl.concat(boxes),
        pl.concat(images),
        names,
        tuple(problem for table in tables for problem in table.problems),
        tables[0].format,
        tuple(categories[composed(name)] for name in names) if all_known else (),
        tuple(source for table in tables for source in table.sources),
        _of_all(table.recognised for table in tables),
        _of_all(table.names_source for table in tables),
    )


def _of_all(texts: Iterable[str]) -> str:
    """Each text once."""
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _renumbered(table: BoxTable, names: tuple[str, ...]) -> pl.DataFrame:
    """The table's boxes with the class numbers of `names`; numbers without a name follow after those."""
    if table.class_names == names[: len(table.class_names)]:
        return table.boxes
    numbers = {composed(name): number for number, name in enumerate(names)}
    new = {number: numbers[composed(name)] for number, name in enumerate(table.class_names)}
    unnamed = pl.col("class_id") - len(table.class_names) + len(names)
    numbered = pl.col("class_id").replace_strict(new, default=unnamed, return_dtype=pl.Int64)
    return table.boxes.with_columns(class_id=numbered)


def _flags(values: pl.Series | Sequence[bool] | None, count: int) -> pl.Series:
    if values is None:
        return pl.repeat(False, count, dtype=pl.Boolean, eager=True)
    return pl.Series(values, dtype=pl.Boolean)
