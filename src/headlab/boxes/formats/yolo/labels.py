"""YOLO's label files: a line per box, `class x_centre y_centre width height`, as shares of the photo."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl

from headlab.boxes.formats.numbers import MAX_CLASS, NUMBER
from headlab.boxes.table import Problem
from headlab.files.opening import opened

PLAIN = rf"^[ \t]*[0-9]+(?:[ \t]+{NUMBER}){{4}}[ \t]*$"
BEGINS_PLAIN = rf"^[ \t]*[0-9]+(?:[ \t]+{NUMBER}){{4}}(?:[ \t]|$)"
"""Five numbers, and perhaps more."""

FARTHEST = 2.0  # a number beyond this is not a share of a photo, however carelessly a box was drawn
_THREADS = min(8, 2 * (os.cpu_count() or 1))
_AT_ONCE = 64
_POLYGON_FROM = 7
_SHOWN = 60
_EXAMPLES = 1000


@dataclass(frozen=True)
class Labels:
    """The boxes of many label files.

    Attributes:
        boxes: columns photo (its number), line, class_id, and x1, y1, x2, y2 as shares of the photo.
        missing: the numbers of photos that have no label file.
        problems: what was skipped or changed.
        lines: how many lines there are, empty ones apart.
        odd: the text of the first lines that are not five plain numbers.
        odd_count: how many such lines there are.
    """

    boxes: pl.DataFrame
    missing: list[int]
    problems: list[Problem]
    lines: int = 0
    odd: tuple[str, ...] = ()
    odd_count: int = 0


def read_labels(files: Sequence[str], images: Sequence[str], keypoints: int = 0) -> Labels:
    """Read label files in parallel.

    Args:
        files: the label file of each photo.
        images: the photos' names, for messages.
        keypoints: how many numbers of keypoints follow each box; they are not read.
    """
    portions = [files[at : at + _AT_ONCE] for at in range(0, len(files), _AT_ONCE)]
    with ThreadPoolExecutor(_THREADS) as pool:
        contents = [
            text for some in pool.map(lambda part: [*map(_text, part)], portions) for text in some
        ]
    texts, photos, numbers, missing, problems = [], [], [], [], []
    for photo, text in enumerate(contents):
        if text is None:
            missing.append(photo)
            continue
        if isinstance(text, OSError):
            message = f"The labels cannot be read: {text.strerror or text}."
            problems.append(
                Problem("error", "bad-labels", message, files[photo], None, images[photo])
            )
            continue
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        texts.extend(lines)
        photos.append(np.full(len(lines), photo))
        numbers.append(np.arange(1, len(lines) + 1))
    table = pl.DataFrame(
        {
            "photo": np.concatenate([*photos, np.zeros(0, np.int64)]).astype(np.int64),
            "line": np.concatenate([*numbers, np.zeros(0, np.int64)]).astype(np.int64),
            "text": pl.Series(texts, dtype=pl.String),
        }
    ).filter(pl.col("text").str.contains(r"[^ \t]"))
    if keypoints:
        table = _without_keypoints(table, keypoints)
    boxes, odd = _plain(table)
    if odd.height:
        odd_boxes, odd_problems = _odd(odd, files, images, keypoints)
        problems.extend(odd_problems)
        boxes = pl.concat([boxes, odd_boxes]).sort("photo", "line", maintain_order=True)
    examples = tuple(odd["text"].head(_EXAMPLES))
    return Labels(boxes, missing, problems, table.height, examples, odd.height)


def _without_keypoints(table: pl.DataFrame, keypoints: int) -> pl.DataFrame:
    """The table with the boxes of the lines that have a box and as many numbers of keypoints."""
    text = pl.col("text")
    complete = (
        text.str.count_matches(r"[^ \t]+") == _BOX_NUMBERS + keypoints
    ) & ~text.str.contains(r"[^-+.0-9eE \t]")
    box = text.str.extract(rf"^[ \t]*((?:[^ \t]+[ \t]+){{{_BOX_NUMBERS}}})")
    return table.with_columns(text=pl.when(complete).then(box).otherwise(text))


def _text(path: str) -> str | OSError | None:
    try:
        # Not with headlab.files.text: there may be a hundred thousand label files, this is several times as
        # fast, and what is not plain digits becomes a problem with its line anyway.
        with opened(path) as file:
            return file.read().decode("utf-8-sig", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return error
    except ValueError as error:
        return OSError(str(error))


def _plain(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The boxes of the lines that have five numbers in range, and the other lines."""
    plain = pl.col("text").str.contains(PLAIN)
    spaced = pl.col("text").str.replace_all(r"[ \t]+", " ").str.strip_chars(" ")
    fields = ["number", "x", "y", "w", "h"]
    read = (
        table.filter(plain)
        .with_columns(spaced.str.split_exact(" ", 4).struct.rename_fields(fields).alias("parts"))
        .unnest("parts")
        .with_columns(pl.col(fields).cast(pl.Float64))
    )
    shares = pl.col("x", "y", "w", "h")
    in_range = pl.all_horizontal(shares.abs() <= FARTHEST) & (pl.col("number") < MAX_CLASS)
    x, y, w, h = (pl.col(name) for name in fields[1:])
    boxes = read.filter(in_range).select(
        "photo",
        "line",
        class_id=pl.col("number").cast(pl.Int64),
        x1=x - w / 2,
        y1=y - h / 2,
        x2=x + w / 2,
        y2=y + h / 2,
    )
    odd = pl.concat([table.filter(~plain), read.filter(~in_range).select(table.columns)])
    return boxes, odd.sort("photo", "line")


