"""A COCO file in two parts: the annotations as columns, everything else as Python values.

A file of half a million annotations consists mostly of these. Python's own parser takes seconds to make
objects of them, so that the annotations of a large file go to polars, one object per line. That is possible
only where nothing but `}, {` separates them and all fields have the usual types: if anything is unusual,
Python's parser reads the file after all, and `annotation_columns` says what is wrong with which annotation.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from headlab.boxes.formats.numbers import NUMBER
from headlab.boxes.table import ASSUMED, FARTHEST_PX, POLYGON
from headlab.errors import InputError
from headlab.files.json_text import parse_json
from headlab.files.text import read_bytes

COLUMNS = pl.Schema(
    {
        "at": pl.Int64(),
        "image": pl.Int64(),
        "category": pl.Int64(),
        "x": pl.Float64(),
        "y": pl.Float64(),
        "w": pl.Float64(),
        "h": pl.Float64(),
        "crowd": pl.Boolean(),
        "id": pl.Int64(),
    }
)
"""`at`: the position in the list, from 0; `image`, `category` and `id`: the file's own numbers."""

_LARGE = 1_000_000
_FIELDS = pl.Schema(
    {
        "image_id": pl.Int64(),
        "category_id": pl.Int64(),
        "bbox": pl.List(pl.Float64()),
        "iscrowd": pl.Int64(),
        "id": pl.Int64(),
    }
)
_BEGIN = re.compile(rb'"annotations"\s*:\s*\[\s*(?=\{)')
_END = re.compile(rb'\}\s*\]\s*(?=,\s*"[a-z_]+"\s*:|\}\s*\Z)')
_BETWEEN = re.compile(rb"\}\s*,\s*\{")
_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")  # only between values: JSON escapes those in texts


@dataclass(frozen=True)
class CocoFile:
    """A file's contents.

    Attributes:
        rest: the file's object, without its annotations.
        annotations: as `COLUMNS` says.
        rejected: for each annotation that is not among them, its position and the reason.
        assumed: kind of problem, position of the first annotation, what was assumed, and of how many.
        numbers: for texts in the place of numbers.
    """

    rest: dict[str, Any]
    annotations: pl.DataFrame
    rejected: list[tuple[int, str]]
    assumed: list[tuple[str, int, str, int]] = field(default_factory=list)
    numbers: Numbers = field(default_factory=lambda: Numbers())


class Numbers:
    """Numbers of images, categories and annotations, which may be texts.

    A text that is a whole number is that number ("7" is 7); any other text gets a number of its own.

    Attributes:
        made: the numbers by text, of texts that are none.
    """

    def __init__(self) -> None:
        self.made: dict[str, int] = {}

    def __call__(self, value: Any) -> int | None:
        """The number; None if there is none."""
        if not isinstance(value, str):
            return whole_number(value)
        text = value.strip()
        if not text:
            return None
        if len(text) < _MOST_DIGITS and re.fullmatch(r"-?[0-9]+", text):
            return int(text)
        return self.made.setdefault(text, _MADE_FROM - len(self.made))

    def is_made(self, number: int) -> bool:
        """Whether the file has a text for this number."""
        return number in self.made.values()


_MOST_DIGITS = 19
_MADE_FROM = -(2**62)


def read_coco_json(path: Path) -> CocoFile:
    """Read a file.

    Raises:
        InputError: it cannot be read, is not JSON, or has no list of annotations.
    """
    data = read_bytes(path)
    if len(data) >= _LARGE:
        fast = fast_columns(data)
        if fast is not None:
            return fast
    # Duplicate keys are let pass: every other program that reads COCO takes the last one.
    said = parse_json(data, str(path), "Correct the file, or export it again.", unique_keys=False)
    if not isinstance(said, dict) or not isinstance(said.get("annotations"), list):
        raise InputError(
            f"{path}: has no list 'annotations'{_instead(said)}.",
            "A COCO file is an object with lists 'images', 'annotations' and 'categories'.",
        )
    numbers = Numbers()
    return CocoFile(said, *annotation_columns(said.pop("annotations"), numbers), numbers)


def _instead(document: Any) -> str:
    """What a JSON file is that is not COCO's, where that is plain."""
    if isinstance(document, list) and document and isinstance(document[0], dict):
        if "score" in document[0]:
            return ": it is a list of detections (COCO's results), not of annotations"
        if "image" in document[0] and "annotations" in document[0]:
            return ": it is in Create ML's format, which is not read"
    if isinstance(document, dict):
        if "shapes" in document:
            return ": it is in LabelMe's format, which is not read"
        if any(str(key).startswith("_via_") for key in document):
            return ": it is a project of the VGG Image Annotator, which exports COCO's format, too"
    return ""


def fast_columns(data: bytes) -> CocoFile | None:
    """The file by way of polars; None if it is in any way unusual."""
    begin = list(_BEGIN.finditer(data))
    end = _END.search(data, begin[0].end()) if len(begin) == 1 else None
    if end is None:
        return None
    body = data[begin[0].end() : end.start() + 1]
    around = data[: begin[0].end()] + b"]" + data[end.end() :]
    lines = _one_per_line(body)
    try:
        rest = json.loads(around)
        read = pl.read_ndjson(lines, schema=_FIELDS)
    except (ValueError, RecursionError, pl.exceptions.PolarsError):
        return None
    if not isinstance(rest, dict) or rest.pop("annotations", None) != []:
        return None
    corners = read["bbox"].list
    if (
        read.height != lines.count(b"\n") + 1
        or any(read[name].has_nulls() for name in ("image_id", "category_id", "bbox"))
        or not (corners.len() == _CORNERS).all()
        or read["bbox"].explode().has_nulls()
        or not (read["bbox"].explode().abs() <= FARTHEST_PX).all()
        or not read["iscrowd"].fill_null(0).is_in([0, 1]).all()
    ):
        return None
    values = read["bbox"].explode().to_numpy().reshape(-1, _CORNERS)
    made = read.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("at"),
        pl.col("image_id").alias("image"),
        pl.col("category_id").alias("category"),
        *(pl.Series(name, values[:, at]) for at, name in enumerate("xywh")),
        (pl.col("iscrowd").fill_null(0) == 1).alias("crowd"),
        "id",
    )
    return CocoFile(rest, made, [])


