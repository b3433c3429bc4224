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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from headlab.boxes.table import FARTHEST_PX
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
    }
)
"""`at`: the position in the list, from 0; `image` and `category`: the file's own numbers."""

_LARGE = 1_000_000
_FIELDS = pl.Schema(
    {
        "image_id": pl.Int64(),
        "category_id": pl.Int64(),
        "bbox": pl.List(pl.Float64()),
        "iscrowd": pl.Int64(),
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
    """

    rest: dict[str, Any]
    annotations: pl.DataFrame
    rejected: list[tuple[int, str]]


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
            f"{path}: has no list 'annotations'.",
            "A COCO file is an object with lists 'images', 'annotations' and 'categories'.",
        )
    annotations, rejected = annotation_columns(said.pop("annotations"))
    return CocoFile(said, annotations, rejected)


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
    )
    return CocoFile(rest, made, [])


def _one_per_line(objects: bytes) -> bytes:
    """Objects separated by commas, one per line if all are separated as the first two are."""
    if b"\n" in objects or b"\r" in objects:
        objects = objects.translate(_LINE_BREAKS)
    between = _BETWEEN.search(objects)
    return objects if between is None else objects.replace(between[0], b"}\n{")


def annotation_columns(
    annotations: Sequence[Any],
) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    """The annotations as columns, and the positions and faults of those that are not boxes."""
    rows: list[tuple[Any, ...]] = []
    rejected: list[tuple[int, str]] = []
    for at, annotation in enumerate(annotations):
        fault = _fault(annotation)
        if fault is not None:
            rejected.append((at, fault))
            continue
        x, y, w, h = (float(number) for number in annotation["bbox"])
        crowd = annotation.get("iscrowd") in (1, True)
        image, category = int(annotation["image_id"]), int(annotation["category_id"])
        rows.append((at, image, category, x, y, w, h, crowd))
    return pl.DataFrame(rows, schema=COLUMNS, orient="row"), rejected


def _fault(annotation: Any) -> str | None:
    """Why an annotation is not a box; None if it is one."""
    if not isinstance(annotation, dict):
        return "is not an object"
    for key in ("image_id", "category_id"):
        if whole_number(annotation.get(key)) is None:
            return f"has no whole number as {key!r}" + (
                f" ({json.dumps(annotation[key])[:40]})" if key in annotation else ""
            )
    corners = annotation.get("bbox")
    if not isinstance(corners, list) or len(corners) != _CORNERS:
        return "has no 'bbox' of four numbers x, y, width, height"
    if not all(map(_is_number, corners)):
        return f"has a 'bbox' that is not four finite numbers: {json.dumps(corners)[:60]}"
    if max(map(abs, corners)) > FARTHEST_PX:
        return f"has a 'bbox' that is larger than any photo: {json.dumps(corners)[:60]}"
    return None


def whole_number(value: Any) -> int | None:
    """The value as a 64-bit integer; None if it is not one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    return None


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


_CORNERS = 4
