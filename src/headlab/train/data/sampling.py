"""Which photos make which batch, at which input size: decided by the seed and the epoch alone.

So that a training that was interrupted goes on with the batches that it would have had, and several
processes have together the batches that one process would have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from headlab.checkpoint.yolov3.architecture import LARGEST_STRIDE_PX
from headlab.errors import InputError
from headlab.train.configuration.config import TrainConfig
from headlab.train.data.batch import Draw

_ORDER, _SIZES = 0, 1
"""What is drawn, so that one does not depend on how much of the other was drawn."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of the input over an epoch.

    Attributes:
        input_hw_px: height and width.
        every: draw another size every so many batches; 0 for never.
        smallest_px: the smallest longer side that is drawn.
        largest_px: the largest.
    """

    input_hw_px: tuple[int, int]
    every: int = 0
    smallest_px: int = 320
    largest_px: int = 608

    @staticmethod
    def of(config: TrainConfig) -> Sizes:
        """Those of a training's configuration."""
        said = config.augment
        every = said.multi_scale if said.enabled else 0
        return Sizes(config.imgsz, every, said.multi_scale_min, said.multi_scale_max)

    def choices(self) -> tuple[tuple[int, int], ...]:
        """The sizes to draw from, smallest first: all multiples of 32 as the longer side.

        The other side keeps the proportion of `input_hw_px` as far as multiples of 32 can.
        """
        step = LARGEST_STRIDE_PX
        longer = range(-(-max(self.smallest_px, 1) // step) * step, self.largest_px + 1, step)
        whole = max(self.input_hw_px)
        return tuple(
            (_rounded(side * self.input_hw_px[0] / whole), _rounded(side * self.input_hw_px[1] / whole))
            for side in longer
        )  # fmt: skip

    def of_epoch(self, seed: int, epoch: int, batches: int) -> list[tuple[int, int]]:
        """The size of each batch.

        The first batch of an epoch has the largest size: if the memory is too small, it shows at once.
        """
        if not self.every:
            return [self.input_hw_px] * batches
        choices = self.choices()
        drawn = np.random.default_rng((seed, epoch, _SIZES)).integers(
            len(choices), size=-(-batches // self.every)
        )
        sizes = [choices[drawn[at // self.every]] for at in range(batches)]
        return [choices[-1], *sizes[1:]] if sizes else []


def _rounded(side_px: float) -> int:
    """The nearest multiple of 32, at least 32."""
    return max(round(side_px / LARGEST_STRIDE_PX), 1) * LARGEST_STRIDE_PX


class TrainSampler(Sampler[list[Draw]]):
    """Batches of an epoch, for one of several processes. Photos that fill no batch are left out.

    The batches of all processes, one after the other in the order of their ranks, are the batch of one
    process that takes as many photos as all of them.

    Args:
        photos: how many there are.
        batch: photos per batch of a process.
        seed: of the training.
        sizes: of the input.
        rank: the process's number.
        world: how many processes there are.

    Raises:
        InputError: there are fewer photos than a batch takes.
    """

    def __init__(
        self, photos: int, batch: int, seed: int, sizes: Sizes, rank: int = 0, world: int = 1
    ) -> None:
        if batch * world > photos:
            each = f" ({batch} on each of {world} devices)" if world > 1 else ""
            raise InputError(
                f"A batch takes {batch * world:,} photos{each}, and there are {photos:,} to train on.",
                f"Give --batch {max(photos // world, 1)} or less, or more photos.",
            )
        self._photos, self._batch, self._seed, self._sizes = photos, batch, seed, sizes
        self._rank, self._world = rank, world
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, over all stages, from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return self._photos // (self._batch * self._world)

    def __iter__(self) -> Iterator[list[Draw]]:
        """The batches of the epoch that was chosen last."""
        epoch = self._epoch
        order = (
            np.random.default_rng((self._seed, epoch, _ORDER)).permutation(self._photos).tolist()
        )
        for at, size in enumerate(self._sizes.of_epoch(self._seed, epoch, len(self))):
            first = (at * self._world + self._rank) * self._batch
            yield [Draw(epoch, photo, size) for photo in order[first : first + self._batch]]


class ValSampler(Sampler[list[Draw]]):
    """All photos in order, each in one process only; the last batch may be smaller.

    Args:
        photos: how many there are.
        batch: photos per batch of a process.
        input_hw_px: the input's size.
        rank: the process's number.
        world: how many processes there are.
    """

    def __init__(
        self, photos: int, batch: int, input_hw_px: tuple[int, int], rank: int = 0, world: int = 1
    ) -> None:
        self._mine = range(rank, photos, world)
        self._batch = batch
        self._input_hw_px = input_hw_px

    def set_epoch(self, epoch: int) -> None:
        """Validation is the same in every epoch."""

    def __len__(self) -> int:
        """How many batches there are for this process."""
        return -(-len(self._mine) // self._batch)

    def __iter__(self) -> Iterator[list[Draw]]:
        """The batches."""
        for first in range(0, len(self._mine), self._batch):
            photos = self._mine[first : first + self._batch]
            yield [Draw(0, photo, self._input_hw_px) for photo in photos]
