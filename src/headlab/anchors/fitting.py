"""Fit anchors to box shapes: weighted points, exchanges on a coarse grid, a polish on the fine one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from headlab.anchors.objectives import worth_of
from headlab.anchors.points import Points, points_of
from headlab.anchors.polish import COARSE_STEPS, FINE_STEPS, polished
from headlab.anchors.search import medoids
from headlab.boxes.overlap import Coverage, Floats, coverage, iou_matrix, pairs_text
from headlab.boxes.shapes import CLASS_BALANCED, Shapes, box_weights
from headlab.errors import InputError
from headlab.heads.levels import Assignment, Levels, Method, assigned, levels_of

if TYPE_CHECKING:
    from headlab.anchors.choose_k import Curve

RESTARTS = 8
MOST_ANCHORS = 128
SIGNIFICANT_DIGITS = (4, 6, 9, 17)
"""Anchors are rounded to so many, to more only where two would become the same."""

ALIKE = 0.9
"""Two anchors that overlap more than this are as good as one."""

_CANDIDATES = 256
_COARSE_POINTS = 1_000
_MIDDLE_POINTS = 4_000
_POINTS_PER_ANCHOR = 6


@dataclass(frozen=True)
class Fit:
    """Anchors fitted to boxes, and how well they cover them.

    Attributes:
        anchors_wh: widths and heights (K, 2) in the boxes' unit, ascending by area.
        assignment: which level each anchor serves.
        coverage: evaluated on every box, unweighted.
        objective: "iou" or "recall".
        seed: of the random start.
        asked: how many anchors were asked for.
        history: mean worth of the best set so far (weighted as asked) after each stage.
        notes: what the user should know, in sentences.
        skipped: how many boxes were left out, by reason.
        units: "input", or "original" if the anchors are in pixels of the original photos.
        input_hw: height and width of the network's input, or None if unknown.
        resize: how photos are brought to that size, or None if unknown.
        class_count: how many classes the data has, or None if unknown.
        curve: over k, if k was chosen by it.
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
    units: str
    input_hw: tuple[int, int] | None
    resize: str | None
    class_count: int | None
    curve: Curve | None = None

    @property
    def mean_iou(self) -> float:
        """Mean overlap of the boxes with their best anchor."""
        return self.coverage.mean_iou

    @property
    def k(self) -> int:
        """How many anchors there are."""
        return len(self.anchors_wh)

    @property
    def masks(self) -> tuple[tuple[int, ...], ...]:
        """For each level, coarsest first, the numbers of its anchors, as in a darknet .cfg."""
        return self.assignment.masks


def fit_shapes(
    shapes: Shapes,
    k: int = 9,
    *,
    objective: str = "iou",
    weights: str | Floats | None = None,
    seed: int = 0,
    restarts: int = RESTARTS,
    levels: int | Levels = 3,
    method: Method = "even",
) -> Fit:
    """Fit `k` anchors to box shapes.

    Args:
        shapes: widths and heights of boxes at the network's input.
        k: how many anchors; fewer come back if there are fewer distinct shapes.
        objective: "iou" for the mean best overlap, "recall" for the share of boxes that an anchor overlaps
            by at least 0.5.
        weights: None counts each box once; "class-balanced" counts each class alike; or one positive
            number per box (N,).
        seed: of the random starts; the same seed gives the same anchors on every machine.
        restarts: how many random starts.
        levels: how many levels the head has, or which.
        method: how anchors are shared out among the levels; see `headlab.heads.levels`.

    Raises:
        InputError: there are no boxes, or an argument is out of range.
        UnknownName: there is no such objective or method.
    """
    _check(shapes, k, restarts)
    head = levels_of(levels) if isinstance(levels, int) else levels
    each = box_weights(shapes, weights)
    points = points_of(shapes.wh, each, least=4 * k)
    found, history = best_anchors(points, k, objective=objective, seed=seed, restarts=restarts)
    anchors = _rounded(found)
    covered = coverage(shapes.wh, anchors)
    assignment = assigned(anchors, head, method, served=covered.served)
    notes = [*_notes(anchors, k, weights, shapes.units), *assignment.notes]
    return Fit(
        anchors_wh=anchors,
        assignment=assignment,
        coverage=covered,
        objective=objective,
        seed=seed,
        asked=k,
        history=history,
        notes=tuple(notes),
        skipped=shapes.skipped,
        units=shapes.units,
        input_hw=shapes.input_hw,
        resize=shapes.resize,
        class_count=shapes.class_count,
    )


