"""Which photos make up which batch, at which input size: determined by seed and epoch alone.

Therefore a training that is resumed gets the batches that it would have had without the interruption, and
several processes together get the batches that a single process would get.
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
"""Two independent streams of random numbers: for the order of the photos, and for input sizes."""


@dataclass(frozen=True)
class Sizes:
    """The input sizes of an epoch.

    Attributes:
        input_hw_px: height and width without multi-scale.
        every: draw a new size every so many batches; 0: never.
        smallest_px: the smallest longer side to draw.
        largest_px: the largest longer side to draw.
    """

    input_hw_px: tuple[int, int]
    every: int = 0
    smallest_px: int = 320
    largest_px: int = 608

    @staticmethod
    def of(config: TrainConfig) -> Sizes:
        """The sizes that a configuration asks for."""
        augment = config.augment
        every = augment.multi_scale if augment.enabled else 0
        return Sizes(config.imgsz, every, augment.multi_scale_min, augment.multi_scale_max)

    def choices(self) -> tuple[tuple[int, int], ...]:
        """The sizes to draw from, smallest first: all multiples of 32 as the longer side.

        The aspect ratio is that of `input_hw_px`, as closely as multiples of 32 allow.
        """
        step = LARGEST_STRIDE_PX
        longer_sides = range(-(-max(self.smallest_px, 1) // step) * step, self.largest_px + 1, step)
        height, width = self.input_hw_px
        longer = max(height, width)
        return tuple(
            (_rounded(side * height / longer), _rounded(side * width / longer))
            for side in longer_sides
        )

    def of_epoch(self, seed: int, epoch: int, batches: int) -> list[tuple[int, int]]:
        """The size of each batch.

        The first batch of an epoch has the largest size, so that a lack of memory shows at once.
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
    """The batches of an epoch for one of several processes. An incomplete last batch is dropped.

    The batches of all processes, joined in the order of their ranks, are the batch of a single process with
    as many photos.

    Args:
        photos: the number of photos.
        batch: photos per batch of a process.
        seed: the training's seed.
        sizes: the input sizes.
        rank: the number of this process.
        world: the number of processes.

    Raises:
        InputError: there are fewer photos than a batch takes.
    """

    def __init__(
        self, photos: int, batch: int, seed: int, sizes: Sizes, rank: int = 0, world: int = 1
    ) -> None:
        if batch * world > photos:
            split = f" ({batch} on each of {world} devices)" if world > 1 else ""
            raise InputError(
                f"A batch takes {batch * world:,} photos{split}, and there are {photos:,} to train on.",
                f"Give --batch {max(photos // world, 1)} or less, or more photos.",
            )
        self._photos, self._batch, self._seed, self._sizes = photos, batch, seed, sizes
        self._rank, self._world = rank, world
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, counted over all stages, from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return self._photos // (self._batch * self._world)

    def __iter__(self) -> Iterator[list[Draw]]:
        """The batches of the chosen epoch."""
        epoch = self._epoch
        order = (
            np.random.default_rng((self._seed, epoch, _ORDER)).permutation(self._photos).tolist()
        )
        for at, size in enumerate(self._sizes.of_epoch(self._seed, epoch, len(self))):
            first = (at * self._world + self._rank) * self._batch
            yield [Draw(epoch, photo, size) for photo in order[first : first + self._batch]]


class ValSampler(Sampler[list[Draw]]):
    """All photos in order, each in exactly one process; the last batch may be smaller.

    Args:
        photos: the number of photos.
        batch: photos per batch of a process.
        input_hw_px: height and width of the input.
        rank: the number of this process.
        world: the number of processes.
    """

    def __init__(
        self, photos: int, batch: int, input_hw_px: tuple[int, int], rank: int = 0, world: int = 1
    ) -> None:
        self._mine = range(rank, photos, world)
        self._batch = batch
        self._input_hw_px = input_hw_px

    def set_epoch(self, epoch: int) -> None:
        """Do nothing: validation is the same in every epoch."""

    def __len__(self) -> int:
        """The number of batches of this process."""
        return -(-len(self._mine) // self._batch)

    def __iter__(self) -> Iterator[list[Draw]]:
        """The batches."""
        for first in range(0, len(self._mine), self._batch):
            photos = self._mine[first : first + self._batch]
            yield [Draw(0, photo, self._input_hw_px) for photo in photos]
