"""Move anchors a little, one at a time, as long as they cover the points better: a pattern search.

Hooke & Jeeves 1961. A step multiplies or divides width, height or both by a factor; when no anchor gains
from a step, the next, smaller factor is tried. A step is only taken if it helps, so that the result is never
worse than the start (k-means with averaged centres does not guarantee that for this overlap).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headlab.anchors.search.medoids import two_best
from headlab.anchors.search.objectives import Worth
from headlab.anchors.search.points import Points
from headlab.boxes.overlap import iou_matrix

COARSE_STEPS = (1 / 10, 1 / 20, 1 / 50)
FINE_STEPS = (1 / 50, 1 / 100, 1 / 200, 1 / 500)

_LEAST_GAIN = 1e-7
_MOST_TRIALS = 4_000


def polished(
    anchors: npt.NDArray[np.float64], points: Points, worth_of: Worth, steps: Sequence[float]
) -> tuple[npt.NDArray[np.float64], float]:
    """Anchors that no step of the smallest size improves.

    Args:
        anchors: the start (K, 2).
        points: what to cover.
        worth_of: what an overlap is worth.
        steps: relative sizes of the steps, in descending order.

    Returns:
        Anchors (K, 2) and their mean worth.
    """
    anchors, weight = anchors.copy(), points.whole_weights()
    worth = worth_of(iou_matrix(anchors, points.wh))
    nearest, best, second = two_best(worth)
    value = float(best @ weight)
    for step in steps:
        factors = _factors(1.0 + step)
        moving, idle = 0, 0
        for _ in range(_MOST_TRIALS):
            if idle == len(anchors):
                break
            others = np.where(nearest == moving, second, best)
            moved = anchors[moving] * factors
            moved_worth = worth_of(iou_matrix(moved, points.wh))
            values = np.maximum(moved_worth, others) @ weight
            pick = int(np.argmax(values))
            if values[pick] > value * (1 + _LEAST_GAIN):
                anchors[moving], worth[moving] = moved[pick], moved_worth[pick]
                value = float(values[pick])
                nearest, best, second = two_best(worth)
                idle = 0
            else:
                moving, idle = (moving + 1) % len(anchors), idle + 1
    return anchors, value / float(weight.sum())


def _factors(up: float) -> npt.NDArray[np.float64]:
    """The eight steps: wider, narrower, taller, shorter, larger, smaller, and two changes of aspect ratio."""
    down = 1.0 / up
    return np.array(
        [
            (up, 1.0), (down, 1.0), (1.0, up), (1.0, down),
            (up, up), (down, down), (up, down), (down, up),
        ]
    )  # fmt: skip
