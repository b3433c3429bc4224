"""Which detection found which truth, as COCO decides it, and average precision from that.

`headlab.evaluate.scoring` has COCO's figures of all detections. To know what each level and slot contributes,
one has to know which detection found what, and to compute average precision many times: both are done here,
for many photos at once, so that only a few bytes of each detection stay in memory.

Letters: M detections, K truths, P pairs of the two, T thresholds, C classes.

Invariant: the average precision equals that of `scoring` (tests/evaluate/test_matching.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from headlab.evaluate.scoring import MAX_DET, Boxes, Detections, Flags, Numbers, Truths

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's. The first is that of AP50, and of headlab's recall."""

_ALMOST_ONE = 1 - 1e-10
_RECALLS = np.linspace(0, 1, 101)
_TINY = np.spacing(1)

MISSED, FOUND, NOT_COUNTED = np.int8(0), np.int8(1), np.int8(2)


@dataclass(frozen=True)
class Fates:
    """What became of detections.

    Attributes:
        image: the photo of each, by its number, (M,).
        class_id: (M,).
        score: (M,).
        place: the place that each comes from, by its number in `Layout.places`, (M,).
        fate: at each threshold whether it found a truth (1), found none (0), or lies on a crowd and
            is not counted (2), int8, (M, T).
    """

    image: Numbers
    class_id: Numbers
    score: NDArray[np.float64]
    place: Numbers
    fate: NDArray[np.int8]

    @classmethod
    def joined(cls, parts: Sequence[Fates], thresholds: int = len(THRESHOLDS)) -> Fates:
        """Those of several photos, in their order."""
        return cls(
            np.concatenate([np.empty(0, np.int64), *(part.image for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.class_id for part in parts)]),
            np.concatenate([np.empty(0), *(part.score for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.place for part in parts)]),
            np.concatenate([np.empty((0, thresholds), np.int8), *(part.fate for part in parts)]),
        )


@dataclass(frozen=True)
class Pairs:
    """Detections and truths of one photo and class that overlap by at least the first threshold.

    Attributes:
        detection: by its number, rising, (P,).
        truth: by its number; of a detection's truths the one that overlaps most comes last, and of equal
            ones the later one, which COCO takes, (P,).
        overlap: IoU; with a crowd the share of the detection that the crowd covers, (P,).
    """

    detection: Numbers
    truth: Numbers
    overlap: NDArray[np.float64]

    @classmethod
    def of(cls, detections: Detections, truths: Truths) -> Pairs:
        """The pairs of detections and truths, whose photos have the same numbers."""
        classes = int(max(detections.class_id.max(initial=0), truths.class_id.max(initial=0))) + 1
        key = truths.image * classes + truths.class_id
        by_key = np.argsort(key, kind="stable")
        wanted = detections.image * classes + detections.class_id
        first = np.searchsorted(key[by_key], wanted, side="left")
        counts = np.searchsorted(key[by_key], wanted, side="right") - first
        detection = np.repeat(np.arange(len(wanted)), counts)
        within = np.arange(len(detection)) - np.repeat(np.cumsum(counts) - counts, counts)
        truth = by_key[np.repeat(first, counts) + within]
        overlap = _overlaps(
            detections.boxes_xyxy_px[detection], truths.boxes_xyxy_px[truth], truths.crowd[truth]
        )
        close = overlap >= THRESHOLDS[0]
        detection, truth, overlap = detection[close], truth[close], overlap[close]
        order = np.lexsort((truth, overlap, detection))
        return cls(detection[order], truth[order], overlap[order])


def fates(
    detections: Detections,
    truths: Truths,
    place: Numbers,
    max_det: int = MAX_DET,
    *,
    among: Numbers | None = None,
    pairs: Pairs | None = None,
) -> Fates:
    """Match detections to truths, at every threshold.

    As in COCO, detections are taken by descending score, only the best `max_det` of each class in each photo.
    Each finds the truth of its class that overlaps it most, by at least the threshold, among those that none
    before it has found; if there is none, it may lie on a crowd, which may be found any number of times. Its
    overlap with a crowd is the share of the detection that the crowd covers.

    Args:
        detections: of one or more photos.
        truths: of the same photos.
        place: where each detection comes from, (M,).
        max_det: how many detections of each class count in each photo.
        among: the numbers of the detections that take part, best first in each photo; None for all of them.
        pairs: `Pairs.of` the detections and truths, where they have been computed before.

    Returns:
        the detections that count, photo by photo, best first.
    """
    pairs = Pairs.of(detections, truths) if pairs is None else pairs
    if among is None:
        among = np.lexsort((-detections.score, detections.image))
    rank = _ranks(detections.image[among], detections.class_id[among])
    counted = among[rank < max_det]
    fate = np.full((len(detections), len(THRESHOLDS)), MISSED)
    _match(fate, detections, truths, pairs, counted)
    return Fates(
        detections.image[counted],
        detections.class_id[counted],
        detections.score[counted],
        place[counted],
        fate[counted],
    )


