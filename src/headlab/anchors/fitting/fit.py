"""Fit anchors to boxes: weighted points, a search over them, rounded anchors shared out among the levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from headlab.anchors.fitting.curve import MOST_K, Curve, curve_over_k
from headlab.anchors.search.best_anchors import RESTARTS, Effort, best_anchors, by_area
from headlab.anchors.search.objectives import Objective
from headlab.anchors.search.points import points_of
from headlab.boxes.input_size import ImageSize
from headlab.boxes.overlap import Coverage, coverage, iou_matrix, pairs_text
from headlab.boxes.shapes import CLASS_BALANCED, Data, Shapes, Weights, box_weights, shapes_from
from headlab.errors import InputError, OutputError
from headlab.heads.anchor_set import AnchorSet, anchor_set
from headlab.heads.detection import Resize
from headlab.heads.levels import Assign, Assignment, Levels, assigned, levels_of
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

MOST_ANCHORS = 128
SIGNIFICANT_DIGITS = (4, 6, 9, 17)
"""Anchors are rounded to the first of these; to more only where two anchors would become equal."""

ALIKE = 0.9
"""Of two anchors that overlap more than this, one would do."""


@dataclass(frozen=True, repr=False, eq=False)
class AnchorFit(Result):
    """Anchors fitted to boxes, and how well they cover them.

    Attributes:
        anchors_wh: widths and heights (K, 2) in the unit of the boxes, in ascending order of area.
        assignment: which level each anchor serves.
        coverage: how well they cover the boxes, each of which counts once.
        objective: "iou" or "recall".
        seed: seed of the random starts.
        asked: how many anchors were asked for.
        history: mean worth of the best set so far (weighted as asked) after each stage.
        notes: what the user should know, in sentences.
        skipped: how many boxes were left out, by reason.
        unread: problems that annotations were lost to while reading.
        units: "input", or "original" if the anchors are in pixels of the original photos.
        input_hw: height and width of the network's input, or None if unknown.
        resize: how photos are brought to that size, or None if unknown.
        class_count: how many classes the data has, or None if unknown.
        shapes: the boxes' widths and heights, for the plot.
        curve: fits over k, if k was chosen by them.
    """

    anchors_wh: npt.NDArray[np.float64]
    assignment: Assignment
    coverage: Coverage
    objective: str
    seed: int
    asked: int
    history: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]
    skipped: Mapping[str, int]
    unread: tuple[Problem, ...]
    units: str
    input_hw: tuple[int, int] | None
    resize: Resize | None
    class_count: int | None
    shapes: Shapes
    curve: Curve | None = None

    title: ClassVar[str] = "fitted anchors"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png", ".svg")

    def __len__(self) -> int:
        """How many anchors there are."""
        return len(self.anchors_wh)

    @property
    def k(self) -> int:
        """How many anchors there are."""
        return len(self.anchors_wh)

    @property
    def mean_iou(self) -> float:
        """Mean overlap of the boxes with their best anchor."""
        return self.coverage.mean_iou

    @property
    def masks(self) -> tuple[tuple[int, ...], ...]:
        """For each level, coarsest first, the numbers of its anchors, as in a darknet .cfg."""
        return self.assignment.masks

    @property
    def anchor_set(self) -> AnchorSet:
        """The anchors, and the levels that they serve."""
        strides = self.assignment.levels.strides_px[::-1]
        return anchor_set(
            self.anchors_wh,
            self.masks,
            strides_px=strides,
            input_hw=self.input_hw,
            resize=self.resize,
        )

    @property
    def table(self) -> pl.DataFrame:
        """One row per anchor: `anchor`, `width`, `height`, `level`, `boxes` (those it serves)."""
        import polars as pl

        names = self.assignment.levels.names
        return pl.DataFrame(
            {
                "anchor": range(self.k),
                "width": self.anchors_wh[:, 0],
                "height": self.anchors_wh[:, 1],
                "level": [names[level] for level in self.assignment.level_of],
                "boxes": self.coverage.served,
            }
        )

    @property
    def summary(self) -> str:
        """How many anchors, and how well they fit."""
        boxes = counted(self.coverage.boxes, "box", "boxes")
        return f"{counted(self.k, 'anchor')}, mean IoU {self.mean_iou:.4f} over {boxes}"

    def to_dict(self) -> dict[str, Any]:
        """Everything; docs/anchors.md describes the keys. `headlab.anchors.check` reads it from a file."""
        from headlab.anchors.fitting.document import document

        return document(self)

    def text(self) -> Iterable[RenderableType]:
        """The curve over k if there is one, a table of the anchors, the figures, what to know."""
        from headlab.anchors.fitting.text import fit_text

        return fit_text(self)

    def plot(self) -> Figure:
        """The boxes' widths and heights on logarithmic axes, with the anchors by level."""
        from headlab.anchors.fitting.plot import plot_fit

        return plot_fit(self)

    def caveats(self, path: str | Path) -> tuple[str, ...]:
        """What such a file does not say, in sentences."""
        from headlab.anchors.fitting.files import caveats

        return caveats(Path(path), self)

    @classmethod
    def _writers(cls) -> dict[str, Callable[[Any, Path], None]]:
        """Besides the usual files, those that programs read anchors from."""
        texts = dict.fromkeys((".txt", ".cfg", ".yaml", ".yml"), AnchorFit._write_anchors)
        return texts | super()._writers()

    def _write_anchors(self, path: Path) -> None:
        from headlab.anchors.fitting.files import anchors_text
        from headlab.files.atomic import write_bytes

        if path.suffix.lower() == ".cfg" and not all(self.masks):
            raise OutputError(
                f"{path}: {counted(self.k, 'anchor')} cannot fill {len(self.masks)} [yolo] sections.",
                "Fit more anchors, or for a head with fewer levels: --levels.",
            )
        write_bytes(path, anchors_text(path, self).encode("utf-8"))


