"""How many anchors: the curve of mean overlap and recall over k, and where it bends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from headlab.anchors.fitting import best_anchors
from headlab.anchors.points import points_of
from headlab.boxes.overlap import Coverage, Floats, coverage
from headlab.boxes.shapes import Shapes, box_weights
from headlab.errors import InputError

MOST_K = 15
WORTH_AN_ANCHOR = 0.01
"""An anchor more is worth its cost (one more slot in every cell) if it adds this much mean overlap."""

_RESTARTS = 4

Tracked: TypeAlias = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True)
class CurvePoint:
    """A fit with one number of anchors."""

    k: int
    coverage: Coverage


@dataclass(frozen=True)
class Curve:
    """Fits over k, and the number that was chosen.

    Attributes:
        points: ascending in k.
        chosen: a multiple of the number of levels, so that every level gets the same number.
        reason: why, in one sentence.
    """

    points: tuple[CurvePoint, ...]
    chosen: int
    reason: str


def curve_over_k(
    shapes: Shapes,
    *,
    levels: int = 3,
    most: int = MOST_K,
    objective: str = "iou",
    weights: str | Floats | None = None,
    seed: int = 0,
    tracked: Tracked = iter,
) -> Curve:
    """Fit 1 to `most` anchors, and choose the multiple of `levels` after which an anchor adds little.

    Args:
        shapes: widths and heights of boxes at the network's input.
        levels: how many levels the head has.
        most: the largest k.
        objective: as of `fit_shapes`.
        weights: as of `fit_shapes`.
        seed: as of `fit_shapes`.
        tracked: wraps the iteration over k, for a progress bar.

    Raises:
        InputError: there are no boxes, or `most` is less than `levels`.
    """
    shapes.check_not_empty()
    if most < levels:
        raise InputError(
            f"At most {most} anchors cannot fill {levels} levels.", f"Try at least {levels}."
        )
    points = points_of(shapes.wh, box_weights(shapes, weights), least=4 * most)
    made = []
    for k in tracked(range(1, min(most, len(points)) + 1)):
        anchors, _ = best_anchors(points, k, objective=objective, seed=seed, restarts=_RESTARTS)
        made.append(CurvePoint(k, coverage(shapes.wh, anchors)))
    return Curve(tuple(made), *_bend(made, levels))


def _bend(points: list[CurvePoint], levels: int) -> tuple[int, str]:
    """The multiple of `levels` from which on every further step adds too little, and why."""
    usable = [point for point in points if point.k % levels == 0]
    if not usable:
        last = points[-1].k
        return last, (
            "There is only 1 distinct box shape."
            if last == 1
            else f"There are only {last} distinct box shapes."
        )
    gains = {
        small.k: (large.coverage.mean_iou - small.coverage.mean_iou) / (large.k - small.k)
        for small, large in pairwise(usable)
    }
    for point in usable[:-1]:
        if all(gain < WORTH_AN_ANCHOR for k, gain in gains.items() if k >= point.k):
            return point.k, (
                f"Up to {point.k} anchors, each adds at least {WORTH_AN_ANCHOR} mean IoU; beyond, "
                f"{levels} more add {gains[point.k]:.4f} each."
                if point.k > levels
                else f"Beyond {point.k} anchors, {levels} more add {gains[point.k]:.4f} mean IoU each."
            )
    last = usable[-1].k
    return last, (
        f"Even the last {levels} of {last} anchors add at least {WORTH_AN_ANCHOR} mean IoU each; "
        "more were not tried."
        if gains
        else f"More than {last} anchors were not tried, or there are no more distinct box shapes."
    )
