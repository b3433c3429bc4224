"""Which detection found which truth, as COCO decides it, and average precision from that.

`headlab.evaluate.scoring` has COCO's figures of all detections. To know what each level and slot contributes,
one has to know which detection found what, and to compute average precision many times: both are done here,
photo by photo, so that only a few bytes of each detection stay in memory.

Letters: M detections, K truths, T thresholds, C classes.

Invariant: the average precision equals that of `scoring` (tests/evaluate/test_matching.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headlab.evaluate.scoring import MAX_DET, Boxes, Flags, Numbers

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's. The first is that of AP50, and of headlab's recall."""

_ALMOST_ONE = 1 - 1e-10
_RECALLS = np.linspace(0, 1, 101)
_TINY = np.spacing(1)

MISSED, FOUND, NOT_COUNTED = np.int8(0), np.int8(1), np.int8(2)


@dataclass(frozen=True)
class PhotoTruths:
    """The truths of one photo, as in `headlab.evaluate.scoring.Truths`."""

    boxes_xyxy_px: Boxes
    class_id: Numbers
    crowd: Flags


@dataclass(frozen=True)
class Fates:
    """What became of detections.

    Attributes:
        class_id: (M,).
        score: (M,).
        place: the place that each comes from, by its number in `Layout.places`, (M,).
        fate: at each threshold whether it found a truth (1), found none (0), or lies on a crowd and
            is not counted (2), int8, (M, T).
    """

    class_id: Numbers
    score: NDArray[np.float64]
    place: Numbers
    fate: NDArray[np.int8]

    @classmethod
    def joined(cls, parts: Sequence[Fates], thresholds: int = len(THRESHOLDS)) -> Fates:
        """Those of several photos, in their order."""
        return cls(
            np.concatenate([np.empty(0, np.int64), *(part.class_id for part in parts)]),
            np.concatenate([np.empty(0), *(part.score for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.place for part in parts)]),
            np.concatenate([np.empty((0, thresholds), np.int8), *(part.fate for part in parts)]),
        )


def fates(
    boxes_xyxy_px: Boxes,
    class_id: Numbers,
    score: NDArray[np.float64],
    place: Numbers,
    truths: PhotoTruths,
    max_det: int = MAX_DET,
) -> Fates:
    """Match the detections of one photo to its truths, at every threshold.

    As in COCO, detections are taken by descending score, only the best `max_det` of each class. Each finds
    the truth of its class that overlaps it most, by at least the threshold, among those that none before
    it has found; if there is none, it may lie on a crowd, which may be found any number of times. Its
    overlap with a crowd is the share of the detection that the crowd covers.

    Args:
        boxes_xyxy_px: (M, 4).
        class_id: (M,).
        score: (M,).
        place: (M,).
        truths: of the photo.
        max_det: how many detections of each class count.

    Returns:
        the detections that count, best first.
    """
    order = np.argsort(-score, kind="stable")
    order = order[_rank_in_class(class_id[order]) < max_det]
    overlaps = _overlaps(boxes_xyxy_px[order], truths)
    overlaps[class_id[order][:, None] != truths.class_id] = 0
    fate = np.full((len(order), len(THRESHOLDS)), MISSED)
    near = np.flatnonzero((overlaps >= THRESHOLDS[0]).any(1))
    for at, threshold in enumerate(np.minimum(THRESHOLDS, _ALMOST_ONE)):
        fate[near, at] = _greedy(overlaps[near], truths.crowd, float(threshold))
    return Fates(class_id[order], score[order], place[order], fate)


def _rank_in_class(class_id: Numbers) -> Numbers:
    """How many of its class come before each, (M,)."""
    by_class = np.argsort(class_id, kind="stable")
    grouped = class_id[by_class]
    first = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]]) if len(grouped) else grouped
    sizes = np.diff(np.r_[first, len(grouped)])
    rank = np.empty(len(class_id), np.int64)
    rank[by_class] = np.arange(len(class_id)) - np.repeat(first, sizes)
    return rank


def _overlaps(boxes: Boxes, truths: PhotoTruths) -> NDArray[np.float64]:
    """IoU of detections and truths, (M, K); of crowds, intersection by the detection's area.

    The far sides are computed as corner + size, as in COCO's arithmetic, where boxes are x, y, w, h, so that
    a box exactly at the threshold is decided alike.
    """
    truth_low = truths.boxes_xyxy_px[None, :, :2]
    truth_size = truths.boxes_xyxy_px[None, :, 2:] - truth_low
    # Early in a training boxes may be infinite: they overlap nothing, and numpy is not to warn of it.
    with np.errstate(invalid="ignore", over="ignore"):
        low, size = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
        shared = np.minimum(low + size, truth_low + truth_size) - np.maximum(low, truth_low)
        both = shared.clip(0).prod(2)
        own, other = size.prod(2), truth_size.prod(2)
        either = np.where(truths.crowd, own, own + other - both)
        shares = both / np.where(either > 0, either, 1)
    overlaps: NDArray[np.float64] = np.where(both > 0, shares, 0.0)
    return overlaps


def _greedy(overlaps: NDArray[np.float64], crowd: Flags, threshold: float) -> NDArray[np.int8]:
    """The fate of each detection, (M,), given its overlaps with the truths, (M, K), best first."""
    fate = np.full(len(overlaps), MISSED)
    free = ~crowd
    for at, row in enumerate(overlaps):
        candidates = np.where(free, row, -1)
        best = len(row) - 1 - int(candidates[::-1].argmax())  # of equal ones COCO takes the last
        if candidates[best] >= threshold:
            free[best] = False
            fate[at] = FOUND
        elif (row[crowd] >= threshold).any():
            fate[at] = NOT_COUNTED
    return fate


def average_precision(found: Fates, truths_by_class: Numbers) -> NDArray[np.float64]:
    """COCO's average precision of each class at each threshold, (T, C); nan without truths.

    Precision is made monotonically falling with recall, then averaged over the recalls 0, 0.01, … 1.

    Args:
        found: of all photos, in the order of the photos.
        truths_by_class: how many are to be found, (C,).
    """
    precision = np.full((found.fate.shape[1], len(truths_by_class)), np.nan)
    by_score = np.argsort(-found.score, kind="stable")
    by_class = by_score[np.argsort(found.class_id[by_score], kind="stable")]
    bounds = np.searchsorted(found.class_id[by_class], np.arange(len(truths_by_class) + 1))
    for number, count in enumerate(truths_by_class.tolist()):
        if count:
            rows = found.fate[by_class[bounds[number] : bounds[number + 1]]]
            precision[:, number] = [_area(fate, count) for fate in rows.T]
    return precision


def _area(fate: NDArray[np.int8], count: int) -> float:
    """Average precision of one class, its detections in descending score, (M,)."""
    right = np.cumsum(fate == FOUND)
    wrong = np.cumsum(fate == MISSED)
    if not len(right):
        return 0.0
    precision = right / (right + wrong + _TINY)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    reached = np.searchsorted(right / count, _RECALLS, side="left")
    return float(np.append(falling, 0.0)[reached].mean())
