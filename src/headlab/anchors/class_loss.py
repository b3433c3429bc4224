"""What classes lose by sharing anchors: the same number for itself, and the same number in all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from headlab.anchors.bootstrap import Interval, interval
from headlab.anchors.budget import ClassCurve, Split, split_budget
from headlab.anchors.fitting import RESTARTS, Fit, best_anchors, fit_shapes
from headlab.anchors.points import points_of
from headlab.anchors.verdicts import FEW_BOXES, class_verdict, verdict
from headlab.boxes.overlap import Sides, best_anchor, coverage
from headlab.boxes.shapes import Shapes
from headlab.errors import InputError

Tracked: TypeAlias = Callable[[Iterable[int]], Iterable[int]]
Floats: TypeAlias = npt.NDArray[np.float64]

FEWER_RESTARTS = 4

MOST_SHARED = 64
FOLDS = 5
"""For the gain on unseen photos, anchors are fitted to four fifths of the photos, five times."""


@dataclass(frozen=True)
class ClassLoss:
    """What one class loses by sharing.

    Attributes:
        number: the class.
        name: its name.
        boxes: how many.
        photos: how many photos show it; None if the boxes' photos are unknown.
        shared_iou: mean overlap with the shared anchors.
        own_iou: mean overlap with the same number of anchors, fitted to this class alone.
        gain: own_iou - shared_iou, on the boxes that the anchors were fitted to.
        shared_recall: share of boxes that a shared anchor overlaps by at least 0.5.
        own_recall: the same for the class's own anchors.
        recall_gain: own_recall - shared_recall.
        held_out_gain: the gain on photos that neither fit has seen; None if there are too few.
        own_anchors: (k, 2), fewer if the class has fewer distinct shapes.
        budget_k: how many anchors the class has in a budget-equal split.
        budget_iou: mean overlap with those.
        verdict: in one sentence.
    """

    number: int
    name: str
    boxes: int
    photos: int | None
    shared_iou: float
    own_iou: float
    gain: Interval
    shared_recall: float
    own_recall: float
    recall_gain: Interval
    held_out_gain: float | None
    own_anchors: Floats
    budget_k: int
    budget_iou: float
    verdict: str


@dataclass(frozen=True)
class PerClass:
    """What every class loses by sharing anchors.

    Attributes:
        shared: the fit that all classes share.
        rows: by class number.
        shared_iou: mean overlap over all boxes with the shared anchors.
        own_iou: the same with k anchors per class.
        gain: of all boxes together.
        held_out_gain: on photos that neither fit has seen.
        more_k: as many shared anchors as all classes' own ones together, but no more than 64.
        more_iou: mean overlap over all boxes with those.
        budget: as many anchors as the shared set has, or one per class if that is more, each for one class.
        needed: the smallest class-only split found that covers as well as the shared set; None if none does.
        verdict: in all.
        skipped: how many boxes were left out, by reason.
    """

    shared: Fit
    rows: tuple[ClassLoss, ...]
    shared_iou: float
    own_iou: float
    gain: Interval
    held_out_gain: float | None
    more_k: int
    more_iou: float
    budget: Split
    needed: Split | None
    verdict: str
    skipped: Mapping[str, int]

    @property
    def judged(self) -> tuple[ClassLoss, ...]:
        """The classes with enough boxes for own anchors, the largest gain first; all if none has."""
        ordered = sorted(self.rows, key=lambda row: -row.gain.mean)
        return tuple(row for row in ordered if row.boxes >= FEW_BOXES) or tuple(ordered)


def per_class_shapes(
    shapes: Shapes, k: int = 9, *, seed: int = 0, levels: int = 3, tracked: Tracked = iter
) -> PerClass:
    """Compare shared anchors with anchors for each class alone.

    Args:
        shapes: with class numbers, at the network's input.
        k: how many anchors are shared, and how many each class gets for itself.
        seed: of the fits, the folds and the resampling.
        levels: of the shared fit.
        tracked: wraps the iteration over classes, for a progress bar.

    Raises:
        InputError: there are no boxes, or they have no classes.
    """
    if shapes.class_ids is None:
        raise InputError(
            "The boxes have no classes to compare.", "Give the class number of each box."
        )
    shared = fit_shapes(shapes, k, seed=seed, levels=levels)
    shared_iou, _ = best_anchor(shapes.wh, shared.anchors_wh)
    photos = shapes.image_ids if shapes.image_ids is not None else np.arange(len(shapes))
    fold = _folds(photos, seed)
    shared_unseen = _unseen(shapes.wh, fold, k, seed)
    rng = np.random.default_rng([seed, 1])

    numbers = [int(each) for each in np.unique(shapes.class_ids)]
    own_iou, own_unseen = np.empty(len(shapes)), np.empty(len(shapes))
    own_anchors = {}
    for number in tracked(numbers):
        here = shapes.class_ids == number
        wh = shapes.wh[here]
        own_anchors[number] = _anchors(wh, k, seed, RESTARTS)
        own_iou[here], _ = best_anchor(wh, own_anchors[number])
        own_unseen[here] = _unseen(wh, fold[here], k, seed)

    curves = {n: ClassCurve(shapes.only(shapes.class_ids == n), k, seed) for n in numbers}
    boxes = {n: int((shapes.class_ids == n).sum()) for n in numbers}
    budget, needed = split_budget(curves, boxes, max(k, len(numbers)), shared.mean_iou)
    rows = []
    for number in numbers:
        here = shapes.class_ids == number
        mine, others = own_iou[here], shared_iou[here]
        gain = interval(mine - others, photos[here], rng)
        recall = (mine >= 0.5).astype(np.float64) - (others >= 0.5)
        held_out = _mean_known((own_unseen - shared_unseen)[here])
        name = shapes.class_name(number)
        rows.append(
            ClassLoss(
                number=number,
                name=name,
                boxes=boxes[number],
                photos=len(np.unique(photos[here])) if shapes.image_ids is not None else None,
                shared_iou=float(others.mean()),
                own_iou=float(mine.mean()),
                gain=gain,
                shared_recall=float((others >= 0.5).mean()),
                own_recall=float((mine >= 0.5).mean()),
                recall_gain=interval(recall, photos[here], rng),
                held_out_gain=held_out,
                own_anchors=own_anchors[number],
                budget_k=budget.by_class[number],
                budget_iou=curves[number].mean_iou(budget.by_class[number]),
                verdict=class_verdict(name, boxes[number], gain, held_out),
            )
        )
    more = _anchors(shapes.wh, min(k * len(numbers), MOST_SHARED), seed, FEWER_RESTARTS)
    more_iou = coverage(shapes.wh, more).mean_iou
    gain = interval(own_iou - shared_iou, photos, rng)
    held_out = _mean_known(own_unseen - shared_unseen)
    return PerClass(
        shared=shared,
        rows=tuple(rows),
        shared_iou=float(shared_iou.mean()),
        own_iou=float(own_iou.mean()),
        gain=gain,
        held_out_gain=held_out,
        more_k=len(more),
        more_iou=more_iou,
        budget=budget,
        needed=needed,
        verdict=verdict(
            [(row.name, row.boxes, row.gain, row.held_out_gain) for row in rows],
            shared.k,
            float(shared_iou.mean()),
            (gain, held_out),
            (len(more), more_iou),
            budget,
            needed,
        ),
        skipped=shapes.skipped,
    )


def _anchors(wh: Sides, k: int, seed: int, restarts: int) -> Floats:
    points = points_of(wh, None, least=4 * k)
    return best_anchors(points, k, objective="iou", seed=seed, restarts=restarts)[0]


def _folds(photos: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Which fold each box's photo is in, drawn at random; as many photos in each as possible."""
    _, photo = np.unique(photos, return_inverse=True)
    number = int(photo.max()) + 1
    order = np.random.default_rng([seed, 2]).permutation(number)
    return np.asarray((order % FOLDS)[photo])


def _unseen(wh: Sides, fold: npt.NDArray[np.int64], k: int, seed: int) -> Floats:
    """The overlap of each box with anchors fitted without its fold; NaN if there is no other fold."""
    found = np.full(len(wh), np.nan)
    for each in np.unique(fold):
        here = fold == each
        if not here.all():
            found[here], _ = best_anchor(wh[here], _anchors(wh[~here], k, seed, FEWER_RESTARTS))
    return found


def _mean_known(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