def _odd(
    lines: pl.DataFrame, files: Sequence[str], images: Sequence[str], keypoints: int
) -> tuple[pl.DataFrame, list[Problem]]:
    """The bounding boxes of polygons, and why the lines that are neither are rejected."""
    boxes: list[tuple[int, int, int, float, float, float, float]] = []
    problems: list[Problem] = []
    for photo, line, text in lines.iter_rows():
        where = (files[photo], line, images[photo])
        read = parse_label(text, keypoints)
        if isinstance(read, str):
            problems.append(Problem("error", "bad-box", f"{read} It was skipped.", *where))
            continue
        number, corners = read
        boxes.append((photo, line, number, *corners))
        if len(text.split()) >= _POLYGON_FROM:
            message = "A polygon; its bounding box was taken."
            problems.append(Problem("warning", "polygon", message, *where))
    schema = dict.fromkeys(("photo", "line", "class_id"), pl.Int64()) | dict.fromkeys(
        ("x1", "y1", "x2", "y2"), pl.Float64()
    )
    return pl.DataFrame(boxes, schema=schema, orient="row"), problems


def parse_label(
    text: str, keypoints: int = 0
) -> tuple[int, tuple[float, float, float, float]] | str:
    """A line's class number and box (x1, y1, x2, y2 as shares), or why it is not a box.

    Args:
        text: the line.
        keypoints: how many numbers of keypoints follow each box; where there are any, there are no
            polygons.
    """
    words = text.split()
    shown = text.strip() if len(text) <= _SHOWN else text.strip()[:_SHOWN] + "…"
    try:
        number, *values = (float(word) for word in words)
    except ValueError:
        return f"{shown!r} is not a box: not all of it is numbers."
    if not all(math.isfinite(value) for value in (number, *values)) or "_" in text:
        return f"{shown!r} is not a box: not all of its numbers are finite."
    if number < 0 or number != int(number) or number >= MAX_CLASS:
        return f"{shown!r} is not a box: its class {words[0]} is not a class number."
    is_polygon = not keypoints and len(words) >= _POLYGON_FROM and len(words) % 2 == 1
    if len(words) != _BOX_NUMBERS and not is_polygon:
        expected = "5" if not keypoints else f"5, or {_BOX_NUMBERS + keypoints} with keypoints,"
        more = f" {_confidence(values)}" if len(words) == _BOX_NUMBERS + 1 else ""
        return f"{shown!r} is not a box: {len(words)} numbers where {expected} were expected.{more}"
    if max(map(abs, values)) > FARTHEST:
        return (
            f"{shown!r} is not a box: its numbers are not shares of the photo's width and height, "
            "which lie between 0 and 1."
        )
    if len(words) == _BOX_NUMBERS:
        x, y, w, h = values
        return int(number), (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    xs, ys = values[0::2], values[1::2]
    return int(number), (min(xs), min(ys), max(xs), max(ys))


_BOX_NUMBERS = 5


def confidence_column(values: Sequence[float]) -> str:
    """Which of five numbers after the class is a confidence: "second" or "last" of the line; "" if unclear.

    It is the one without which the other four are a box within the photo.
    """
    fits = {"second": _within(values[1:]), "last": _within(values[:-1])}
    columns = [column for column, is_within in fits.items() if is_within]
    return columns[0] if len(columns) == 1 else ""


def _confidence(values: Sequence[float]) -> str:
    column = confidence_column(values)
    return f"Is the {column} one a confidence?" if column else "Is one of them a confidence?"


def _within(box_xywh: Sequence[float]) -> bool:
    """Whether a box, as centre and size, lies within the photo."""
    x, y, w, h = box_xywh
    low, high = -_ROUNDING, 1 + _ROUNDING
    return min(w, h) > 0 and min(x - w / 2, y - h / 2) >= low and max(x + w / 2, y + h / 2) <= high


_ROUNDING = 1e-3
