"""Box shapes as few weighted points, which stand for any number of boxes.

Up to `MOST_POINTS` boxes, a point is a distinct pair of width and height. More boxes are gathered in the
cells of a logarithmic grid, and a point is the weighted mean of the shapes in a cell. The grid lines come
from the bits of the numbers (the exponent and the first bits of the mantissa), so that they are the same on
every machine: a logarithm might be rounded differently.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headlab.boxes.overlap import Floats, Sides

MOST_POINTS = 8_192
MOST_GATHERED = 16_384
_MANTISSA_BITS = 23
_CHUNK = 65_536
_CELLS_PER_POINT = 16
"""Of a grid around all shapes, about this share of cells has none."""

_TOTAL_WEIGHT = 2.0**30


@dataclass(frozen=True)
class Points:
    """Weighted box shapes.

    Attributes:
        wh: widths and heights (P, 2), all different.
        weight: how much each point counts (P,); positive.
    """

    wh: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.wh)

    def merged(self, bits: int) -> Points:
        """The points gathered in the cells of a grid with 2 ** bits cells per doubling of a side."""
        _, inverse = np.unique(_cell_of(self.wh, bits), return_inverse=True)
        weight = np.bincount(inverse, self.weight).astype(np.float64)
        sums = [np.bincount(inverse, self.weight * side) for side in self.wh.T]
        return Points(np.stack(sums, 1) / weight[:, None], weight)

    def merged_to(self, most: int) -> Points:
        """The points gathered on the finest grid that leaves at most `most` of them, if there is one.

        The next finer grid splits a cell into four at most, so that of more than `most` points more than a
        quarter of `most` are left.
        """
        if len(self) <= most:
            return self
        fitting, finer = 0, _MANTISSA_BITS + 1
        while finer - fitting > 1:
            bits = (fitting + finer) // 2
            if len(np.unique(_cell_of(self.wh, bits))) <= most:
                fitting = bits
            else:
                finer = bits
        return self.merged(fitting)

    def heaviest(self, most: int) -> Points:
        """The points that count most, at most `most` of them; of equal ones, the first."""
        chosen = np.sort(np.argsort(-self.weight, kind="stable")[:most])
        return Points(self.wh[chosen], self.weight[chosen])

    def whole_weights(self) -> npt.NDArray[np.float64]:
        """The weights as whole numbers with a sum of about 2 ** 30.

        Sums of their products with whole overlaps are exact in float64, so that they do not depend on the
        order of addition.
        """
        whole: npt.NDArray[np.float64] = np.rint(
            self.weight * (_TOTAL_WEIGHT / float(np.cumsum(self.weight)[-1]))
        )
        return np.maximum(whole, 1.0)


def points_of(
    shapes: Sides, weights: Floats | None, least: int, most: int = MOST_GATHERED
) -> Points:
    """Weighted points that stand for the boxes.

    Args:
        shapes: widths and heights (N, 2), positive.
        weights: how much each box counts (N,), positive; None counts each once.
        least: if the grid leaves fewer points than this, distinct shapes are taken nevertheless.
        most: the most points of the grid.
    """
    if len(shapes) <= MOST_POINTS:
        return _distinct(shapes, weights)
    gathered = _gathered(shapes, weights, _CELLS_PER_POINT * most)
    if len(gathered) < least:
        gathered = _distinct(shapes, weights)
    return gathered.merged_to(most)


def _distinct(shapes: Sides, weights: Floats | None) -> Points:
    wh = np.asarray(shapes, np.float64)
    order = np.lexsort((wh[:, 1], wh[:, 0]))
    wh = wh[order]
    new = np.concatenate([[True], np.any(wh[1:] != wh[:-1], axis=1)])
    by_box = None if weights is None else np.asarray(weights, np.float64)[order]
    weight = np.bincount(np.cumsum(new) - 1, by_box).astype(np.float64)
    return Points(wh[new], weight)


def _cells(wh: Sides, bits: int) -> npt.NDArray[np.int64]:
    """The grid's column and row of each shape (N, 2)."""
    single = np.ascontiguousarray(wh, np.float32)
    return (single.view(np.int32) >> (_MANTISSA_BITS - bits)).astype(np.int64)


def _cell_of(wh: Sides, bits: int) -> npt.NDArray[np.int64]:
    """One number for the grid's cell of each shape (N,)."""
    columns, rows = _cells(wh, bits).T
    return np.asarray(columns << 32 | rows, np.int64)


def _gathered(shapes: Sides, weights: Floats | None, most_cells: int) -> Points:
    """The mean shape in each cell of the finest grid that is not too large, computed in pieces.

    For sides from 2 to 640 px, the grid has 32 cells per doubling of a side.
    """
    ends = np.array([(side.min(), side.max()) for side in shapes.T]).T
    bits = _MANTISSA_BITS
    low, high = _cells(ends, bits)
    while bits > 0 and np.prod(high - low + 1) > most_cells:
        bits -= 1
        low, high = _cells(ends, bits)
    columns, rows = (int(count) for count in high - low + 1)
    sums = np.zeros((3, columns * rows))
    for start in range(0, len(shapes), _CHUNK):
        piece = shapes[start : start + _CHUNK]
        weight = np.ones(len(piece)) if weights is None else weights[start : start + _CHUNK]
        cells = _cells(piece, bits) - low
        cell = cells[:, 0] * rows + cells[:, 1]
        sums[0] += np.bincount(cell, weight, columns * rows)
        sums[1] += np.bincount(cell, weight * piece[:, 0], columns * rows)
        sums[2] += np.bincount(cell, weight * piece[:, 1], columns * rows)
    used = sums[:, sums[0] > 0]
    return Points((used[1:] / used[0]).T, used[0])
