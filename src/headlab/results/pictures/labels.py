"""Place labels at boxes: none covers another one, hides an object, or leaves the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rect = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels; x2 and y2 lie outside."""

Rects = NDArray[np.float64]
"""Rectangles, shape (N, 4)."""

Leader = tuple[float, float, float, float]
"""A line from a label to its box: x1, y1, x2, y2."""

MOST_HIDDEN = 0.12
"""The share of any box that labels may hide together."""

_GAP_PX = 1
_SLIDES = 4
_RINGS = (0.6, 1.4, 2.4, 3.6, 5.0, 7.0, 9.5)
"""Distances between a box and a label that a leader line joins to it, in heights of the label."""

_DIRECTIONS = 16
_ANGLES = np.arange(_DIRECTIONS)[:, None] * (math.tau / _DIRECTIONS)
_CIRCLE = np.hstack([np.cos(_ANGLES), np.sin(_ANGLES)])
_AROUND = _CIRCLE / np.abs(_CIRCLE).max(axis=1, keepdims=True)
"""Points on the edge of a square, from its middle."""

_STEP_PX = 10
"""The distance between the points of a leader line that later labels must not cover."""

_LEADER_STEPS = 12
"""Points of a leader line that are checked for labels."""

_MOST_LEADERS = 16
"""How many of the cheapest places are tried for a leader line that crosses no label."""

# What a place costs, all in one unit: the best places cost 0, the farthest about 6.
_COST_BELOW, _COST_INSIDE, _COST_SIDE, _COST_LEADER = 0.3, 0.6, 0.5, 1.2
_COST_SLIDE, _COST_CELL, _COST_BOX = 0.1, 4.0, 0.8


@dataclass(frozen=True)
class Wanted:
    """A label to place.

    Attributes:
        box: the box it belongs to.
        sizes: width and height of its forms, the longest text first.
    """

    box: Rect
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Placed:
    """Where a label goes.

    Attributes:
        form: which of the wanted sizes it has.
        rect: its rectangle, inside the picture.
        leader: the line from the label to its box; None for a label that touches its box.
    """

    form: int
    rect: Rect
    leader: Leader | None = None


