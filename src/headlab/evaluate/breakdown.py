"""COCO's figures by class, by level, by slot.

Letters: G groups (levels and slots), C classes, T thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headlab.evaluate.matching import FOUND, NOT_COUNTED, Fates, average_precision
from headlab.evaluate.scoring import Figures, Flags, Numbers
from headlab.evaluate.stream import Judged, Task

SCHEMA = pl.Schema(
    {
        "class_id": pl.Int64(),
        "class_name": pl.String(),
        "place": pl.String(),
        "level": pl.String(),
        "slot": pl.Int64(),
        "truths": pl.Int64(),
        "detections": pl.Int64(),
        "true_positives": pl.Int64(),
        "recall": pl.Float64(),
        "AP": pl.Float64(),
        "AP50": pl.Float64(),
        "recall_lost": pl.Float64(),
        "AP_lost": pl.Float64(),
        "AP50_lost": pl.Float64(),
    }
)
"""The columns of `breakdown`."""


@dataclass(frozen=True)
class _Counts:
    """Of some detections, by class, (C,); ap is (T, C)."""

    detections: Numbers
    found: Numbers
    ap: NDArray[np.float64]


def breakdown(
    results: Sequence[Judged], task: Task, figures: Figures, truths_by_class: Numbers
) -> pl.DataFrame:
    """One row for every pair of a class, or all classes, and a level or slot, or all of them.

    Args:
        results: of all photos.
        task: what was evaluated.
        figures: COCO's, of all detections.
        truths_by_class: (C,).

    Returns:
        a table in which `class_id` (the model's number) and `class_name` are null in the rows for all
        classes, and `place`, `level` and `slot` in those for all places; `slot` is null in the rows of
        levels as well. `truths` is how many are to be found, `detections` how many come from the place,
        not counting those on crowds, and `true_positives` how many of them find a truth at IoU 0.5.
        `recall` is the share of the truths that these find: over the levels, and over the slots, it adds
        up to that of all places. Every detection above the settings' `conf` counts, of each class and
        photo the best 100. `AP` and `AP50` are those of the place's detections alone. `recall_lost`,
        `AP_lost` and `AP50_lost` say what would be lost without the place, with NMS run again on the
        other places' candidates; below 0 the model is better without it. Shares and precisions are null
        where there are no truths.
    """
    parts = _parts(results, len(task.groups.names))
    whole = _counted(parts.whole, truths_by_class)
    own = np.stack([figures.ap, figures.ap50])
    rows = _rows(task, whole, own, truths_by_class, place=None, lost=None)
    for at, _ in enumerate(task.groups.names):
        here = task.groups.members[at][parts.whole.place]
        counted = _counted(parts.whole, truths_by_class, here)
        alone = average_precision(parts.only[at], truths_by_class)
        rest = _counted(parts.without[at], truths_by_class)
        lost = _Lost(
            whole.found - rest.found,
            np.stack([whole.ap.mean(0) - rest.ap.mean(0), whole.ap[0] - rest.ap[0]]),
        )
        rows += _rows(
            task, counted, np.stack([alone.mean(0), alone[0]]), truths_by_class, place=at, lost=lost
        )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


@dataclass(frozen=True)
class _Parts:
    whole: Fates
    only: tuple[Fates, ...]
    without: tuple[Fates, ...]


@dataclass(frozen=True)
class _Lost:
    """What is lost without a place: truths found, (C,), and AP and AP50, (2, C)."""

    found: Numbers
    ap: NDArray[np.float64]


def _parts(results: Sequence[Judged], groups: int) -> _Parts:
    return _Parts(
        Fates.joined([result.whole for result in results]),
        tuple(Fates.joined([result.only[at] for result in results]) for at in range(groups)),
        tuple(Fates.joined([result.without[at] for result in results]) for at in range(groups)),
    )


def _counted(fates: Fates, truths_by_class: Numbers, which: Flags | None = None) -> _Counts:
    """The detections of each class and those that found a truth at IoU 0.5; AP of all of them."""
    chosen = np.ones(len(fates.class_id), np.bool_) if which is None else which
    count = len(truths_by_class)
    at_half = fates.fate[:, 0]
    return _Counts(
        np.bincount(fates.class_id[chosen & (at_half != NOT_COUNTED)], minlength=count),
        np.bincount(fates.class_id[chosen & (at_half == FOUND)], minlength=count),
        average_precision(fates, truths_by_class) if which is None else np.empty((0, count)),
    )


def _rows(
    task: Task,
    counted: _Counts,
    ap: NDArray[np.float64],
    truths: Numbers,
    *,
    place: int | None,
    lost: _Lost | None,
) -> list[tuple[Any, ...]]:
    """A row for all classes and one for each; `ap` is AP and AP50, (2, C)."""
    where = _where(task, place)
    none = (None, None, None)
    all_classes = (
        *(None, None, *where),
        *_shares(truths.sum(), counted.detections.sum(), counted.found.sum()),
        *_means(ap),
        *(none if lost is None else (_share(lost.found.sum(), truths.sum()), *_means(lost.ap))),
    )
    by_class = [
        (
            *(task.classes.model_ids[at], task.classes.names[at], *where),
            *_shares(truths[at], counted.detections[at], counted.found[at]),
            *map(float, ap[:, at]),
            *(
                none
                if lost is None
                else (_share(lost.found[at], truths[at]), *map(float, lost.ap[:, at]))
            ),
        )
        for at in range(len(truths))
    ]
    return [all_classes, *by_class]


def _where(task: Task, place: int | None) -> tuple[str | None, str | None, int | None]:
    """The columns `place`, `level` and `slot`."""
    if place is None:
        return None, None, None
    name = task.groups.names[place]
    levels = len(task.layout.levels)
    if place < levels:
        return name, name, None
    slot = task.layout.places[place - levels]
    return name, task.layout.level_names[slot.level], slot.slot


def _shares(truths: int, detections: int, found: int) -> tuple[int, int, int, float]:
    return int(truths), int(detections), int(found), _share(found, truths)


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else float("nan")


def _means(values: NDArray[np.float64]) -> list[float]:
    """The mean over the classes that have truths, of each row, (2, C)."""
    return [
        float(row[~np.isnan(row)].mean()) if (~np.isnan(row)).any() else np.nan for row in values
    ]
