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
from headlab.boxes.overlap import Overlaps

COARSE_STEPS = (1 / 10, 1 / 20, 1 / 50)
FINE_STEPS = (1 / 50, 1 / 100, 1 / 200, 1 / 500)

_LEAST_GAIN = 1e-7
_ROUNDING = 1 + 1e-9
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
    covered = _Covered(anchors, points, worth_of)
    for step in steps:
        factors = _factors(1.0 + step)
        moving, idle = 0, 0
        for _ in range(_MOST_TRIALS):
            if idle == len(anchors):
                break
            if covered.moved(moving, factors, reach=(1.0 + step) ** 2):
                idle = 0
            else:
                moving, idle = (moving + 1) % len(anchors), idle + 1
    return covered.anchors, covered.value / float(covered.weight.sum())


class _Covered:
    """Anchors, and how well each of them and all together cover the points.

    A step of one anchor changes little: only the points that it covers best, or might after the step, are
    looked at. Worths and weights are whole numbers, so that sums of parts are the sums of the whole, exactly.

    Attributes:
        anchors: (K, 2).
        weight: how much each point counts (P,), whole numbers.
        value: the sum of the weighted worths.
    """

    def __init__(self, anchors: npt.NDArray[np.float64], points: Points, worth_of: Worth) -> None:
        self.anchors, self.weight = anchors.copy(), points.whole_weights()
        self._overlaps, self._worth_of = Overlaps(points.wh), worth_of
        self._overlap = self._overlaps.of(anchors)
        self._worth = worth_of(self._overlap)
        self._nearest, self._best, self._second = two_best(self._worth)
        self.value = float(self._best @ self.weight)

    def moved(self, number: int, factors: npt.NDArray[np.float64], reach: float) -> bool:
        """Take the best of an anchor's steps, if it helps.

        Args:
            number: of the anchor.
            factors: of width and height for each step (S, 2).
            reach: no step multiplies the anchor's overlap with any shape by more than this: with sides that
                change by at most a factor f, the intersection grows and the union shrinks so that their
                quotient grows by at most f ** 2.

        Returns:
            Whether a step was taken.
        """
        mine = self._nearest == number
        others = np.where(mine, self._second, self._best)
        most = self._worth_of(np.minimum(self._overlap[number] * (reach * _ROUNDING), 1.0))
        near = np.flatnonzero(mine | (most > others))
        weight = self.weight[near]
        moved = self.anchors[number] * factors
        worth = self._worth_of(self._overlaps.of(moved, near))
        gains = np.maximum(worth, others[near]) @ weight
        pick = int(np.argmax(gains))
        value = self.value - float(self._best[near] @ weight) + float(gains[pick])
        if value <= self.value * (1 + _LEAST_GAIN):
            return False
        self._replace(number, moved[pick])
        self.value = value
        return True

    def _replace(self, number: int, anchor: npt.NDArray[np.float64]) -> None:
        """Put an anchor in another one's place: points of which neither was among the two best stay."""
        before = self._worth[number].copy()
        self.anchors[number] = anchor
        self._overlap[number] = self._overlaps.of(anchor[None])[0]
        self._worth[number] = self._worth_of(self._overlap[number])
        changed = np.flatnonzero(np.maximum(before, self._worth[number]) >= self._second)
        self._nearest[changed], self._best[changed], self._second[changed] = two_best(
            self._worth[:, changed]
        )


def _factors(up: float) -> npt.NDArray[np.float64]:
    """The eight steps: wider, narrower, taller, shorter, larger, smaller, and two changes of aspect ratio."""
    down = 1.0 / up
    return np.array(
        [
            (up, 1.0), (down, 1.0), (1.0, up), (1.0, down),
            (up, up), (down, down), (up, down), (down, up),
        ]
    )  # fmt: skip