def fit(
    data: Data,
    k: int | Literal["auto"] = 9,
    *,
    imgsz: ImageSize = None,
    objective: Objective = "iou",
    weights: Weights = None,
    levels: int = 3,
    assign: Assign = "even",
    restarts: int = RESTARTS,
    most_k: int = MOST_K,
    seed: int = 0,
    progress: Progress | None = None,
    **settings: Unpack[ReadSettings],
) -> AnchorFit:
    """Fit anchors to annotations.

    Args:
        data: annotations (what `headlab.boxes.read` reads, or a box table), or widths and heights at the
            network's input (N, 2).
        k: how many anchors; "auto" chooses the number by the curve of mean IoU over k.
        imgsz: the network's input in pixels: a side, (height, width), or a `headlab.InputSize`; None is 416.
        objective: "iou" for the mean IoU of each box with its best anchor, "recall" for the share of boxes
            that an anchor overlaps by at least 0.5.
        weights: None counts each box once; "class-balanced" counts each class alike; or one positive number
            per box (N,).
        levels: how many levels the head has.
        assign: how anchors are shared out among the levels: "even", "range" or "split"; see
            `headlab.heads.levels.assigned`.
        restarts: how many random starts.
        most_k: the largest k that "auto" tries.
        seed: seed of the random starts; the same seed gives the same anchors on every machine.
        progress: called with how many k "auto" has tried, and of how many.
        settings: how data is read: `format`, `names`, `images`, `split`, `encoding`, as of
            `headlab.boxes.read`.

    Raises:
        InputError: the data cannot be read or has no boxes, or an argument is out of range.
        UnknownName: there is no such objective, weights or way to assign.
    """
    if isinstance(k, str) and k != "auto":
        raise InputError(f"k is {k!r}.", 'Give a number of anchors, or "auto".')
    shapes, _ = shapes_from(data, imgsz, **settings)
    curve = None
    if isinstance(k, str):
        curve = curve_over_k(
            shapes,
            levels=levels,
            most=most_k,
            objective=objective,
            weights=weights,
            seed=seed,
            progress=progress,
        )
        k = curve.chosen
    fitted = fit_shapes(
        shapes,
        k,
        objective=objective,
        weights=weights,
        seed=seed,
        restarts=restarts,
        levels=levels,
        assign=assign,
    )
    return replace(fitted, curve=curve)


