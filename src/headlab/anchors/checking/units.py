"""The unit of anchors: would they fit much better if all of them were larger or smaller?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headlab.anchors.search.points import points_of
from headlab.boxes.overlap import coverage, iou_matrix
from headlab.boxes.shapes import Shapes

GRID_CELL_PX = 32

_STEPS_PER_DOUBLING = 8
_DOUBLINGS = 13
_POINTS = 1_000
_LARGEST_FRACTION = 1.5
_LARGEST_IN_CELLS = 25
_NEAR = 0.12


@dataclass(frozen=True)
class Rescaling:
    """The common factor that makes anchors fit best.

    Attributes:
        factor: what to multiply widths and heights by.
        mean_iou: mean overlap with the factor.
        gain: how much more that is than without it.
    """

    factor: float
    mean_iou: float
    gain: float


def best_rescaling(shapes: Shapes, anchors_wh: npt.NDArray[np.float64]) -> Rescaling:
    """Search for the best factor between 1 / 8192 and 8192; the figures are those of all boxes."""
    points = points_of(shapes.wh, None, least=1).merged_to(_POINTS)

    def mean_iou(factor: float) -> float:
        best = iou_matrix(anchors_wh * factor, points.wh).max(axis=0)
        return float(best @ points.weight)

    reach = _STEPS_PER_DOUBLING * _DOUBLINGS
    factors = [2.0 ** (step / _STEPS_PER_DOUBLING) for step in range(-reach, reach + 1)]
    best = max(factors, key=mean_iou)
    near = [best * 2.0 ** (step / 80) for step in range(-10, 11)]
    best = max([1.0, *near], key=mean_iou)
    without = coverage(shapes.wh, anchors_wh).mean_iou
    rescaled = coverage(shapes.wh, anchors_wh * best).mean_iou
    return Rescaling(best, rescaled, rescaled - without)


def probable_unit(shapes: Shapes, anchors_wh: npt.NDArray[np.float64], factor: float) -> str:
    """The unit that the anchors are probably in, as the end of "They look like …"."""
    largest = float(anchors_wh.max())
    if largest <= _LARGEST_FRACTION:
        return "fractions of the input (0 to 1), not pixels"
    if largest <= _LARGEST_IN_CELLS and factor >= GRID_CELL_PX / 2:
        return f"cells of {GRID_CELL_PX} px, as in YOLOv2, not pixels"
    if shapes.scales is not None and is_typical_scale(shapes, factor):
        times = 1 / float(np.median(shapes.scales.min(axis=1)))
        return f"pixels of the original photos, which are {times:.3g} times as large as the input"
    if shapes.input_hw is not None:
        size = max(shapes.input_hw) / factor
        nearest = round(size / GRID_CELL_PX) * GRID_CELL_PX
        if 128 <= nearest <= 2048 and abs(size / nearest - 1) < _NEAR:
            return f"pixels of an input of about {nearest} px, not of {max(shapes.input_hw)} px"
    return "pixels of photos or of an input of another size"


def is_typical_scale(shapes: Shapes, factor: float) -> bool:
    """Whether it is about the factor by which photos are resized to the input."""
    if shapes.scales is None:
        return False
    typical = float(np.median(shapes.scales.min(axis=1)))
    return abs(typical - 1) > _NEAR and abs(factor / typical - 1) < _NEAR