def _one_per_line(objects: bytes) -> bytes:
    """Objects separated by commas, one per line if all are separated as the first two are."""
    if b"\n" in objects or b"\r" in objects:
        objects = objects.translate(_LINE_BREAKS)
    between = _BETWEEN.search(objects)
    return objects if between is None else objects.replace(between[0], b"}\n{")


class _Annotations:
    """Reads annotations one by one, and collects what was rejected and what was assumed."""

    def __init__(self, numbers: Numbers) -> None:
        self._number = numbers
        self.rows: list[tuple[Any, ...]] = []
        self.rejected: list[tuple[int, str]] = []
        self._assumed: dict[tuple[str, str], tuple[int, int]] = {}

    @property
    def assumed(self) -> list[tuple[str, int, str, int]]:
        """Kind, position of the first, what was assumed, and how often."""
        return [(kind, at, text, count) for (kind, text), (at, count) in self._assumed.items()]

    def read(self, at: int, annotation: Any) -> None:
        if not isinstance(annotation, dict):
            self.rejected.append((at, "is not an object"))
            return
        ids = []
        for key in ("image_id", "category_id"):
            number = self._number(annotation.get(key))
            if number is None:
                shown = f" ({json.dumps(annotation[key])[:40]})" if key in annotation else ""
                self.rejected.append((at, f"has no whole number as {key!r}{shown}"))
                return
            if isinstance(annotation[key], str):
                self._assume(at, ASSUMED, f"has a text as {key!r}, which was read as a number")
            ids.append(number)
        corners = self._corners(at, annotation)
        if isinstance(corners, str):
            self.rejected.append((at, corners))
            return
        crowd = self._flag(at, annotation.get("iscrowd"))
        number = self._number(annotation.get("id"))
        self.rows.append((at, *ids, *corners, crowd, number))

    def _assume(self, at: int, kind: str, text: str) -> None:
        first, count = self._assumed.get((kind, text), (at, 0))
        self._assumed[kind, text] = (first, count + 1)

    def _corners(self, at: int, annotation: dict[str, Any]) -> list[float] | str:
        """x, y, width and height, or why there are none."""
        written = annotation.get("bbox")
        if written in (None, []):
            outline = _around(annotation.get("segmentation"))
            if outline is None:
                masked = isinstance(annotation.get("segmentation"), dict)
                return "has no 'bbox' of four numbers x, y, width, height" + (
                    ", only a mask (RLE), which is not read" if masked else ""
                )
            self._assume(at, POLYGON, "has no 'bbox': the box around its polygon was taken")
            written = outline
        if not isinstance(written, list) or len(written) != _CORNERS:
            return "has no 'bbox' of four numbers x, y, width, height"
        numbers = [_as_number(value) for value in written]
        corners = [number for number in numbers if number is not None]
        if len(corners) < _CORNERS:
            return f"has a 'bbox' that is not four finite numbers: {json.dumps(written)[:60]}"
        if max(map(abs, corners)) > FARTHEST_PX:
            return f"has a 'bbox' that is larger than any photo: {json.dumps(written)[:60]}"
        if any(isinstance(value, str) for value in written):
            self._assume(at, ASSUMED, "has texts in its 'bbox', which were read as numbers")
        return corners

    def _flag(self, at: int, value: Any) -> bool:
        if isinstance(value, str):
            word = value.strip().lower()
            number = _as_number(word)
            self._assume(at, ASSUMED, "has a text as 'iscrowd', which was read as 0 or 1")
            return word in ("true", "yes") or bool(number)
        return value in (1, True)


def annotation_columns(
    annotations: Sequence[Any], numbers: Numbers | None = None
) -> tuple[pl.DataFrame, list[tuple[int, str]], list[tuple[str, int, str, int]]]:
    """The annotations as columns; position and fault of those that are not boxes; what was assumed."""
    reading = _Annotations(numbers or Numbers())
    for at, annotation in enumerate(annotations):
        reading.read(at, annotation)
    rows = pl.DataFrame(reading.rows, schema=COLUMNS, orient="row")
    return rows, reading.rejected, reading.assumed


def _around(segmentation: Any) -> list[float] | None:
    """x, y, width and height of the box around polygons; None if they are none."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
    xs: list[float] = []
    ys: list[float] = []
    for polygon in polygons:
        if not isinstance(polygon, list):
            return None
        numbers = [_as_number(value) for value in polygon]
        values = [number for number in numbers if number is not None]
        if len(values) < len(polygon) or len(values) % 2 or not values:
            return None
        xs += values[0::2]
        ys += values[1::2]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def whole_number(value: Any) -> int | None:
    """The value as a 64-bit integer; None if it is not one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    return None


def _as_number(value: Any) -> float | None:
    """A number, or a text that is one; None if it is neither, or not finite."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not re.fullmatch(NUMBER, value.strip()):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


_CORNERS = 4
