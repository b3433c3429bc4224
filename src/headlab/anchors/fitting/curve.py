"""How many anchors: mean IoU and recall over k, and where the curve bends."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from headlab.anchors.search.best_anchors import Effort, best_anchors
from headlab.anchors.search.objectives import Objective
from headlab.anchors.search.points import points_of
from headlab.boxes.overlap import Coverage, coverage
from headlab.boxes.shapes import Shapes, Weights, box_weights
from headlab.errors import InputError
from headlab.plain_text import counted

if TYPE_CHECKING:
    from headlab.results.progress import Progress

MOST_K = 15
WORTH_AN_ANCHOR = 0.01
"""One more anchor is worth its cost (a slot in every cell) if it adds this much mean IoU."""

_EFFORT = Effort(restarts=4)


@dataclass(frozen=True)
class CurvePoint:
    """A fit with one number of anchors."""

    k: int
    coverage: Coverage


@dataclass(frozen=True)
class Curve:
    """Fits over k, and the number that was chosen.

    Attributes:
        points: in ascending order of k.
        chosen: a multiple of the number of levels, so that every level gets the same number.
        reason: why this number was chosen, in one sentence.
    """

    points: tuple[CurvePoint, ...]
    chosen: int
    reason: str


def curve_over_k(
    shapes: Shapes,
    *,
    levels: int = 3,
    most: int = MOST_K,
    objective: Objective = "iou",
    weights: Weights = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Curve:
    """Fit 1 to `most` anchors, and choose the multiple of `levels` after which an anchor adds little.

    Args:
        shapes: widths and heights of boxes at the network's input.
        levels: how many levels the head has.
        most: the largest k.
        objective: as of `fit_shapes`.
        weights: as of `fit_shapes`.
        seed: as of `fit_shapes`.
        progress: called after each k with how many are done, and of how many.

    Raises:
        InputError: there are no boxes, or `most` is less than `levels`.
    """
    shapes.check_not_empty()
    if most < levels:
        raise InputError(
            f"At most {most} anchors cannot fill {levels} levels.", f"Try at least {levels}."
        )
    points = points_of(shapes.wh, box_weights(shapes, weights), least=4 * most)
    last = min(most, len(points))
    curve = []
    for k in range(1, last + 1):
        anchors, _ = best_anchors(points, k, objective=objective, seed=seed, effort=_EFFORT)
        curve.append(CurvePoint(k, coverage(shapes.wh, anchors)))
        if progress is not None:
            progress(k, last)
    return Curve(tuple(curve), *_bend(curve, levels))


def _bend(points: list[CurvePoint], levels: int) -> tuple[int, str]:
    """The multiple of `levels` after which every further step adds too little, and why."""
    usable = [point for point in points if point.k % levels == 0]
    if not usable:
        last = points[-1].k
        are = "is" if last == 1 else "are"
        return last, f"There {are} only {counted(last, 'distinct box shape')}."
    gains = {
        small.k: (large.coverage.mean_iou - small.coverage.mean_iou) / (large.k - small.k)
        for small, large in pairwise(usable)
    }
    for point in usable[:-1]:
        if all(gain < WORTH_AN_ANCHOR for k, gain in gains.items() if k >= point.k):
            return point.k, (
                f"Up to {point.k} anchors, each adds at least {WORTH_AN_ANCHOR} mean IoU; beyond that, "
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
