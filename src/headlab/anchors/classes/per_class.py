"""What classes lose by sharing anchors: compared with as many per class, and with as many in all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from headlab.anchors.classes.bootstrap import Interval, intervals
from headlab.anchors.classes.budget import ClassCurve, Split, split_budget
from headlab.anchors.classes.verdicts import FEW_BOXES, class_verdict, verdict
from headlab.anchors.fitting.fit import AnchorFit, fit_shapes
from headlab.anchors.search.best_anchors import QUICK, best_anchors
from headlab.anchors.search.objectives import RECALL_AT
from headlab.anchors.search.points import points_of
from headlab.boxes.input_size import ImageSize
from headlab.boxes.overlap import Sides, best_anchor, coverage
from headlab.boxes.shapes import Data, Shapes, shapes_from
from headlab.errors import InputError
from headlab.plain_text import counted
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure
    from rich.console import RenderableType
    from typing_extensions import Unpack

    from headlab.boxes.reading import ReadSettings
    from headlab.boxes.table import Problem
    from headlab.results.progress import Progress

Floats: TypeAlias = npt.NDArray[np.float64]

MOST_SHARED = 64
FOLDS = 5
"""For the gain on unseen photos, anchors are fitted five times, each time to four fifths of the photos."""


@dataclass(frozen=True)
class ClassGain:
    """What one class would gain from anchors of its own.

    Attributes:
        number: the class number.
        name: the class name.
        boxes: how many boxes it has.
        photos: how many photos show it; None if the photos of the boxes are unknown.
        shared_iou: mean overlap with the shared anchors.
        own_iou: mean overlap with the same number of anchors, fitted to this class alone.
        held_out_gain: the gain in mean overlap on photos that neither fit has seen; None if there are too
            few.
        gain: own_iou - shared_iou, on the boxes that the anchors were fitted to: more than can be expected.
        shared_recall: the share of boxes that a shared anchor overlaps by at least 0.5.
        own_recall: the same for the class's own anchors.
        held_out_recall_gain: the gain in that share on photos that neither fit has seen.
        recall_gain: own_recall - shared_recall.
        own_anchors: (k, 2), fewer if the class has fewer distinct shapes.
        budget_k: how many anchors the class gets if as many as the shared ones are divided among classes.
        budget_iou: mean overlap with those.
        verdict: what this means, in one sentence.
    """

    number: int
    name: str
    boxes: int
    photos: int | None
    shared_iou: float
    own_iou: float
    held_out_gain: Interval | None
    gain: Interval
    shared_recall: float
    own_recall: float
    held_out_recall_gain: Interval | None
    recall_gain: Interval
    own_anchors: Floats
    budget_k: int
    budget_iou: float
    verdict: str


@dataclass(frozen=True, repr=False, eq=False)
class AnchorsPerClass(Result):
    """What every class loses by sharing anchors with the others.

    Attributes:
        shared: the anchors that all classes share.
        classes: what each class would gain, by class number.
        shared_iou: mean overlap over all boxes with the shared anchors.
        own_iou: the same with k anchors per class.
        held_out_gain: the gain of all boxes together, on photos that neither fit has seen; None if there are
            too few.
        gain: the same on the boxes that the anchors were fitted to.
        more_k: as many shared anchors as all classes' own ones together, but no more than 64.
        more_iou: mean overlap over all boxes with those.
        budget: as many anchors as the shared ones, or one per class if that is more, divided among classes.
        needed: the smallest such division found that covers the boxes as well as the shared anchors; None
            if none does.
        verdict: what all this means.
        skipped: how many boxes were left out, by reason.
        unread: problems that annotations were lost to while reading.
    """

    shared: AnchorFit
    classes: tuple[ClassGain, ...]
    shared_iou: float
    own_iou: float
    held_out_gain: Interval | None
    gain: Interval
    more_k: int
    more_iou: float
    budget: Split
    needed: Split | None
    verdict: str
    skipped: Mapping[str, int]
    unread: tuple[Problem, ...]

    title: ClassVar[str] = "anchors per class"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png", ".svg")

    def __len__(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    @property
    def judged(self) -> tuple[ClassGain, ...]:
        """The classes with enough boxes for anchors of their own, the largest gain first; all if none has.

        What counts is the gain on unseen photos, where it is known.
        """
        ordered = sorted(self.classes, key=lambda row: -(row.held_out_gain or row.gain).mean)
        return tuple(row for row in ordered if row.boxes >= FEW_BOXES) or tuple(ordered)

    @property
    def table(self) -> pl.DataFrame:
        """One row per class."""
        from headlab.anchors.classes.document import rows

        return rows(self)

    @property
    def summary(self) -> str:
        """How many classes, and the gain over all boxes."""
        where = "" if self.held_out_gain is None else " on unseen photos"
        gain = self.held_out_gain or self.gain
        return f"{counted(len(self), 'class', 'classes')}, gain in mean IoU{where} {gain}"

    def to_dict(self) -> dict[str, Any]:
        """Everything; docs/anchors.md describes the keys."""
        from headlab.anchors.classes.document import document

        return document(self)

    def text(self) -> Iterable[RenderableType]:
        """A table of the classes, the verdicts, and what they mean."""
        from headlab.anchors.classes.text import per_class_text

        return per_class_text(self)

    def plot(self) -> Figure:
        """Mean IoU with shared and own anchors by class, and the gain with its interval."""
        from headlab.anchors.classes.plot import plot_per_class

        return plot_per_class(self)


def per_class(
    data: Data,
    k: int = 9,
    *,
    imgsz: ImageSize = None,
    levels: int = 3,
    seed: int = 0,
    progress: Progress | None = None,
    **settings: Unpack[ReadSettings],
) -> AnchorsPerClass:
    """Say what every class loses by sharing anchors with the others.

    Args:
        data: annotations (what `headlab.boxes.read` reads, or a box table), or `Shapes` with class numbers;
            a plain array has no classes.
        k: how many anchors are shared, and how many each class gets for itself.
        imgsz: the network's input in pixels: a side, (height, width), or a `headlab.InputSize`; None is 416.
        levels: how many levels the head has.
        seed: seed of the fits, the folds and the resampling.
        progress: called after each class with how many are done, and of how many.
        settings: how data is read: `format`, `names`, `images`, `split`, `encoding`, as of
            `headlab.boxes.read`.

    Raises:
        InputError: the data cannot be read, or has no boxes or no classes.
    """
    shapes, _ = shapes_from(data, imgsz, **settings)
    return per_class_shapes(shapes, k, seed=seed, levels=levels, progress=progress)


def per_class_shapes(
    shapes: Shapes,
    k: int = 9,
    *,
    seed: int = 0,
    levels: int = 3,
    progress: Progress | None = None,
) -> AnchorsPerClass:
    """Compare shared anchors with anchors for each class alone.

    Args:
        shapes: boxes with class numbers, at the network's input.
        k: as of `per_class`, like all others.
        seed: seed of the fits, the folds and the resampling.
        levels: how many levels the head has.
        progress: called after each class.

    Raises:
        InputError: there are no boxes, or they have no classes.
    """
    if shapes.class_ids is None:
        raise InputError(
            "The boxes have no classes to compare.", "Give the class number of each box."
        )
    shared = fit_shapes(shapes, k, seed=seed, levels=levels)
    by_class = _boxes_by_class(shapes.class_ids)
    overlaps = _overlaps(shapes, shared.anchors_wh, by_class, k, seed, progress)
    curves = {number: ClassCurve(shapes.only(here), k, seed) for number, here in by_class.items()}
    boxes = {number: len(here) for number, here in by_class.items()}
    budget, needed = split_budget(curves, boxes, max(k, len(boxes)), shared.mean_iou)
    rng = np.random.default_rng([seed, 1])
    rows = []
    for number, here in by_class.items():
        gains = overlaps.gains(here, rng)
        name = shapes.class_name(number)
        rows.append(
            ClassGain(
                number=number,
                name=name,
                boxes=boxes[number],
                photos=None if shapes.image_ids is None else overlaps.photo_count(here),
                shared_iou=float(overlaps.shared[here].mean()),
                own_iou=float(overlaps.own[here].mean()),
                held_out_gain=gains.held_out_iou,
                gain=gains.iou,
                shared_recall=float((overlaps.shared[here] >= RECALL_AT).mean()),
                own_recall=float((overlaps.own[here] >= RECALL_AT).mean()),
                held_out_recall_gain=gains.held_out_recall,
                recall_gain=gains.recall,
                own_anchors=overlaps.own_anchors[number],
                budget_k=budget.by_class[number],
                budget_iou=curves[number].mean_iou(budget.by_class[number]),
                verdict=class_verdict(name, boxes[number], gains.iou, gains.held_out_iou),
            )
        )
    more = _anchors(shapes.wh, min(k * len(boxes), MOST_SHARED), seed)
    more_iou = coverage(shapes.wh, more).mean_iou
    total = overlaps.gains(np.arange(len(shapes)), rng)
    return AnchorsPerClass(
        shared=shared,
        classes=tuple(rows),
        shared_iou=float(overlaps.shared.mean()),
        own_iou=float(overlaps.own.mean()),
        held_out_gain=total.held_out_iou,
        gain=total.iou,
        more_k=len(more),
        more_iou=more_iou,
        budget=budget,
        needed=needed,
        verdict=verdict(
            [(row.name, row.boxes, row.gain, row.held_out_gain) for row in rows],
            shared.k,
            float(overlaps.shared.mean()),
            (total.iou, total.held_out_iou),
            (len(more), more_iou),
            budget,
            needed,
        ),
        skipped=shapes.skipped,
        unread=shapes.unread,
    )


@dataclass(frozen=True)
class _Gains:
    """What some boxes gain from anchors of their class: on the boxes of the fit, and on unseen photos."""

    iou: Interval
    recall: Interval
    held_out_iou: Interval | None
    held_out_recall: Interval | None


@dataclass(frozen=True)
class _Overlaps:
    """The overlap of each box with its best anchor (N,), under four sets of anchors.

    Attributes:
        photos: which photo each box is on.
        own_anchors: those of each class, by its number.
        shared: with the anchors of all classes.
        own: with those of its class.
        shared_unseen: with anchors of all classes, fitted to other photos; NaN if there are no others.
        own_unseen: with those of its class, fitted to other photos; NaN if there are no others.
    """

    photos: npt.NDArray[np.int64]
    own_anchors: Mapping[int, Floats]
    shared: Floats
    own: Floats
    shared_unseen: Floats
    own_unseen: Floats

    def gains(self, here: npt.NDArray[np.intp], rng: np.random.Generator) -> _Gains:
        """The gains of some boxes, by number."""
        photos = self.photos[here]
        fitted = intervals(_differences(self.own[here], self.shared[here]), photos, rng)
        unseen = _differences(self.own_unseen[here], self.shared_unseen[here])
        known = ~np.isnan(unseen[:, 0])
        if not known.any():
            return _Gains(*fitted, None, None)
        return _Gains(*fitted, *intervals(unseen[known], photos[known], rng))

    def photo_count(self, here: npt.NDArray[np.intp]) -> int:
        """How many photos show some boxes."""
        return len(np.unique(self.photos[here]))


def _differences(own: Floats, shared: Floats) -> Floats:
    """By how much the overlap grows, and whether it reaches 0.5 now, or no longer: (n, 2)."""
    recall = (own >= RECALL_AT).astype(np.float64) - (shared >= RECALL_AT)
    return np.column_stack([own - shared, recall])


def _overlaps(
    shapes: Shapes,
    shared: Floats,
    by_class: Mapping[int, npt.NDArray[np.intp]],
    k: int,
    seed: int,
    progress: Progress | None,
) -> _Overlaps:
    photos = shapes.image_ids if shapes.image_ids is not None else np.arange(len(shapes))
    fold = _folds(photos, seed)
    own_anchors = {}
    own, own_unseen = np.empty(len(shapes)), np.empty(len(shapes))
    for done, (number, here) in enumerate(by_class.items(), 1):
        wh = shapes.wh[here]
        own_anchors[number] = _anchors(wh, k, seed)
        own[here], _ = best_anchor(wh, own_anchors[number])
        own_unseen[here] = _unseen(wh, fold[here], k, seed)
        if progress is not None:
            progress(done, len(by_class))
    return _Overlaps(
        photos=photos,
        own_anchors=own_anchors,
        shared=best_anchor(shapes.wh, shared)[0],
        own=own,
        shared_unseen=_unseen(shapes.wh, fold, k, seed),
        own_unseen=own_unseen,
    )


def _boxes_by_class(class_ids: npt.NDArray[np.int64]) -> dict[int, npt.NDArray[np.intp]]:
    """For each class number, ascending, the numbers of its boxes, ascending."""
    order = np.argsort(class_ids, kind="stable")
    numbers, starts = np.unique(class_ids[order], return_index=True)
    return dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True))


def _anchors(wh: Sides, k: int, seed: int) -> Floats:
    points = points_of(wh, None, least=4 * k, most=QUICK.fine)
    return best_anchors(points, k, objective="iou", seed=seed, effort=QUICK)[0]


def _folds(photos: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Which fold each box's photo is in, drawn at random; the folds have as equal numbers as possible."""
    _, photo = np.unique(photos, return_inverse=True)
    number = int(photo.max()) + 1
    order = np.random.default_rng([seed, 2]).permutation(number)
    return np.asarray((order % FOLDS)[photo])


def _unseen(wh: Sides, fold: npt.NDArray[np.int64], k: int, seed: int) -> Floats:
    """The overlap of each box with anchors fitted without its fold; NaN if there is no other fold."""
    overlap = np.full(len(wh), np.nan)
    for held_out in np.unique(fold):
        here = fold == held_out
        if not here.all():
            overlap[here], _ = best_anchor(wh[here], _anchors(wh[~here], k, seed))
    return overlap