def _match(
    fate: NDArray[np.int8], detections: Detections, truths: Truths, pairs: Pairs, counted: Numbers
) -> None:
    """Decide the fates of the detections that count, in place.

    Detections of different photos or classes do not compete. So in each round one detection of each photo and
    class finds its truth, the best in the first round, for all thresholds at once.
    """
    near = counted[np.isin(counted, pairs.detection)]
    turn_of = np.full(len(detections), -1)
    turn_of[near] = _ranks(detections.image[near], detections.class_id[near])
    turn = turn_of[pairs.detection]
    order = np.argsort(turn, kind="stable")[np.count_nonzero(turn < 0) :]
    detection, truth = pairs.detection[order], pairs.truth[order]
    reached = pairs.overlap[order, None] >= np.minimum(THRESHOLDS, _ALMOST_ONE)
    pair, threshold = np.nonzero(reached & truths.crowd[truth, None])
    fate[detection[pair], threshold] = NOT_COUNTED
    free = np.repeat(~truths.crowd[:, None], len(THRESHOLDS), axis=1)
    bounds = np.flatnonzero(np.diff(turn[order], prepend=-1, append=-1))
    for start, end in pairwise(bounds.tolist()):
        these, theirs = detection[start:end], truth[start:end]
        first = np.flatnonzero(np.diff(these, prepend=-1))
        possible = free[theirs] & reached[start:end]
        numbered = np.where(possible, np.arange(end - start)[:, None], -1)
        best = np.maximum.reduceat(numbered, first, axis=0)
        which, threshold = np.nonzero(best >= 0)
        free[theirs[best[which, threshold]], threshold] = False
        fate[these[first[which]], threshold] = FOUND


def _ranks(image: Numbers, class_id: Numbers) -> Numbers:
    """How many of its photo and class come before each, (M,)."""
    by_group = np.lexsort((class_id, image))
    image, class_id = image[by_group], class_id[by_group]
    changes = (np.diff(image, prepend=-1) != 0) | (np.diff(class_id, prepend=-1) != 0)
    first = np.flatnonzero(changes)
    sizes = np.diff(np.append(first, len(image)))
    rank = np.empty(len(image), np.int64)
    rank[by_group] = np.arange(len(image)) - np.repeat(first, sizes)
    return rank


def _overlaps(boxes: Boxes, truths: Boxes, crowd: Flags) -> NDArray[np.float64]:
    """IoU of detections and truths, pair by pair, (P,); of crowds, intersection by the detection's area.

    The far sides are computed as corner + size, as in COCO's arithmetic, where boxes are x, y, w, h, so that
    a box exactly at the threshold is decided alike.
    """
    truth_low, truth_size = truths[:, :2], truths[:, 2:] - truths[:, :2]
    # Early in a training boxes may be infinite: they overlap nothing, and numpy is not to warn of it.
    with np.errstate(invalid="ignore", over="ignore"):
        low, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
        shared = np.minimum(low + size, truth_low + truth_size) - np.maximum(low, truth_low)
        both = shared.clip(0).prod(1)
        own, other = size.prod(1), truth_size.prod(1)
        either = np.where(crowd, own, own + other - both)
        shares = both / np.where(either > 0, either, 1)
    overlaps: NDArray[np.float64] = np.where(both > 0, shares, 0.0)
    return overlaps


def average_precision(found: Fates, truths_by_class: Numbers) -> NDArray[np.float64]:
    """COCO's average precision of each class at each threshold, (T, C); nan without truths.

    Precision is made monotonically falling with recall, then averaged over the recalls 0, 0.01, … 1.

    Args:
        found: of all photos, in the order of the photos.
        truths_by_class: how many are to be found, (C,).
    """
    precision = np.full((found.fate.shape[1], len(truths_by_class)), np.nan)
    by_class = np.lexsort((-found.score, found.class_id))
    bounds = np.searchsorted(found.class_id[by_class], np.arange(len(truths_by_class) + 1))
    for number, count in enumerate(truths_by_class.tolist()):
        if count:
            rows = found.fate[by_class[bounds[number] : bounds[number + 1]]]
            precision[:, number] = _areas(rows, count)
    return precision


def _areas(fate: NDArray[np.int8], count: int) -> NDArray[np.float64]:
    """Average precision of one class at each threshold, (T,); its detections in descending score, (M, T)."""
    found = fate == FOUND
    right, wrong = np.cumsum(found, 0), np.cumsum(fate == MISSED, 0)
    precision = right / (right + wrong + _TINY)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    # Where each recall is first reached: at the detection that is the n-th to find a truth, or nowhere.
    needed = np.searchsorted(np.arange(count + 1) / count, _RECALLS, side="left")
    places = np.full((count + 2, fate.shape[1]), len(fate))
    row, threshold = np.nonzero(found)
    places[right[row, threshold], threshold] = row
    places[0] = 0
    falling = np.append(falling, np.zeros((1, fate.shape[1])), axis=0)
    areas: NDArray[np.float64] = np.take_along_axis(falling, places[needed], 0).mean(0)
    return areas
