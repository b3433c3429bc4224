"""An evaluation as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from headlab.results.tables import level_text, line, table
from headlab.trace.row_words import size
from headlab.trace.text import NOTHING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.evaluate.api import Evaluation


def evaluation_text(done: Evaluation, *, classes: bool = True) -> Iterator[RenderableType]:
    """COCO's figures, then by class, by level and by slot; docs/evaluating.md explains the columns.

    Args:
        done: the evaluation.
        classes: with the table of classes.
    """
    yield from _figures(done)
    if classes:
        yield ""
        yield class_table(done)
    yield ""
    yield level_table(done)
    if done.by_slot.height:
        yield ""
        yield slot_table(done)
    yield ""
    yield line(_counts(done))


_AP = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")


def _figures(done: Evaluation) -> Iterator[RenderableType]:
    """Average precision, then recall, each as a table of one row."""
    values = done.figures.values
    for names in (_AP, tuple(name for name in values if name not in _AP)):
        if names != _AP:
            yield ""
        yield table([f">{name}" for name in names], [[_number(values[name]) for name in names]])


def class_table(done: Evaluation) -> RenderableType:
    """A row per class that has truths; the last columns say from which levels they were found."""
    levels = done.layout.level_names
    of_level = {
        (row["class_id"], row["level"]): row["recall"] for row in done.by_class_and_level.to_dicts()
    }
    rows = (
        [
            row["class_name"],
            row["truths"],
            _number(row["AP"]),
            _number(row["AP50"]),
            _share(row["recall"]),
            *(_share(of_level[row["class_id"], level]) for level in levels),
        ]
        for row in done.by_class.to_dicts()
        if row["truths"]
    )
    return table(["class", ">truths", ">AP", ">AP50", ">recall", *(f">{n}" for n in levels)], rows)


_OWN = (">found", ">recall", ">AP", ">AP50")
_LOST = (">recall lost", ">AP lost", ">AP50 lost")


def level_table(done: Evaluation) -> RenderableType:
    """What each level finds, and what would be lost without it."""
    strides = done.layout.stride_by_level
    rows = (
        [level_text(row["level"], f"/{strides[row['level']]}"), *_contribution(row)]
        for row in done.by_level.to_dicts()
    )
    return table(["level", *_OWN, *_LOST], rows)


def slot_table(done: Evaluation) -> RenderableType:
    """The same by slot, with the slot's anchor."""
    layout = done.layout
    rows = []
    for row in done.by_slot.to_dicts():
        level = layout.levels[layout.level_index(row["level"])]
        anchor = size(*level.anchors_wh_px[row["slot"]]) if level.anchors_wh_px else NOTHING
        place = level_text(row["level"], f"/{row['slot']}")
        rows.append([place, anchor, *_contribution(row)])
    return table(["slot", ">anchor", *_OWN, *_LOST], rows)


def _contribution(row: Mapping[str, Any]) -> list[object]:
    return [
        row["true_positives"],
        _share(row["recall"]),
        _number(row["AP"]),
        _number(row["AP50"]),
        _share(row["recall_lost"]),
        _number(row["AP_lost"]),
        _number(row["AP50_lost"]),
    ]


def _counts(done: Evaluation) -> str:
    """How much was looked at, and how much was found."""
    every = done.rows.row(0, named=True)
    photos, truths, with_truths = (
        done.images.height,
        every["truths"],
        done.by_class.filter(done.by_class["truths"] > 0).height,
    )
    skipped = f", {len(done.skipped):,} skipped" if done.skipped else ""
    return (
        f"{_counted(photos, 'photo')}{skipped}; {_counted(truths, 'truth')} of "
        f"{_counted(with_truths, 'class', 'es')}, {every['true_positives']:,} found at IoU 0.5"
    )


def _counted(count: int, noun: str, plural: str = "s") -> str:
    return f"{count:,} {noun}{'' if count == 1 else plural}"


def _number(value: float | None) -> str:
    return NOTHING if value is None or value != value else f"{value:.3f}"


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1%}"
