"""What is wrong with boxes and classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from headlab.boxes.table import BoxTable, Problem, Severity

_TOLERANCE_PX = 1.0  # counting from 1 instead of 0, and rounding, may put corners this far outside
_ABSURD_PX = 100_000.0
_SHAPE = ["x1", "y1", "x2", "y2"]


def box_findings(table: BoxTable) -> list[Problem]:
    """Boxes without area, with swapped corners, outside of their image, absurdly large, or duplicated."""
    sized = table.boxes.join(
        table.images.select("image_id", "width_px", "height_px"),
        on="image_id",
        how="left",
        maintain_order="left",
    )
    x1, y1, x2, y2 = (pl.col(name) for name in _SHAPE)
    width, height = pl.col("width_px"), pl.col("height_px")
    swapped = (x2 < x1) | (y2 < y1)
    empty = ((x2 == x1) | (y2 == y1)) & ~swapped
    centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
    away = ~centre_x.is_between(0, width) | ~centre_y.is_between(0, height)
    away = away.fill_null(False)
    partly = (
        (pl.min_horizontal(x1, x2) < -_TOLERANCE_PX)
        | (pl.min_horizontal(y1, y2) < -_TOLERANCE_PX)
        | (pl.max_horizontal(x1, x2) > width + _TOLERANCE_PX)
        | (pl.max_horizontal(y1, y2) > height + _TOLERANCE_PX)
    ).fill_null(False)
    absurd = width.is_null() & (pl.max_horizontal(pl.col(_SHAPE).abs()) > _ABSURD_PX)
    problems: list[Problem] = []
    checks: tuple[tuple[pl.Expr, Severity, str, str], ...] = (
        (swapped, "error", "swapped-corners", "the right or lower corner comes first"),
        (empty, "error", "zero-size", "it has no area"),
        (away, "error", "box-outside", "its centre is outside of the image{size}"),
        (partly & ~away, "warning", "box-partly-outside", "a part is outside of the image{size}"),
        (absurd, "error", "absurd-box", "it is absurdly large, and the image's size is unknown"),
    )
    for condition, severity, kind, text in checks:
        problems += _named(sized.filter(condition), severity, kind, text)
    fraction = pl.any_horizontal(pl.col(_SHAPE) != pl.col(_SHAPE).round())
    if table.format == "keras":
        text = "it has fractions of a pixel, at which keras-yolo3 stops"
        problems += _named(sized.filter(fraction), "warning", "fraction-of-pixel", text)
    again = ~pl.struct("image_id", "class_id", *_SHAPE).is_first_distinct()
    text = "it is a duplicate: the image has the same box of the same class before it"
    problems += _named(sized.filter(again), "warning", "duplicate-box", text)
    return problems


def class_findings(table: BoxTable) -> Iterator[Problem]:
    """Classes without a name, and names without a box."""
    known = len(table.class_names)
    if not known:
        return
    unknown = table.boxes.filter(pl.col("class_id") >= known)
    for number, file, line, image in unknown.select(
        "class_id", "file", "line", "image"
    ).iter_rows():
        message = f"Class {number} has no name: there are {known}, counted from 0."
        yield Problem("error", "unknown-class", message, file, line, image)
    used = set(table.boxes["class_id"].unique().to_list())
    for number, name in enumerate(table.class_names):
        if number not in used:
            yield Problem("warning", "unused-class", f"Class {number} ({name}) has no box.")
    for name, count in sorted(Counter(table.class_names).items()):
        if count > 1:
            message = f"Several classes are named {name!r}."
            yield Problem("warning", "repeated-class-name", message)


def _named(boxes: pl.DataFrame, severity: Severity, kind: str, text: str) -> Iterator[Problem]:
    columns = [*_SHAPE, "width_px", "height_px", "file", "line", "image"]
    for *corners, width, height, file, line, image in boxes.select(columns).iter_rows():
        shown = ",".join(f"{value:.10g}" for value in corners)
        size = f", which is {width} px wide and {height} px high" if width is not None else ""
        message = f"Box {shown}: {text.format(size=size)}."
        yield Problem(severity, kind, message, file, line, image)
