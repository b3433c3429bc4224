"""The best k anchors for weighted points: swaps on a coarse grid, then a polish on finer ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headlab.anchors.search.medoids import medoids
from headlab.anchors.search.objectives import Objective, worth_of
from headlab.anchors.search.points import Points
from headlab.anchors.search.polish import COARSE_STEPS, FINE_STEPS, polished
from headlab.boxes.overlap import iou_matrix

RESTARTS = 8

_CANDIDATES = 256
_COARSE_POINTS = 1_000
_MIDDLE_POINTS = 4_000
_POINTS_PER_ANCHOR = 6
_PERFECT = 2.0**20
"""The worth of an overlap of 1; see `headlab.anchors.search.objectives`."""


def best_anchors(
    points: Points, k: int, *, objective: Objective, seed: int, restarts: int = RESTARTS
) -> tuple[npt.NDArray[np.float64], tuple[tuple[str, float], ...]]:
    """Anchors for weighted points, and the mean worth after each stage.

    Sets of k are searched for on a coarse grid, where all swaps are evaluated at once; the better half of
    the sets is polished on a finer grid, and the best of these on all points.

    Args:
        points: what to cover.
        k: how many anchors; fewer come back if there are fewer points.
        objective: what an overlap is worth.
        seed: seed of the random starts.
        restarts: how many random starts.

    Returns:
        Anchors (at most k, 2) in ascending order of area.
    """
    worth = worth_of(objective)
    k = min(k, len(points))
    if k == len(points):
        wh, value = polished(points.wh, points, worth, ())
        return by_area(wh), (("an anchor for every shape", value / _PERFECT),)
    coarse = points.merged_to(max(_COARSE_POINTS, _POINTS_PER_ANCHOR * k))
    middle = points.merged_to(max(_MIDDLE_POINTS, 2 * _POINTS_PER_ANCHOR * k))
    candidates = _candidates(coarse, max(_CANDIDATES, 2 * k))
    table, weight = worth(iou_matrix(candidates, coarse.wh)), coarse.whole_weights()
    rng = np.random.default_rng(seed)
    sets = {}
    for _ in range(restarts):
        chosen, value = medoids(table, weight, k, rng)
        sets[tuple(chosen)] = value
    finalists = sorted(sets, key=lambda chosen: (-sets[chosen], chosen))
    finalists = finalists[: max(1, restarts // 2)]
    outcomes = [
        polished(candidates[list(chosen)], middle, worth, COARSE_STEPS) for chosen in finalists
    ]
    on_middle, middle_value = max(outcomes, key=lambda outcome: outcome[1])
    anchors, value = polished(on_middle, points, worth, FINE_STEPS)
    history = (
        ("swaps on the coarse grid", sets[finalists[0]] / float(weight.sum()) / _PERFECT),
        ("polish on the middle grid", middle_value / _PERFECT),
        ("polish on all points", value / _PERFECT),
    )
    return by_area(anchors), history


def _candidates(points: Points, most: int) -> npt.NDArray[np.float64]:
    """Shapes to choose anchors from: those that count most and, if they are few, their means in pairs.

    Where there are few boxes, a good anchor may resemble none of them.
    """
    shapes = points.heaviest(most).wh
    first, second = np.triu_indices(len(shapes), 1)
    if len(shapes) + len(first) > most:
        return shapes
    return np.unique(np.concatenate([shapes, np.sqrt(shapes[first] * shapes[second])]), axis=0)


def by_area(anchors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The anchors in ascending order of area."""
    order = np.lexsort((anchors[:, 0], anchors[:, 0] * anchors[:, 1]))
    return anchors[order]