def best_anchors(
    points: Points, k: int, *, objective: str, seed: int, restarts: int = RESTARTS
) -> tuple[npt.NDArray[np.float64], tuple[tuple[str, float], ...]]:
    """Anchors for weighted points, and the mean worth after each stage.

    The search for a set of k runs on a coarse grid, where every exchange is evaluated at once; the better
    half of the sets is polished on a finer grid, and the best of them on all points.

    Returns:
        Anchors (at most k, 2), ascending by area.
    """
    worth = worth_of(objective)
    k = min(k, len(points))
    if k == len(points):
        wh, value = polished(points.wh, points, worth, ())
        return _by_area(wh), (("every shape its own anchor", value / _PERFECT),)
    coarse = points.merged_to(max(_COARSE_POINTS, _POINTS_PER_ANCHOR * k))
    middle = points.merged_to(max(_MIDDLE_POINTS, 2 * _POINTS_PER_ANCHOR * k))
    candidates = _candidates(coarse, max(_CANDIDATES, 2 * k))
    table, weight = worth(iou_matrix(candidates, coarse.wh)), coarse.whole_weights()
    rng = np.random.default_rng(seed)
    sets = {}
    for _ in range(restarts):
        chosen, value = medoids(table, weight, k, rng)
        sets[tuple(chosen)] = value
    finalists = sorted(sets, key=lambda chosen: (-sets[chosen], chosen))
    finalists = finalists[: max(1, restarts // 2)]
    moved = [polished(candidates[list(each)], middle, worth, COARSE_STEPS) for each in finalists]
    best = max(range(len(moved)), key=lambda at: moved[at][1])
    anchors, value = polished(moved[best][0], points, worth, FINE_STEPS)
    history = (
        ("exchanges on the coarse grid", sets[finalists[0]] / float(weight.sum()) / _PERFECT),
        ("polish on the middle grid", moved[best][1] / _PERFECT),
        ("polish on all points", value / _PERFECT),
    )
    return _by_area(anchors), history


_PERFECT = 2.0**20


def _candidates(points: Points, most: int) -> npt.NDArray[np.float64]:
    """Shapes to choose anchors from: those that count most and, of few, the shapes between each two.

    Where boxes are few, a good anchor may be like none of them.
    """
    shapes = points.heaviest(most).wh
    first, second = np.triu_indices(len(shapes), 1)
    if len(shapes) + len(first) > most:
        return shapes
    return np.unique(np.concatenate([shapes, np.sqrt(shapes[first] * shapes[second])]), axis=0)


def _check(shapes: Shapes, k: int, restarts: int) -> None:
    if not 1 <= k <= MOST_ANCHORS:
        raise InputError(
            f"{k} anchors cannot be fitted.", f"Ask for 1 to {MOST_ANCHORS}; YOLOv3 has 9, tiny 6."
        )
    if restarts < 1:
        raise InputError(f"{restarts} restarts are too few.", "Give at least 1.")
    shapes.check_not_empty()


def _by_area(anchors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    order = np.lexsort((anchors[:, 0], anchors[:, 0] * anchors[:, 1]))
    return anchors[order]


def _rounded(anchors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """With as many digits as the files hold, so that what is reported is true of what is written."""
    for digits in SIGNIFICANT_DIGITS:
        shown = np.array([[float(f"{side:.{digits}g}") for side in pair] for pair in anchors])
        if len(np.unique(shown, axis=0)) == len(anchors):
            break
    return _by_area(shown)


def _notes(anchors: npt.NDArray[np.float64], asked: int, weights: object, units: str) -> list[str]:
    notes = []
    if len(anchors) < asked:
        shapes = (
            "is only 1 distinct box shape"
            if len(anchors) == 1
            else (f"are only {len(anchors)} distinct box shapes")
        )
        notes.append(
            f"{asked} anchors were asked for, but there {shapes}: one anchor for each covers all boxes."
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
            "These anchors are in pixels of the original photos. The network sees photos resized to its "
            "input, and boxes with them: give --assume-size, or --images, to fit at the input."
        )
    return notes
