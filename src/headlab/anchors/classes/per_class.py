"""What classes lose by sharing anchors: compared with as many per class, and with as many in all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from headlab.anchors.classes.bootstrap import Interval, interval
from headlab.anchors.classes.budget import ClassCurve, Split, split_budget
from headlab.anchors.classes.verdicts import FEW_BOXES, class_verdict, verdict
from headlab.anchors.fitting.fit import AnchorFit, fit_shapes
from headlab.anchors.search.best_anchors import RESTARTS, best_anchors
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

FEWER_RESTARTS = 4

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
        gain: own_iou - shared_iou, on the boxes that the anchors were fitted to.
        shared_recall: the share of boxes that a shared anchor overlaps by at least 0.5.
        own_recall: the same for the class's own anchors.
        recall_gain: own_recall - shared_recall.
        held_out_gain: the gain on photos that neither fit has seen; None if there are too few.
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
    gain: Interval
    shared_recall: float
    own_recall: float
    recall_gain: Interval
    held_out_gain: float | None
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
        gain: the gain of all boxes together.
        held_out_gain: the same on photos that neither fit has seen; None if there are too few.
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
    gain: Interval
    held_out_gain: float | None
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
        """The classes with enough boxes for anchors of their own, the largest gain first; all if none has."""
        ordered = sorted(self.classes, key=lambda row: -row.gain.mean)
        return tuple(row for row in ordered if row.boxes >= FEW_BOXES) or tuple(ordered)

    @property
    def table(self) -> pl.DataFrame:
        """One row per class."""
        from headlab.anchors.classes.document import rows

        return rows(self)

    @property
    def summary(self) -> str:
        """How many classes, and the gain over all boxes."""
        return f"{counted(len(self), 'class', 'classes')}, gain in mean IoU {self.gain}"

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
    shared_iou, _ = best_anchor(shapes.wh, shared.anchors_wh)
    photos = shapes.image_ids if shapes.image_ids is not None else np.arange(len(shapes))
    fold = _folds(photos, seed)
    shared_unseen = _unseen(shapes.wh, fold, k, seed)
    rng = np.random.default_rng([seed, 1])

    numbers = [int(number) for number in np.unique(shapes.class_ids)]
    own_iou, own_unseen = np.empty(len(shapes)), np.empty(len(shapes))
    own_anchors = {}
    for done, number in enumerate(numbers, 1):
        here = shapes.class_ids == number
        wh = shapes.wh[here]
        own_anchors[number] = _anchors(wh, k, seed, RESTARTS)
        own_iou[here], _ = best_anchor(wh, own_anchors[number])
        own_unseen[here] = _unseen(wh, fold[here], k, seed)
        if progress is not None:
            progress(done, len(numbers))

    curves = {
        number: ClassCurve(shapes.only(shapes.class_ids == number), k, seed) for number in numbers
    }
    boxes = {number: int((shapes.class_ids == number).sum()) for number in numbers}
    budget, needed = split_budget(curves, boxes, max(k, len(numbers)), shared.mean_iou)
    rows = []
    for number in numbers:
        here = shapes.class_ids == number
        own, common = own_iou[here], shared_iou[here]
        gain = interval(own - common, photos[here], rng)
        recall = (own >= 0.5).astype(np.float64) - (common >= 0.5)
        held_out = _mean_known((own_unseen - shared_unseen)[here])
        name = shapes.class_name(number)
        rows.append(
            ClassGain(
                number=number,
                name=name,
                boxes=boxes[number],
                photos=len(np.unique(photos[here])) if shapes.image_ids is not None else None,
                shared_iou=float(common.mean()),
                own_iou=float(own.mean()),
                gain=gain,
                shared_recall=float((common >= 0.5).mean()),
                own_recall=float((own >= 0.5).mean()),
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
    return AnchorsPerClass(
        shared=shared,
        classes=tuple(rows),
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
        unread=shapes.unread,
    )


def _anchors(wh: Sides, k: int, seed: int, restarts: int) -> Floats:
    points = points_of(wh, None, least=4 * k)
    return best_anchors(points, k, objective="iou", seed=seed, restarts=restarts)[0]


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
            overlap[here], _ = best_anchor(wh[here], _anchors(wh[~here], k, seed, FEWER_RESTARTS))
    return overlap


def _mean_known(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
