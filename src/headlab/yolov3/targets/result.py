"""Targets in compact form: only the slots that are responsible for a truth, and the fate of every truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headlab.yolov3.targets.places import Floats, Grid, Ints, Places
from headlab.yolov3.targets.truths import TruthRows


class Fate(IntEnum):
    """What became of a row of the boxes that were given."""

    PADDING = 0
    ASSIGNED = 1
    MOVED = 2
    LOST = 3
    SKIPPED = 4


class Counts(NamedTuple):
    """How many truths had which fate: truths = assigned + lost + skipped.

    Attributes:
        truths: rows that are not padding.
        assigned: truths with a slot.
        moved: those of them whose best slot was taken, so that they got another.
        lost: truths without a slot.
        skipped: truths without an area in the input.
    """

    truths: int
    assigned: int
    moved: int
    lost: int
    skipped: int


@dataclass(frozen=True)
class Targets:
    """The targets of a batch: P positive slots, and K truths. The loss needs only the tensors.

    Attributes:
        grids: the levels, coarsest first.
        batch: B, how many images there are.
        rows: the target of each positive slot: x, y, w, h of the box's centre and size as fractions of the
            input's width and height, objectness 1, class bits; float32, shape (P, 5 + C).
        flat: the flat index of each (`headlab.yolov3.targets.places`), ascending, int64, shape (P,).
        bounds: the positives of level l are bounds[l] … bounds[l + 1] - 1.
        truths: x, y, w, h as fractions of every truth with an area, with or without a slot; float32, shape
            (K, 4).
        truth_image: the image of each, int64, shape (K,).
        given: the M rows that the targets were made from.
        source: the row behind each positive slot, shape (P,).
        fates: the `Fate` of each row, shape (M,).
    """

    grids: tuple[Grid, ...]
    batch: int
    rows: Tensor
    flat: Tensor
    bounds: tuple[int, ...]
    truths: Tensor
    truth_image: Tensor
    given: TruthRows
    source: Ints
    fates: NDArray[np.int8]

    @property
    def class_count(self) -> int:
        """C."""
        return int(self.rows.shape[1]) - 5

    def counts(self) -> Counts:
        """How many truths were assigned, moved, lost and skipped."""
        padding, assigned, moved, lost, skipped = np.bincount(
            self.fates, minlength=len(Fate)
        ).tolist()
        return Counts(len(self.fates) - padding, assigned + moved, moved, lost, skipped)

    def listed(self, *fates: Fate) -> Ints:
        """Image and row within the image of the boxes with one of these fates, (n, 2)."""
        return self.given.where(np.isin(self.fates, fates).nonzero()[0])

    def sources(self) -> Ints:
        """Image and row within the image of the box behind each positive slot, (P, 2)."""
        return self.given.where(self.source)

    def level(self, at: int) -> tuple[Tensor, Tensor]:
        """The positives of a level of `grids`: their flat indices within it, (P,), and rows."""
        start = self.batch * sum(grid.candidates for grid in self.grids[:at])
        chosen = slice(self.bounds[at], self.bounds[at + 1])
        return self.flat[chosen] - start, self.rows[chosen]

    def dense(self) -> tuple[Tensor, ...]:
        """The targets of all slots, as keras-yolo3 makes them: (B, H, W, A, 5 + C) by level."""
        dense = []
        for at, grid in enumerate(self.grids):
            index, rows = self.level(at)
            shape = (self.batch, grid.height, grid.width, grid.slots, rows.shape[1])
            full = rows.new_zeros(shape)
            full.view(-1, rows.shape[1])[index] = rows
            dense.append(full)
        return tuple(dense)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Targets:
        """The same targets with their tensors on a device."""
        moved = {
            name: getattr(self, name).to(device, non_blocking=non_blocking)
            for name in ("rows", "flat", "truths", "truth_image")
        }
        return replace(self, **moved)


def made_targets(
    places: Places,
    given: TruthRows,
    *,
    rows: Floats,
    flat: Ints,
    source: Ints,
    truths: Floats,
    truth_image: Ints,
    fates: NDArray[np.int8],
) -> Targets:
    """Targets from arrays; see the attributes of `Targets`, but `truths` is (4, K) here."""
    return Targets(
        grids=places.grids,
        batch=given.batch,
        rows=torch.from_numpy(rows),
        flat=torch.from_numpy(flat),
        bounds=tuple(flat.searchsorted(places.starts(given.batch)).tolist()),
        truths=torch.from_numpy(truths.T),
        truth_image=torch.from_numpy(truth_image),
        given=given,
        source=source,
        fates=fates,
    )
