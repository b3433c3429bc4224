"""Which anchor, level and cell YOLOv3 matches each annotated box with.

A box belongs to the anchor whose shape overlaps it most (of equal ones, the first), on the level or levels
whose mask has that anchor, in the cell that its centre falls into. Two boxes with the same cell and anchor
collide: only one of them can be learned there (keras-yolo3 keeps the later one).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headlab.boxes.overlap import best_anchor
from headlab.boxes.shapes import Shapes
from headlab.heads.anchor_set import AnchorSet
from headlab.heads.levels import Levels


@dataclass(frozen=True)
class AnchorRow:
    """The boxes that an anchor serves.

    Attributes:
        number: the anchor's number in its file.
        wh: its width and height.
        levels: names of the levels that have it; empty if no mask does.
        boxes: how many boxes it overlaps most.
        mean_iou: their mean overlap with it; None if there are none.
    """

    number: int
    wh: tuple[float, float]
    levels: tuple[str, ...]
    boxes: int
    mean_iou: float | None


@dataclass(frozen=True)
class LevelRow:
    """The boxes that a level gets.

    Attributes:
        name: such as "P3".
        stride_px: pixels of the input per cell.
        anchors: numbers of its anchors, slot by slot.
        boxes: how many boxes its anchors overlap most.
        suited: how many boxes have a side (root of the area) in the range of this level.
        collided: how many boxes share cell and anchor with an earlier one; None if centres are unknown.
    """

    name: str
    stride_px: int
    anchors: tuple[int, ...]
    boxes: int
    suited: int
    collided: int | None


@dataclass(frozen=True)
class ClassRow:
    """How the anchors cover one class.

    Attributes:
        number: the class number.
        name: the class name.
        boxes: how many boxes it has.
        mean_iou: their mean overlap with the best anchor.
        recall_50: the share of boxes with an overlap of at least 0.5.
        recall_25: the same for 0.25.
    """

    number: int
    name: str
    boxes: int
    mean_iou: float
    recall_50: float
    recall_25: float


@dataclass(frozen=True)
class Matches:
    """The best anchor of every box.

    Attributes:
        overlap: the overlap with the best anchor (N,).
        anchor: the number of the best anchor (N,).
    """

    overlap: npt.NDArray[np.float64]
    anchor: npt.NDArray[np.intp]


def matched(shapes: Shapes, anchors: AnchorSet) -> Matches:
    """Match every box with its best anchor."""
    return Matches(*best_anchor(shapes.wh, anchors.wh))


def anchor_rows(matches: Matches, anchors: AnchorSet) -> tuple[AnchorRow, ...]:
    """One row per anchor, in the order of their file."""
    counts = np.bincount(matches.anchor, minlength=len(anchors))
    sums = np.bincount(matches.anchor, matches.overlap, len(anchors))
    return tuple(
        AnchorRow(
            number=number,
            wh=(float(anchors.wh[number, 0]), float(anchors.wh[number, 1])),
            levels=tuple(anchors.levels.names[level] for level in anchors.levels_with(number)),
            boxes=int(counts[number]),
            mean_iou=float(sums[number] / counts[number]) if counts[number] else None,
        )
        for number in range(len(anchors))
    )


def level_rows(shapes: Shapes, matches: Matches, anchors: AnchorSet) -> tuple[LevelRow, ...]:
    """One row per level, finest first. A box whose anchor serves two levels counts on both."""
    counts = np.bincount(matches.anchor, minlength=len(anchors))
    suited = suited_boxes(shapes, anchors.levels)
    return tuple(
        LevelRow(
            name=name,
            stride_px=anchors.levels.strides_px[level],
            anchors=numbers,
            boxes=int(counts[list(dict.fromkeys(numbers))].sum()),
            suited=suited[level],
            collided=_collided(shapes, matches, anchors, level),
        )
        for level, (name, numbers) in enumerate(
            zip(anchors.levels.names, anchors.by_level, strict=True)
        )
    )


def suited_boxes(shapes: Shapes, levels: Levels) -> tuple[int, ...]:
    """For each level, finest first, how many boxes have a size that the level is made for."""
    sides = np.sqrt(shapes.wh[:, 0].astype(np.float64) * shapes.wh[:, 1])
    nearest = np.searchsorted(levels.edges_px, sides, side="right")
    return tuple(np.bincount(nearest, minlength=len(levels)).tolist())


def _collided(shapes: Shapes, matches: Matches, anchors: AnchorSet, level: int) -> int | None:
    """How many boxes find their cell and anchor of a level already taken."""
    if shapes.centres is None or shapes.image_ids is None:
        return None
    here = np.isin(matches.anchor, anchors.by_level[level])
    cells = np.floor(shapes.centres[here] / anchors.levels.strides_px[level]).astype(np.int64)
    places = np.column_stack([shapes.image_ids[here], cells, matches.anchor[here]])
    return len(places) - len(np.unique(places, axis=0))


def class_rows(shapes: Shapes, matches: Matches) -> tuple[ClassRow, ...]:
    """One row per class that has boxes, by class number; empty if the boxes have no classes."""
    if shapes.class_ids is None:
        return ()
    numbers, row_of, counts = np.unique(shapes.class_ids, return_inverse=True, return_counts=True)
    means, at_50, at_25 = (
        np.bincount(row_of, values, len(numbers)) / counts
        for values in (matches.overlap, matches.overlap >= 0.5, matches.overlap >= 0.25)
    )
    return tuple(
        ClassRow(
            number=int(number),
            name=shapes.class_name(int(number)),
            boxes=int(counts[row]),
            mean_iou=float(means[row]),
            recall_50=float(at_50[row]),
            recall_25=float(at_25[row]),
        )
        for row, number in enumerate(numbers)
    )
