"""The best k anchors for weighted points: swaps on a coarse grid, then a polish on finer ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headlab.anchors.search.medoids import medoids
from headlab.anchors.search.objectives import Objective, worth_of
from headlab.anchors.search.points import MOST_GATHERED, Points
from headlab.anchors.search.polish import COARSE_STEPS, FINE_STEPS, polished
from headlab.boxes.overlap import iou_matrix

RESTARTS = 8

_POINTS_PER_ANCHOR = 6
_PERFECT = 2.0**20
"""The worth of an overlap of 1; see `headlab.anchors.search.objectives`."""


@dataclass(frozen=True)
class Effort:
    """How thoroughly to search: each grid has more points where k is so large that it needs them.

    Attributes:
        restarts: how many random starts.
        candidates: how many shapes the swaps choose among.
        coarse: points of the grid that swaps are evaluated on.
        middle: points of the grid for the first polish, of half of the sets; None polishes the best set once.
        fine: points of the grid for the last polish.
        steps: of the last polish.
    """

    restarts: int = RESTARTS
    candidates: int = 256
    coarse: int = 1_000
    middle: int | None = 4_000
    fine: int = MOST_GATHERED
    steps: tuple[float, ...] = FINE_STEPS


QUICK = Effort(restarts=2, coarse=300, middle=None, fine=3_000, steps=(1 / 12, 1 / 50))
"""For very many fits: an eighth of the time, and a mean overlap that is about 0.001 lower."""


def best_anchors(
    points: Points, k: int, *, objective: Objective, seed: int, effort: Effort = Effort()
) -> tuple[npt.NDArray[np.float64], tuple[tuple[str, float], ...]]:
    """Anchors for weighted points, and the mean worth after each stage.

    Sets of k are searched for on a coarse grid, where all swaps are evaluated at once; the better half of
    the sets is polished on a finer grid, and the best of these on all points.

    Args:
        points: what to cover.
        k: how many anchors; fewer come back if there are fewer points.
        objective: what an overlap is worth.
        seed: seed of the random starts.
        effort: how thoroughly to search.

    Returns:
        Anchors (at most k, 2) in ascending order of area.
    """
    worth = worth_of(objective)
    k = min(k, len(points))
    if k == len(points):
        wh, value = polished(points.wh, points, worth, ())
        return by_area(wh), (("an anchor for every shape", value / _PERFECT),)
    fine = points.merged_to(max(effort.fine, 2 * _POINTS_PER_ANCHOR * k))
    middle = fine
    if effort.middle is not None:
        middle = fine.merged_to(max(effort.middle, 2 * _POINTS_PER_ANCHOR * k))
    coarse = middle.merged_to(max(effort.coarse, _POINTS_PER_ANCHOR * k))
    candidates = _candidates(coarse, max(effort.candidates, 2 * k))
    table, weight = worth(iou_matrix(candidates, coarse.wh)), coarse.whole_weights()
    rng = np.random.default_rng(seed)
    sets = {}
    for _ in range(effort.restarts if k > 1 else 1):
        chosen, value = medoids(table, weight, k, rng)
        sets[tuple(chosen)] = value
    finalists = sorted(sets, key=lambda chosen: (-sets[chosen], chosen))
    history = [("swaps on the coarse grid", sets[finalists[0]] / float(weight.sum()) / _PERFECT)]
    start = candidates[list(finalists[0])]
    if effort.middle is not None:
        outcomes = [
            polished(candidates[list(chosen)], middle, worth, COARSE_STEPS)
            for chosen in finalists[: max(1, effort.restarts // 2)]
        ]
        start, value = max(outcomes, key=lambda outcome: outcome[1])
        history.append(("polish on the middle grid", value / _PERFECT))
    anchors, value = polished(start, fine, worth, effort.steps)
    history.append(("polish on all points", value / _PERFECT))
    return by_area(anchors), tuple(history)


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
