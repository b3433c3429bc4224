"""Flat candidate index <-> address (level, row, col, slot), exactly.

A head lists its candidates level by level, row by row, cell by cell, slot within cell:

    flat = offset[level] + (row * W[level] + col) * A[level] + slot
    offset[level] = sum of H * W * A over the levels before it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headlab.errors import InputError


class Address(NamedTuple):
    """Where a candidate comes from; `level` is the index in the layout's levels."""

    level: int
    row: int
    col: int
    slot: int


class Addresses(NamedTuple):
    """Many addresses: four int64 arrays of shape (N,)."""

    level: NDArray[np.int64]
    row: NDArray[np.int64]
    col: NDArray[np.int64]
    slot: NDArray[np.int64]


@dataclass(frozen=True)
class AddressSpace:
    """All addresses of a head at one input size.

    Invariant: `flat(*address(i)) == i` for every i below `total` (tests/heads/test_addresses.py).

    Attributes:
        input_hw_px: the network's input size.
        strides_px: input pixels per cell, by level.
        slots: anchors per cell, by level.
        level_names: such as "P3", by level.
        grids_hw: rows and columns, by level.
        offsets: the first flat index of each level, then the total.
    """

    input_hw_px: tuple[int, int]
    strides_px: tuple[int, ...]
    slots: tuple[int, ...]
    level_names: tuple[str, ...]
    grids_hw: tuple[tuple[int, int], ...]
    offsets: tuple[int, ...]

    @classmethod
    def of(
        cls,
        input_hw_px: tuple[int, int],
        strides_px: tuple[int, ...],
        slots: tuple[int, ...],
        level_names: tuple[str, ...],
    ) -> AddressSpace:
        """The addresses at an input size.

        Raises:
            InputError: the size is not a positive multiple of the largest stride.
        """
        largest = max(strides_px)
        height, width = input_hw_px
        if height <= 0 or width <= 0 or height % largest or width % largest:
            raise InputError(
                f"An input of {height} x {width} px does not fit this head: both sides must be "
                f"multiples of {largest} px, the stride of {level_names[strides_px.index(largest)]}.",
                f"The nearest size is {_nearest(height, largest)} x {_nearest(width, largest)}.",
            )
        grids = tuple((height // stride, width // stride) for stride in strides_px)
        counts = [
            rows * cols * per_cell for (rows, cols), per_cell in zip(grids, slots, strict=True)
        ]
        offsets = tuple(int(n) for n in np.cumsum([0, *counts]))
        return cls(input_hw_px, strides_px, slots, level_names, grids, offsets)

    @property
    def total(self) -> int:
        """The number of candidates."""
        return self.offsets[-1]

    def count(self, level: int) -> int:
        """The number of a level's candidates."""
        return self.offsets[level + 1] - self.offsets[level]

    def address(self, flat: int) -> Address:
        """The address of one flat index.

        Raises:
            InputError: there is no such index.
        """
        return Address(*(int(part[0]) for part in self.address_all(np.array([flat]))))

    def flat(self, level: int, row: int, col: int, slot: int = 0) -> int:
        """The flat index of one address.

        Raises:
            InputError: the address lies outside the grid.
        """
        if not 0 <= level < len(self.grids_hw):
            raise InputError(f"There is no level {level}; the head has {len(self.grids_hw)}.")
        (height, width), slots = self.grids_hw[level], self.slots[level]
        if not (0 <= row < height and 0 <= col < width and 0 <= slot < slots):
            raise InputError(
                f"{self.level_names[level]} has no cell ({row}, {col}) with slot {slot}.",
                f"Its grid is {height} x {width} with {slots} slot(s) per cell.",
            )
        return self.offsets[level] + (row * width + col) * slots + slot

    def address_all(self, flat: NDArray[np.integer]) -> Addresses:
        """The addresses of many flat indices, shape (N,).

        Raises:
            InputError: an index is negative or beyond the last candidate.
        """
        index = np.asarray(flat, np.int64)
        if index.size and (index.min() < 0 or index.max() >= self.total):
            wrong = index[(index < 0) | (index >= self.total)][0]
            raise InputError(
                f"There is no candidate {wrong}; an input of {self.input_hw_px[0]} x "
                f"{self.input_hw_px[1]} px has {self.total}."
            )
        level = np.searchsorted(self.offsets, index, side="right") - 1
        widths = np.array([width for _, width in self.grids_hw])[level]
        slots = np.array(self.slots)[level]
        cell, slot = np.divmod(index - np.array(self.offsets)[level], slots)
        row, col = np.divmod(cell, widths)
        return Addresses(level, row, col, slot)

    def places(self, flat: NDArray[np.integer]) -> NDArray[np.int64]:
        """The place of many flat indices, by its number in `Layout.places`, shape (N,).

        Raises:
            InputError: an index is negative or beyond the last candidate.
        """
        where = self.address_all(flat)
        numbers: NDArray[np.int64] = np.cumsum([0, *self.slots])[where.level] + where.slot
        return numbers

    def cell_xyxy_px(self, where: Address) -> tuple[int, int, int, int]:
        """The square of input pixels that a cell stands for: x1, y1, x2, y2."""
        stride = self.strides_px[where.level]
        return (
            where.col * stride,
            where.row * stride,
            (where.col + 1) * stride,
            (where.row + 1) * stride,
        )


def _nearest(size: int, multiple: int) -> int:
    return max(multiple, round(size / multiple) * multiple)
