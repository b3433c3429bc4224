"""An evaluation as tables, for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headlab.plain_text import counted
from headlab.results.tables import NOTHING, level_text, line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.evaluate.evaluation import Evaluation

_AP = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
_OWN = (">found", ">recall", ">AP", ">AP50")
_LOST = (">recall lost", ">AP lost", ">AP50 lost")


@dataclass(frozen=True)
class Grid:
    """A table of words.

    Attributes:
        columns: headings; one that begins with ">" is aligned to the right.
        rows: cells; that of a level is the level's name and what follows it, such as ("P5", "/32").
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def evaluation_text(evaluation: Evaluation, *, classes: bool = True) -> Iterator[RenderableType]:
    """COCO's figures, then by class, by level and by slot; docs/evaluating.md explains the columns.

    Args:
        evaluation: what to show.
        classes: with the table of classes.
    """
    for grid in grids(evaluation, classes=classes):
        rows = [
            [level_text(*cell) if isinstance(cell, tuple) else cell for cell in row]
            for row in grid.rows
        ]
        yield table(grid.columns, rows)
        yield ""
    yield line(counts(evaluation))


def grids(evaluation: Evaluation, *, classes: bool = True) -> Iterator[Grid]:
    """The tables, with or without that of the classes."""
    yield from _figures(evaluation)
    if classes:
        yield _by_class(evaluation)
    yield _by_level(evaluation)
    if evaluation.by_slot.height:
        yield _by_slot(evaluation)


def _figures(evaluation: Evaluation) -> Iterator[Grid]:
    """Average precision, then recall, each as a table of one row."""
    values = evaluation.figures.values
    for names in (_AP, tuple(name for name in values if name not in _AP)):
        row = tuple(_number(values[name]) for name in names)
        yield Grid(tuple(f">{name}" for name in names), (row,))


def _by_class(evaluation: Evaluation) -> Grid:
    """A row per class that has truths; the last columns say which levels found them."""
    levels = evaluation.layout.level_names
    of_level = {
        (row["class_id"], row["level"]): row["recall"]
        for row in evaluation.by_class_and_level.to_dicts()
    }
    rows = tuple(
        (
            row["class_name"],
            row["truths"],
            _number(row["AP"]),
            _number(row["AP50"]),
            _share(row["recall"]),
            *(_share(of_level[row["class_id"], level]) for level in levels),
        )
        for row in evaluation.by_class.to_dicts()
        if row["truths"]
    )
    columns = ("class", ">truths", ">AP", ">AP50", ">recall", *(f">{name}" for name in levels))
    return Grid(columns, rows)


def _by_level(evaluation: Evaluation) -> Grid:
    """What each level finds, and what would be lost without it."""
    strides = evaluation.layout.stride_by_level
    rows = tuple(
        ((row["level"], f"/{strides[row['level']]}"), *_contribution(row))
        for row in evaluation.by_level.to_dicts()
    )
    return Grid(("level", *_OWN, *_LOST), rows)


def _by_slot(evaluation: Evaluation) -> Grid:
    """The same by slot, with the slot's anchor."""
    layout = evaluation.layout
    rows = []
    for row in evaluation.by_slot.to_dicts():
        level = layout.levels[layout.level_index(row["level"])]
        anchor = NOTHING
        if level.anchors_wh_px:
            width, height = level.anchors_wh_px[row["slot"]]
            anchor = f"{width:.0f}x{height:.0f}"
        rows.append(((row["level"], f"/{row['slot']}"), anchor, *_contribution(row)))
    return Grid(("slot", ">anchor w x h", *_OWN, *_LOST), tuple(rows))


def _contribution(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        row["true_positives"],
        _share(row["recall"]),
        _number(row["AP"]),
        _number(row["AP50"]),
        _share(row["recall_lost"]),
        _number(row["AP_lost"]),
        _number(row["AP50_lost"]),
    )


def counts(evaluation: Evaluation) -> str:
    """How many photos were read, and how many of the truths were found."""
    whole = evaluation.rows.row(0, named=True)
    with_truths = evaluation.by_class.filter(evaluation.by_class["truths"] > 0).height
    skipped = f", {len(evaluation.skipped):,} skipped" if evaluation.skipped else ""
    return (
        f"{counted(evaluation.images.height, 'photo')}{skipped}; "
        f"{counted(whole['truths'], 'truth')} of {counted(with_truths, 'class', 'classes')}, "
        f"{whole['true_positives']:,} found at IoU 0.5"
    )


def _number(value: float | None) -> str:
    return NOTHING if value is None or value != value else f"{value:.3f}"


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1%}"