def fit_shapes(
    shapes: Shapes,
    k: int = 9,
    *,
    objective: Objective = "iou",
    weights: Weights = None,
    seed: int = 0,
    restarts: int = RESTARTS,
    levels: int | Levels = 3,
    assign: Assign = "even",
) -> AnchorFit:
    """Fit `k` anchors to box shapes; fewer come back if there are fewer distinct shapes.

    Args:
        shapes: widths and heights of boxes at the network's input.
        k: how many anchors.
        objective: as of `fit`, like the next three.
        weights: how much each box counts.
        seed: seed of the random starts.
        restarts: how many random starts.
        levels: how many levels the head has, or which.
        assign: as of `fit`.

    Raises:
        InputError: there are no boxes, or an argument is out of range.
        UnknownName: there is no such objective, weights or way to assign.
    """
    _check(shapes, k, restarts)
    head = levels_of(levels) if isinstance(levels, int) else levels
    points = points_of(shapes.wh, box_weights(shapes, weights), least=4 * k)
    exact, history = best_anchors(
        points, k, objective=objective, seed=seed, effort=Effort(restarts)
    )
    anchors = _rounded(exact)
    covered = coverage(shapes.wh, anchors)
    assignment = assigned(anchors, head, assign, served=covered.served)
    notes = [*_notes(anchors, k, weights, shapes.units), *assignment.notes]
    return AnchorFit(
        anchors_wh=anchors,
        assignment=assignment,
        coverage=covered,
        objective=objective,
        seed=seed,
        asked=k,
        history=history,
        notes=tuple(notes),
        skipped=shapes.skipped,
        unread=shapes.unread,
        units=shapes.units,
        input_hw=shapes.input_hw,
        resize=shapes.resize,
        class_count=shapes.class_count,
        shapes=shapes,
    )


def _check(shapes: Shapes, k: int, restarts: int) -> None:
    if not 1 <= k <= MOST_ANCHORS:
        raise InputError(
            f"{k} anchors cannot be fitted.",
            f"Ask for 1 to {MOST_ANCHORS}; YOLOv3 has 9, YOLOv3-tiny 6.",
        )
    if restarts < 1:
        raise InputError(f"{restarts} restarts are too few.", "Give at least 1.")
    shapes.check_not_empty()


def _rounded(anchors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rounded to the digits that files get, so that the figures are those of what is written."""
    for digits in SIGNIFICANT_DIGITS:
        rounded = np.array([[float(f"{side:.{digits}g}") for side in pair] for pair in anchors])
        if len(np.unique(rounded, axis=0)) == len(anchors):
            break
    return by_area(rounded)


def _notes(anchors: npt.NDArray[np.float64], asked: int, weights: object, units: str) -> list[str]:
    notes = []
    if len(anchors) < asked:
        are = "is" if len(anchors) == 1 else "are"
        notes.append(
            f"{asked} anchors were asked for, but there {are} only "
            f"{counted(len(anchors), 'distinct box shape')}: one anchor for each covers all boxes."
        )
    overlap = np.triu(iou_matrix(anchors, anchors), 1)
    pairs = pairs_text(overlap > ALIKE)
    if pairs:
        notes.append(
            f"Anchors {pairs} are nearly alike (overlap over {ALIKE}): fewer anchors would do."
        )
    if isinstance(weights, str) and weights == CLASS_BALANCED:
        notes.append("Every class counted alike in the fit; the figures count every box alike.")
    if units == "original":
        notes.append(
            "These anchors are in pixels of the original photos. The network gets photos resized to its "
            "input, and boxes with them: to fit at the input, give --images or --assume-size."
        )
    return notes
