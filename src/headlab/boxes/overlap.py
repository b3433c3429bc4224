"""How well anchors cover box shapes: overlap, ratio, and their sums over any number of boxes.

Shapes are widths and heights (N, 2) in one unit of length; anchors (K, 2) in the same unit. The overlap
of two shapes is the IoU of two boxes that share a corner, as in YOLO9000 (Redmon & Farhadi 2017,
https://arxiv.org/abs/1612.08242, section 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Sides: TypeAlias = npt.NDArray[np.floating[Any]] | npt.NDArray[np.integer[Any]]

RATIO_LIMIT = 4.0
"""YOLOv5 takes an anchor for a box if neither side differs by this factor."""

SINGLE_PRECISION_FROM = 1_000_000
"""From this many boxes on, overlaps are computed in float32 (and summed in float64)."""

_CHUNK = 16_384
_MOST_PAIRS = 4


def iou_matrix(anchors: Floats, shapes: Floats) -> npt.NDArray[np.float64]:
    """The overlap of every anchor with every shape: (K, N)."""
    return Overlaps(shapes).of(anchors)


class Overlaps:
    """The overlaps of many sets of anchors with the same shapes, without repeating what these share.

    Args:
        shapes: widths and heights (N, 2).
    """

    def __init__(self, shapes: Floats) -> None:
        self._width, self._height = np.ascontiguousarray(np.asarray(shapes, np.float64).T)
        self._area = self._width * self._height

    def of(
        self, anchors: Floats, chosen: npt.NDArray[np.intp] | None = None
    ) -> npt.NDArray[np.float64]:
        """The overlap of every anchor with every shape (K, N), or with the chosen ones, by number."""
        a = np.asarray(anchors, np.float64)
        width, height, area = self._width, self._height, self._area
        if chosen is not None:
            width, height, area = width[chosen], height[chosen], area[chosen]
        shared: npt.NDArray[np.float64] = np.minimum(a[:, :1], width)
        other = np.minimum(a[:, 1:], height)
        shared *= other
        union = np.add((a[:, 0] * a[:, 1])[:, None], area, out=other)
        union -= shared
        shared /= union
        return shared


def pairs_text(holds: npt.NDArray[np.bool_]) -> str:
    """The pairs of anchors for which something holds (K, K), as "1 and 2, 4 and 5"; at most a few."""
    pairs = [f"{a} and {b}" for a, b in np.argwhere(holds)]
    more = f", and {len(pairs) - _MOST_PAIRS} more pairs" if len(pairs) > _MOST_PAIRS else ""
    return ", ".join(pairs[:_MOST_PAIRS]) + more


@dataclass(frozen=True)
class Coverage:
    """How a set of anchors covers boxes, each box by the anchor that overlaps it most.

    Attributes:
        boxes: how many boxes.
        mean_iou: mean best overlap.
        recall_50: share of boxes that some anchor overlaps by at least 0.5.
        recall_25: the same for 0.25.
        recall_ratio_4: share of boxes for which some anchor has both sides within a factor of 4.
        served: for each anchor, how many boxes it overlaps most; of equals, the first counts.
    """

    boxes: int
    mean_iou: float
    recall_50: float
    recall_25: float
    recall_ratio_4: float
    served: tuple[int, ...]


def coverage(shapes: Sides, anchors: Floats) -> Coverage:
    """Evaluate anchors on every box, in pieces, so that memory does not grow with the boxes.

    Raises:
        ValueError: there are no boxes or no anchors.
    """
    if not len(shapes) or not len(anchors):
        raise ValueError("coverage needs at least one box and one anchor")
    total, at_50, at_25, within_4 = 0.0, 0, 0, 0
    served = np.zeros(len(anchors), np.int64)
    for piece in _pieces(shapes):
        best, number = _best(piece, anchors)
        total += float(best.sum(dtype=np.float64))
        at_50 += int(np.count_nonzero(best >= 0.5))
        at_25 += int(np.count_nonzero(best >= 0.25))
        within_4 += _within_ratio(piece, anchors, best)
        served += np.bincount(number, minlength=len(anchors))
    count = len(shapes)
    return Coverage(
        boxes=count,
        mean_iou=total / count,
        recall_50=at_50 / count,
        recall_25=at_25 / count,
        recall_ratio_4=within_4 / count,
        served=tuple(served.tolist()),
    )


def best_anchor(
    shapes: Sides, anchors: Floats
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """For each box the overlap with its best anchor, and that anchor's number; the first of equals.

    Returns:
        Overlaps (N,) and numbers (N,).
    """
    overlaps = np.empty(len(shapes), np.float64)
    numbers = np.empty(len(shapes), np.intp)
    at = 0
    for piece in _pieces(shapes):
        best, number = _best(piece, anchors)
        end = at + piece.shape[1]
        overlaps[at:end], numbers[at:end] = best, number
        at = end
    return overlaps, numbers


def _pieces(shapes: Sides) -> Iterator[Floats]:
    """The shapes as contiguous rows of widths and of heights (2, n), piece by piece."""
    dtype = np.float32 if len(shapes) >= SINGLE_PRECISION_FROM else np.float64
    for start in range(0, len(shapes), _CHUNK):
        yield np.ascontiguousarray(shapes[start : start + _CHUNK].T, dtype)


def _best(piece: Floats, anchors: Floats) -> tuple[Floats, npt.NDArray[np.int8 | np.int64]]:
    w, h = piece
    area = w * h
    best = np.zeros_like(w)
    number = np.zeros(len(w), np.int64)
    shared, union, other = np.empty_like(w), np.empty_like(w), np.empty_like(w)
    for index, (aw, ah) in enumerate(np.asarray(anchors, piece.dtype)):
        np.minimum(w, aw, out=shared)
        np.minimum(h, ah, out=other)
        shared *= other
        np.add(area, aw * ah, out=union)
        union -= shared
        shared /= union
        np.copyto(number, index, where=shared > best)
        np.maximum(best, shared, out=best)
    return best, number


def _within_ratio(piece: Floats, anchors: Floats, best: Floats) -> int:
    """How many boxes have an anchor whose sides both differ by less than `RATIO_LIMIT`.

    An overlap of at least 1 / RATIO_LIMIT with an anchor implies it: IoU <= min(w, a) / max(w, a).
    Only the other boxes are looked at.
    """
    sure = best > 1.0 / RATIO_LIMIT * (1 + 1e-6)
    rest = piece[:, ~sure]
    within = np.zeros(rest.shape[1], bool)
    for aw, ah in np.asarray(anchors, piece.dtype):
        ratio_w, ratio_h = rest[0] / aw, rest[1] / ah
        worst = np.maximum(np.maximum(ratio_w, 1 / ratio_w), np.maximum(ratio_h, 1 / ratio_h))
        within |= worst < RATIO_LIMIT
    return int(np.count_nonzero(sure)) + int(np.count_nonzero(within))
