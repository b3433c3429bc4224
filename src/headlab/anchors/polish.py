"""Move anchors a little, one at a time, as long as they cover the points better: a pattern search.

Hooke & Jeeves 1961. A step multiplies or divides width, height or both by a factor; when no anchor gains
from a step, the next, smaller factor is tried. Nothing is accepted that is worse, so that the result is
never worse than the start (which k-means with averaged centres does not promise for this overlap).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headlab.anchors.objectives import Worth
from headlab.anchors.points import Points
from headlab.anchors.search import two_best
from headlab.boxes.overlap import iou_matrix

COARSE_STEPS = (1 / 10, 1 / 20, 1 / 50)
FINE_STEPS = (1 / 50, 1 / 100, 1 / 200, 1 / 500)

_LEAST_GAIN = 1e-7
_MOST_TRIALS = 4_000


def polished(
    anchors: npt.NDArray[np.float64], points: Points, worth_of: Worth, steps: Sequence[float]
) -> tuple[npt.NDArray[np.float64], float]:
    """Anchors that no step of the last, smallest size improves.

    Args:
        anchors: the start (K, 2).
        points: what to cover.
        worth_of: what an overlap is worth.
        steps: relative sizes of the steps, descending.

    Returns:
        Anchors (K, 2) and their mean worth.
    """
    anchors, weight = anchors.copy(), points.whole_weights()
    worth = worth_of(iou_matrix(anchors, points.wh))
    nearest, best, second = two_best(worth)
    value = float(best @ weight)
    for step in steps:
        factors = _factors(1.0 + step)
        at, idle = 0, 0
        for _ in range(_MOST_TRIALS):
            if idle == len(anchors):
                break
            others = np.where(nearest == at, second, best)
            moved = anchors[at] * factors
            moved_worth = worth_of(iou_matrix(moved, points.wh))
            values = np.maximum(moved_worth, others) @ weight
            pick = int(np.argmax(values))
            if values[pick] > value * (1 + _LEAST_GAIN):
                anchors[at], worth[at], value = moved[pick], moved_worth[pick], float(values[pick])
                nearest, best, second = two_best(worth)
                idle = 0
            else:
                at, idle = (at + 1) % len(anchors), idle + 1
    return anchors, value / float(weight.sum())


def _factors(up: float) -> npt.NDArray[np.float64]:
    """The eight steps: wider, narrower, higher, lower, larger, smaller, and the two changes of aspect."""
    down = 1.0 / up
    return np.array(
        [
            (up, 1.0), (down, 1.0), (1.0, up), (1.0, down),
            (up, up), (down, down), (up, down), (down, up),
        ]
    )  # fmt: skip