def overlap(first: Rect, second: Rect) -> int:
    """The area that two rectangles share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(width, 0) * max(height, 0)


class Placing:
    """Places labels one after the other.

    Args:
        field_wh: width and height of what labels may lie on.
        boxes: the boxes whose objects are to stay visible.
        avoided: rectangles that should stay visible too, such as the cells.
    """

    def __init__(
        self, field_wh: tuple[int, int], boxes: Sequence[Rect], avoided: Sequence[Rect] = ()
    ) -> None:
        self._field_wh = field_wh
        self._boxes = _rects(boxes)
        self._areas = np.maximum(_area(self._boxes), 1)
        self._hidden = np.zeros(len(boxes))
        self._avoided = _rects(avoided)
        self._labels, self._leaders = _Pile(), _Pile()

    def add(
        self, wanted: Wanted, *, rings: int = 0, most_hidden: float = MOST_HIDDEN
    ) -> Placed | None:
        """Place a label: the longest form that has room at the box, or else one with a leader line.

        Args:
            wanted: the label.
            rings: how many distances from the box to try where there is no room at the box.
            most_hidden: the share of any box that labels may hide together.

        Returns:
            None where there is no place that leaves the other labels and the boxes visible.
        """
        for form, size in enumerate(wanted.sizes):
            rect = self._best(*_near(wanted.box, size), most_hidden)
            if rect is not None:
                return self._take(form, rect, None)
        for form, size in enumerate(wanted.sizes if rings else ()):
            rect = self._best(*_far(wanted.box, size, rings), most_hidden, wanted.box)
            if rect is not None:
                return self._take(form, rect, _leaders(rect[None], wanted.box))
        return None

    def _best(
        self,
        rects: Rects,
        costs: NDArray[np.float64],
        most_hidden: float,
        led_to: Rect | None = None,
    ) -> Rects | None:
        """The cheapest place that is free and, for a label at a distance, has a clear leader line."""
        width, height = self._field_wh
        inside = (rects[:, 0] >= 0) & (rects[:, 1] >= 0)
        inside &= (rects[:, 2] <= width) & (rects[:, 3] <= height)
        rects, costs = rects[inside], costs[inside]
        if not len(rects):
            return None
        free = ~(self._labels.covered(rects) | self._leaders.covered(rects))
        rects, costs = rects[free], costs[free]
        if not len(rects):
            return None
        near = _around(self._boxes, rects)
        shared = _shared(rects, self._boxes[near])
        seen = ((self._hidden[near] + shared) / self._areas[near] <= most_hidden).all(axis=1)
        rects, costs, shared = rects[seen], costs[seen], shared[seen]
        if not len(rects):
            return None
        area = _area(rects[:1])
        cells = self._avoided[_around(self._avoided, rects)]
        costs = costs + _COST_BOX * np.minimum(shared.sum(axis=1) / area, 1)
        costs += _COST_CELL * _shared(rects, cells).sum(axis=1) / area
        best_first: Rects = rects[np.argsort(costs, kind="stable")]
        if led_to is not None:
            best_first = best_first[:_MOST_LEADERS]
            steps = _steps(_leaders(best_first, led_to), _LEADER_STEPS)
            crossed = self._labels.covered(steps).reshape(-1, _LEADER_STEPS).any(axis=1)
            best_first = best_first[~crossed]
        return np.asarray(best_first[0]) if len(best_first) else None

    def _take(self, form: int, rect: Rects, leader: Rects | None) -> Placed:
        """Occupy a place and its leader line."""
        near = _around(self._boxes, rect[None])
        self._hidden[near] += _shared(rect[None], self._boxes[near])[0]
        self._labels.add(rect[None] + (-_GAP_PX, -_GAP_PX, _GAP_PX, _GAP_PX))
        x1, y1, x2, y2 = (int(end) for end in rect)
        if leader is None:
            return Placed(form, (x1, y1, x2, y2))
        start_x, start_y, end_x, end_y = (float(end) for end in leader[0])
        length = math.hypot(end_x - start_x, end_y - start_y)
        self._leaders.add(_steps(leader, max(1, math.ceil(length / _STEP_PX))))
        return Placed(form, (x1, y1, x2, y2), (start_x, start_y, end_x, end_y))


class _Pile:
    """A growing array of rectangles."""

    def __init__(self) -> None:
        self._rects = np.empty((64, 4))
        self._count = 0

    def add(self, new: Rects) -> None:
        while self._count + len(new) > len(self._rects):
            self._rects = np.vstack([self._rects, np.empty_like(self._rects)])
        self._rects[self._count : self._count + len(new)] = new
        self._count += len(new)

    def covered(self, rects: Rects) -> NDArray[np.bool_]:
        """Which of N rectangles, (N, 4), overlap any of these, as (N,)."""
        here = self._rects[: self._count]
        return np.asarray(_shared(rects, here[_around(here, rects)]).any(axis=1), np.bool_)


def _rects(rects: Sequence[Rect]) -> Rects:
    return np.array(rects, np.float64).reshape(-1, 4)


def _area(rects: Rects) -> NDArray[np.float64]:
    area: NDArray[np.float64] = (rects[:, 2] - rects[:, 0]) * (rects[:, 3] - rects[:, 1])
    return area


def _shared(rects: Rects, others: Rects) -> NDArray[np.float64]:
    """The areas that rectangles (N, 4) share with others (M, 4), as (N, M)."""
    wide = np.minimum(rects[:, None, 2], others[:, 2]) - np.maximum(rects[:, None, 0], others[:, 0])
    high = np.minimum(rects[:, None, 3], others[:, 3]) - np.maximum(rects[:, None, 1], others[:, 1])
    shared: NDArray[np.float64] = np.maximum(wide, 0) * np.maximum(high, 0)
    return shared


def _around(rects: Rects, others: Rects) -> NDArray[np.intp]:
    """The indices of rectangles that overlap the envelope of others."""
    low, high = others[:, :2].min(axis=0), others[:, 2:].max(axis=0)
    return np.flatnonzero((rects[:, :2] < high).all(axis=1) & (rects[:, 2:] > low).all(axis=1))


def _near(box: Rect, size: tuple[int, int]) -> tuple[Rects, NDArray[np.float64]]:
    """The places that touch a box, with costs: above it, below it, inside at its edges, at its sides."""
    (x1, y1, x2, y2), (width, height) = box, size
    slide = [at / _SLIDES for at in range(_SLIDES + 1)]
    lefts = [round(x1 + (x2 - x1 - width) * at) for at in slide]
    tops = [round(y1 + (y2 - y1 - height) * at) for at in slide]
    rows = [(y1 - height, 0.0), (y2, _COST_BELOW)]
    if y2 - y1 > 2 * height and x2 - x1 > width:
        rows += [(y1, _COST_INSIDE), (y2 - height, _COST_INSIDE)]
    corners = [
        (left, top, cost + _COST_SLIDE * at) for top, cost in rows for at, left in enumerate(lefts)
    ]
    corners += [
        (left, top, _COST_SIDE + _COST_SLIDE * at)
        for left in (x2, x1 - width)
        for at, top in enumerate(tops)
    ]
    return _at_corners(corners, size)


def _far(box: Rect, size: tuple[int, int], rings: int) -> tuple[Rects, NDArray[np.float64]]:
    """Places around a box, with costs that grow with the distance."""
    (x1, y1, x2, y2), (width, height) = box, size
    distance = np.array(_RINGS[:rings])[:, None]
    reach_x = (x2 - x1 + width) / 2 + distance * height
    reach_y = (y2 - y1 + height) / 2 + distance * height
    left = (x1 + x2 - width) / 2 + reach_x * _AROUND[:, 0]
    top = (y1 + y2 - height) / 2 + reach_y * _AROUND[:, 1]
    corners = np.stack([left, top], axis=2).reshape(-1, 2).round()
    costs = np.repeat(_COST_LEADER + distance[:, 0] / 2, _DIRECTIONS)
    return np.hstack([corners, corners + size]), costs


def _at_corners(
    corners: Sequence[tuple[int, int, float]], size: tuple[int, int]
) -> tuple[Rects, NDArray[np.float64]]:
    given = np.array(corners, np.float64)
    return np.hstack([given[:, :2], given[:, :2] + size]), given[:, 2]


def _leaders(rects: Rects, box: Rect) -> Rects:
    """The shortest lines from labels to their box, as (N, 4): x1, y1, x2, y2."""
    ends = np.clip((rects[:, :2] + rects[:, 2:]) / 2, box[:2], box[2:])
    starts = np.clip(ends, rects[:, :2], rects[:, 2:])
    return np.hstack([starts, ends])


def _steps(leaders: Rects, count: int) -> Rects:
    """So many small squares along each line, without its ends, which touch the label and the box."""
    share = (np.arange(count) + 0.5)[:, None] / count
    points = leaders[:, None, :2] * (1 - share) + leaders[:, None, 2:] * share
    points = points.reshape(-1, 2)
    return np.hstack([points - _GAP_PX, points + _GAP_PX])
