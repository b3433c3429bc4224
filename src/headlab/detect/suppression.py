"""Non-maximum suppression of many images at once, in numpy, with the survivors of `YOLO.predict`.

A stored candidate can be asked for its fate without PyTorch, and the same pairs of overlapping boxes answer
for every set of candidates: for all of them, and for those that are left without a level.

NMS keeps a box unless a better one that it keeps overlaps it too much. Which box is kept is therefore decided
by the pairs that overlap alone: a box with no better box left in its pairs is kept, the boxes paired with it
go, and so on until all are decided. That takes as many rounds as the longest chain of boxes that push one
another out, about ten, however many boxes and images there are.

Reference: `ultralytics.utils.nms.non_max_suppression` and `torchvision.ops.nms`, whose float32 arithmetic is
repeated here step by step. Invariant: the same survivors in the same order
(tests/detect/test_suppression.py).

Letters: N rows, one for each candidate and class; P pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

CLASS_OFFSET_PX = 7680
"""ultralytics moves the boxes of each class so far apart from those of the class before it."""

MOST_ROWS = 30_000
"""Only so many rows of an image take part, the best ones."""

_PAIRS_AT_ONCE = 200_000
"""So that the arrays of a step stay in the processor's cache."""


@dataclass(frozen=True)
class Suppressor:
    """NMS with fixed settings.

    Attributes:
        iou: boxes that overlap more are merged.
        max_det: the most survivors of an image.
        agnostic: merge across classes.
    """

    iou: float
    max_det: int
    agnostic: bool = False

    def __call__(
        self,
        image: Rows,
        class_id: Rows,
        score: NDArray[np.float32],
        boxes_xyxy_px: NDArray[np.float32],
        among: list[Flags] | None = None,
    ) -> list[Rows]:
        """The survivors of each set of rows.

        Args:
            image: the number of each row's image, (N,); of equal scores the first row comes first.
            class_id: (N,).
            score: (N,).
            boxes_xyxy_px: corners in pixels of the network's input, (N, 4).
            among: the sets, each (N,); None is the one set of all rows.

        Returns:
            for each set the numbers of the rows that survive, image by image, best first.
        """
        order = np.lexsort((-score, image))
        image, class_id, score = image[order], class_id[order], score[order]
        offset = np.float32(0 if self.agnostic else CLASS_OFFSET_PX) * class_id.astype(np.float32)
        boxes = boxes_xyxy_px[order] + offset[:, None]
        group = image if self.agnostic else _groups(image, class_id, boxes_xyxy_px[order])
        better, worse = _pairs(group, boxes, self.iou)
        sets = [np.ones(len(order), np.bool_)] if among is None else [rows[order] for rows in among]
        return [order[self._kept(rows, image, better, worse)] for rows in sets]

    def _kept(self, rows: Flags, image: Rows, better: Rows, worse: Rows) -> Rows:
        taking_part = rows & _first_of_each(image, rows, MOST_ROWS)
        pairs = taking_part[better] & taking_part[worse]
        kept = _undefeated(taking_part, better[pairs], worse[pairs])
        return np.flatnonzero(kept & _first_of_each(image, kept, self.max_det))


def _groups(image: Rows, class_id: Rows, boxes: NDArray[np.float32]) -> Rows:
    """Numbers of groups of rows whose boxes cannot overlap, (N,): the classes of an image.

    An image whose boxes reach further than the offset between classes is one group.
    """
    classes = int(class_id.max(initial=0)) + 1
    with np.errstate(invalid="ignore", over="ignore"):
        far = ~(np.abs(boxes).max(1, initial=0) < CLASS_OFFSET_PX / 2)
    mixed = np.isin(image, image[far]) if far.any() else far
    group: Rows = np.where(mixed, image * classes, image * classes + class_id)
    return group


def _pairs(group: Rows, boxes: NDArray[np.float32], iou: float) -> tuple[Rows, Rows]:
    """The pairs of one group that overlap by more than `iou`: better rows and worse ones, (P,) each."""
    by_group = np.argsort(group, kind="stable")
    left, top, right, bottom = (np.ascontiguousarray(side) for side in boxes[by_group].T)
    better: list[Rows] = [np.empty(0, np.int64)]
    worse: list[Rows] = [np.empty(0, np.int64)]
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        areas = (right - left) * (bottom - top)
        for one, other in _neighbours(group[by_group]):
            # IoU as torchvision's kernel computes it: in float32, and compared as a double.
            width = np.minimum(right[one], right[other]) - np.maximum(left[one], left[other])
            meet = width > 0
            one, other, width = one[meet], other[meet], width[meet]
            height = np.minimum(bottom[one], bottom[other]) - np.maximum(top[one], top[other])
            meet = height > 0
            one, other, shared = one[meet], other[meet], width[meet] * height[meet]
            overlap = shared / (areas[one] + areas[other] - shared)
            close = overlap.astype(np.float64) > iou
            better.append(by_group[one[close]])
            worse.append(by_group[other[close]])
    return np.concatenate(better), np.concatenate(worse)


def _neighbours(group: Rows) -> Iterator[tuple[Rows, Rows]]:
    """All pairs of rows of equal group, the first before the second, in parts; the groups lie together."""
    count = len(group)
    if not count:
        return
    ends = np.flatnonzero(np.append(group[1:] != group[:-1], True)) + 1
    sizes = np.diff(ends, prepend=0)
    partners = np.repeat(ends, sizes) - np.arange(count) - 1  # those behind it in its group
    behind = np.cumsum(partners)
    start = 0
    while start < count:
        done = behind[start - 1] if start else 0
        stop = max(int(np.searchsorted(behind, done + _PAIRS_AT_ONCE, side="right")), start + 1)
        several = partners[start:stop]
        first = np.repeat(np.arange(start, stop), several)
        within = np.arange(len(first)) - np.repeat(np.cumsum(several) - several, several)
        yield first, first + 1 + within
        start = stop


def _undefeated(undecided: Flags, better: Rows, worse: Rows) -> Flags:
    """The rows that NMS keeps, (N,), given the pairs in which a better row pushes a worse one out."""
    kept = np.zeros(len(undecided), np.bool_)
    undecided = undecided.copy()
    while undecided.any():
        threatened = np.zeros(len(undecided), np.bool_)
        threatened[worse] = True
        safe = undecided & ~threatened
        kept |= safe
        undecided &= ~safe
        undecided[worse[safe[better]]] = False
        open_ = undecided[better] & undecided[worse]
        better, worse = better[open_], worse[open_]
    return kept


def _first_of_each(image: Rows, rows: Flags, most: int) -> Flags:
    """The first `most` chosen rows of each image, (N,); the images lie together."""
    if not len(image):
        return rows
    starts = np.flatnonzero(np.append(True, image[1:] != image[:-1]))
    sizes = np.diff(np.append(starts, len(image)))
    before: Rows = np.cumsum(rows) - rows
    return rows & (before - np.repeat(before[starts], sizes) < most)
