"""Divide a number of anchors among classes, each anchor for one class only."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headlab.anchors.search.best_anchors import QUICK, best_anchors
from headlab.anchors.search.points import points_of
from headlab.boxes.overlap import coverage
from headlab.boxes.shapes import Shapes


class ClassCurve:
    """The mean overlap of a class's boxes with 1, 2, … anchors of its own, fitted on demand."""

    def __init__(self, shapes: Shapes, most: int, seed: int) -> None:
        self._shapes = shapes
        self._points = points_of(shapes.wh, None, least=4 * most, most=QUICK.fine)
        self._seed = seed
        self._fits: dict[int, tuple[npt.NDArray[np.float64], float]] = {}

    def anchors(self, k: int) -> npt.NDArray[np.float64]:
        """The anchors (at most k, 2)."""
        return self._fit(k)[0]

    def mean_iou(self, k: int) -> float:
        """The mean overlap with k anchors."""
        return self._fit(k)[1]

    def gain(self, k: int) -> float:
        """How much the sum of overlaps over the class's boxes grows from k to k + 1 anchors."""
        return (self.mean_iou(k + 1) - self.mean_iou(k)) * len(self._shapes)

    def _fit(self, k: int) -> tuple[npt.NDArray[np.float64], float]:
        k = min(k, len(self._points))
        if k not in self._fits:
            anchors, _ = best_anchors(
                self._points, k, objective="iou", seed=self._seed, effort=QUICK
            )
            self._fits[k] = anchors, coverage(self._shapes.wh, anchors).mean_iou
        return self._fits[k]


@dataclass(frozen=True)
class Split:
    """How many anchors each class has for itself.

    Attributes:
        by_class: number of anchors by class number.
        total: number of anchors of all classes together.
        mean_iou: mean overlap over all boxes.
    """

    by_class: Mapping[int, int]
    total: int
    mean_iou: float


def split_budget(
    curves: Mapping[int, ClassCurve], boxes: Mapping[int, int], total: int, goal: float
) -> tuple[Split, Split | None]:
    """Give each class one anchor, then every further one to the class that gains most from it.

    Args:
        curves: by class number.
        boxes: how many boxes each class has.
        total: how many anchors there are; at least one per class.
        goal: a mean overlap to reach.

    Returns:
        The split of `total`, and the smallest split found that reaches the goal, or None if not even eight
        times as many anchors do.
    """
    number = dict.fromkeys(curves, 1)
    box_count = sum(boxes.values())
    reached = sum(curves[class_id].mean_iou(1) * boxes[class_id] for class_id in curves) / box_count
    candidates = [(-curves[class_id].gain(1), class_id) for class_id in curves]
    heapq.heapify(candidates)
    budget: Split | None = None
    while True:
        used = sum(number.values())
        split = Split(dict(number), used, reached)
        budget = split if used == total else budget
        done = reached >= goal and used >= total
        if done or used >= 8 * total or -candidates[0][0] <= 0:
            return budget or split, split if reached >= goal else None
        gain, class_id = heapq.heappop(candidates)
        number[class_id] += 1
        reached += -gain / box_count
        heapq.heappush(candidates, (-curves[class_id].gain(number[class_id]), class_id))
