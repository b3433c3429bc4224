"""All slots of all levels as rows of tables, so that all truths are assigned at once.

Letters: B batch, A slots per cell, C classes, H W grid, K truths, S places (slots of all levels).

A flat index here numbers the slots of a whole batch: the coarsest level first, within a level by image, row,
column and slot, as in a target of shape (B, H, W, A, 5 + C).

Targets are made on the CPU, with NumPy rather than PyTorch: the arrays are small, and a step takes a third
of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.architecture import STRIDES_PX
from headlab.checkpoint.yolov3.description import Anchor, Description
from headlab.errors import InputError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """A level at an input size.

    Attributes:
        name: such as "P5".
        stride_px: input pixels per cell.
        height: rows of cells.
        width: columns of cells.
        anchors_wh_px: width and height of each slot's anchor in input pixels.
    """

    name: str
    stride_px: int
    height: int
    width: int
    anchors_wh_px: tuple[Anchor, ...]

    @property
    def slots(self) -> int:
        """Slots per cell."""
        return len(self.anchors_wh_px)

    @property
    def candidates(self) -> int:
        """The slots of all cells of one image."""
        return self.height * self.width * self.slots


def grids_of(description: Description, input_hw_px: tuple[int, int]) -> tuple[Grid, ...]:
    """A model's levels at an input size, coarsest first.

    Raises:
        InputError: height or width is not a multiple of the largest stride.
    """
    largest = max(STRIDES_PX[name] for name in description.level_names)
    if any(side <= 0 or side % largest for side in input_hw_px):
        height, width = input_hw_px
        raise InputError(
            f"An input of {height} x {width} px (height x width) cannot be divided into whole cells.",
            f"Height and width must be multiples of {largest} px.",
        )
    grids = []
    for name in description.level_names:
        height, width = (side // STRIDES_PX[name] for side in input_hw_px)
        grids.append(Grid(name, STRIDES_PX[name], height, width, description.anchors_of(name)))
    return tuple(grids)


@dataclass(frozen=True)
class Places:
    """The places of a model, in the order in which equally good ones are preferred.

    A lower anchor number comes first, as in keras-yolo3; if an anchor serves several levels (there anchor 3
    of YOLOv3-tiny), the coarser level.

    Attributes:
        description: the model.
        input_hw_px: the input's height and width.
        grids: the levels, coarsest first.
        anchor: the number of each place's anchor.
        level: the index of each place's level in `grids`.
        slot: each place's slot in the cells of its level.
    """

    description: Description
    input_hw_px: tuple[int, int]
    grids: tuple[Grid, ...]
    anchor: tuple[int, ...]
    level: tuple[int, ...]
    slot: tuple[int, ...]

    @classmethod
    def of(cls, description: Description, input_hw_px: tuple[int, int]) -> Places:
        """The places of a model at an input size.

        Raises:
            InputError: height or width is not a multiple of the largest stride.
        """
        grids = grids_of(description, input_hw_px)
        ordered = sorted(
            (anchor, level, slot)
            for level, mask in enumerate(description.masks)
            for slot, anchor in enumerate(mask)
        )
        anchor, level, slot = zip(*ordered, strict=True)
        return cls(description, input_hw_px, grids, anchor, level, slot)

    def __len__(self) -> int:
        return len(self.anchor)

    @property
    def names(self) -> tuple[str, ...]:
        """Such as "P5/2", as in `Layout.place_name`."""
        pairs = zip(self.level, self.slot, strict=True)
        return tuple(f"{self.grids[level].name}/{slot}" for level, slot in pairs)

    @cached_property
    def anchors_wh_px(self) -> Floats:
        """Each place's anchor, (2, S, 1)."""
        every = self.description.anchors_wh_px
        anchors: Floats = np.array([every[number] for number in self.anchor], np.float32)
        return np.ascontiguousarray(anchors.T)[..., None]

    @cached_property
    def areas_px(self) -> Floats:
        """The area of each place's anchor, (S, 1)."""
        areas: Floats = self.anchors_wh_px[0] * self.anchors_wh_px[1]
        return areas

    @cached_property
    def cells_per_px(self) -> Floats:
        """1 / stride of each place, (S,): exact, since strides are powers of two."""
        return np.array([1 / self.grids[level].stride_px for level in self.level], np.float32)

    @cached_property
    def cells_xy(self) -> Ints:
        """Columns and rows of each place's level, (2, S)."""
        cells = [(self.grids[at].width, self.grids[at].height) for at in self.level]
        cells_xy: Ints = np.array(cells, np.int64).T
        return cells_xy

    @cached_property
    def size_xy_px(self) -> Floats:
        """The input's width and height, (2, 1)."""
        height, width = self.input_hw_px
        return np.array([[width], [height]], np.float32)

    @cached_property
    def size_xyxy_px(self) -> Floats:
        """The input's width, height, width, height, (4, 1)."""
        return np.concatenate((self.size_xy_px, self.size_xy_px))

    @cached_property
    def last_xy_px(self) -> Floats:
        """The largest numbers below the input's width and height, (2, 1)."""
        last: Floats = np.nextafter(self.size_xy_px, np.float32(0))
        return last

    @cached_property
    def _steps(self) -> Ints:
        """By place: the level's start, and what an image, a row, a column and the slot add, (5, S)."""
        starts = self.starts(1)
        steps = []
        for level, slot in zip(self.level, self.slot, strict=True):
            grid = self.grids[level]
            per_row = grid.width * grid.slots
            steps.append((starts[level], grid.candidates, per_row, grid.slots, slot))
        return np.ascontiguousarray(np.array(steps, np.int64).T)

    @cached_property
    def every(self) -> Ints:
        """The number of every place, (S, 1)."""
        return np.arange(len(self))[:, None]

    @cached_property
    def every_anchor_wh_px(self) -> NDArray[np.float64]:
        """All anchors, even those in no mask, (2, N, 1)."""
        anchors = np.array(self.description.anchors_wh_px, np.float64).T
        return np.ascontiguousarray(anchors)[..., None]

    @cached_property
    def of_anchor(self) -> Ints:
        """By anchor number the places that have it, at most one of each level, padded with -1, (n, N)."""
        by_anchor: dict[int, dict[int, int]] = {}
        for place, (anchor, level) in enumerate(zip(self.anchor, self.level, strict=True)):
            by_anchor.setdefault(anchor, {}).setdefault(level, place)
        numbers = range(len(self.description.anchors_wh_px))
        listed = [tuple(by_anchor.get(number, {}).values()) for number in numbers]
        most = max(map(len, listed))
        padded = [(*each, *[-1] * (most - len(each))) for each in listed]
        places: Ints = np.array(padded, np.int64)
        return np.ascontiguousarray(places.T)

    @cached_property
    def row_of_class(self) -> Floats:
        """The target of a slot for a truth of each class, without the box, (C, 5 + C)."""
        count = len(self.description.class_names)
        return np.hstack((np.zeros((count, 4)), np.ones((count, 1)), np.eye(count))).astype(
            np.float32
        )

    def starts(self, batch: int) -> list[int]:
        """The flat index where each level starts, and the end."""
        starts = [0]
        for grid in self.grids:
            starts.append(starts[-1] + batch * grid.candidates)
        return starts

    def flat(self, batch: int, place: Ints, image: Ints, col: Ints, row: Ints) -> Ints:
        """The flat indices of slots.

        Args:
            batch: B.
            place: which places, shape (K,).
            image: their image in the batch, shape (K,) or one that broadcasts with it.
            col: the cells' columns, of the same shape.
            row: the cells' rows, of the same shape.
        """
        before, per_image, per_row, per_col, slot = self._steps.take(place, axis=1)
        flat: Ints = before * batch + slot + per_image * image + per_row * row + per_col * col
        return flat


def shape_iou(wh_px: Floats, places: Places) -> Floats:
    """IoU of boxes and anchors with a common centre: min(w) * min(h) / (sum of areas - that product).

    Args:
        wh_px: widths and heights in input pixels, (2, K).
        places: the places.

    Returns:
        (S, K).
    """
    smaller = np.minimum(wh_px[:, None], places.anchors_wh_px)
    both = smaller[0] * smaller[1]
    iou: Floats = both / (wh_px[0] * wh_px[1] + places.areas_px - both)
    return iou
