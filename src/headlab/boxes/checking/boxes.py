"""What is wrong with boxes and classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from headlab.boxes.table import BoxTable, Problem, Severity

_TOLERANCE_PX = 1.0  # counting from 1 instead of 0, and rounding, may put corners this far outside
_ABSURD_PX = 100_000.0
_SHAPE = ["x1", "y1", "x2", "y2"]
_ZERO_SIZE = "zero-size"


@dataclass(frozen=True)
class _Rule:
    """Which boxes have a problem, and what is said of them."""

    condition: pl.Expr
    severity: Severity
    kind: str
    text: str


def box_findings(table: BoxTable) -> list[Problem]:
    """Boxes without area, with swapped corners, outside of their image, absurdly large, or duplicated."""
    sized = _sized(table)
    problems = [problem for rule in _rules() for problem in _named(sized, rule)]
    fraction = pl.any_horizontal(pl.col(_SHAPE) != pl.col(_SHAPE).round())
    if table.format == "keras":
        text = "it has fractions of a pixel, at which keras-yolo3 stops"
        problems += _named(sized, _Rule(fraction, "warning", "fraction-of-pixel", text))
    again = ~pl.struct("image_id", "class_id", *_SHAPE).is_first_distinct()
    text = "it is a duplicate: the image has the same box of the same class before it"
    problems += _named(sized, _Rule(again, "warning", "duplicate-box", text))
    return problems


def without_faulty_boxes(table: BoxTable) -> tuple[BoxTable, list[Problem]]:
    """The table without the boxes with an error that could be invisible in another format, and these errors.

    A box without area is one wherever it is written, or the format's writer says that it leaves it out.
    """
    sized = _sized(table)
    errors = [rule for rule in _rules() if rule.severity == "error" and rule.kind != _ZERO_SIZE]
    known = len(table.class_names)
    unknown = pl.col("class_id") >= known if known else pl.lit(False)
    faulty = sized.select(pl.any_horizontal(*(rule.condition for rule in errors), unknown))
    mask = faulty.to_series()
    if not mask.any():
        return table, []
    problems = [problem for rule in errors for problem in _named(sized, rule)]
    problems += _unknown_classes(table)
    return replace(table, boxes=table.boxes.filter(~mask)), problems


def _sized(table: BoxTable) -> pl.DataFrame:
    """The boxes with the sizes of their images."""
    return table.boxes.join(
        table.images.select("image_id", "width_px", "height_px"),
        on="image_id",
        how="left",
        maintain_order="left",
    )


def _rules() -> tuple[_Rule, ...]:
    """What may be wrong with a single box and its image's size."""
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
    return (
        _Rule(swapped, "error", "swapped-corners", "the right or lower corner comes first"),
        _Rule(empty, "error", _ZERO_SIZE, "it has no area"),
        _Rule(away, "error", "box-outside", "its centre is outside of the image{size}"),
        _Rule(
            partly & ~away,
            "warning",
            "box-partly-outside",
            "a part is outside of the image{size}",
        ),
        _Rule(
            absurd,
            "error",
            "absurd-box",
            "it is absurdly large, and the image's size is unknown",
        ),
    )


def class_findings(table: BoxTable) -> Iterator[Problem]:
    """Classes without a name, and names without a box."""
    if not table.class_names:
        return
    yield from _unknown_classes(table)
    used = set(table.boxes["class_id"].unique().to_list())
    for number, name in enumerate(table.class_names):
        if number not in used:
            yield Problem("warning", "unused-class", f"Class {number} ({name}) has no box.")
    for name, count in sorted(Counter(table.class_names).items()):
        if count > 1:
            message = f"Several classes are named {name!r}."
            yield Problem("warning", "repeated-class-name", message)


def _unknown_classes(table: BoxTable) -> Iterator[Problem]:
    """The boxes of classes without a name, where others have names."""
    known = len(table.class_names)
    unknown = table.boxes.filter(pl.col("class_id") >= known) if known else table.boxes.clear()
    for number, file, line, image in unknown.select(
        "class_id", "file", "line", "image"
    ).iter_rows():
        message = f"Class {number} has no name: there are {known}, counted from 0."
        yield Problem("error", "unknown-class", message, file, line, image)


def _named(sized: pl.DataFrame, rule: _Rule) -> Iterator[Problem]:
    """The boxes that a rule applies to."""
    columns = [*_SHAPE, "width_px", "height_px", "file", "line", "image"]
    for *corners, width, height, file, line, image in (
        sized.filter(rule.condition).select(columns).iter_rows()
    ):
        shown = ",".join(f"{value:.10g}" for value in corners)
        size = f", which is {width} px wide and {height} px high" if width is not None else ""
        message = f"Box {shown}: {rule.text.format(size=size)}."
        yield Problem(rule.severity, rule.kind, message, file, line, image)
