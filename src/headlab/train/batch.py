"""What goes through a data loader: draws in, samples and batches out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from headlab.yolov3.targets.assigner import Assigner
from headlab.yolov3.targets.result import Targets


class Draw(NamedTuple):
    """A photo to load; with the training's seed it decides every pixel of the sample.

    Attributes:
        epoch: over all stages, from 0.
        photo: its number.
        input_hw_px: height and width of the input.
    """

    epoch: int
    photo: int
    input_hw_px: tuple[int, int]


@dataclass(frozen=True)
class Sample:
    """One image as the network is fed it.

    Attributes:
        pixels: RGB, uint8, (3, H, W).
        boxes: x1, y1, x2, y2 in input pixels and the class number, float32, (n, 5).
        index: of the photo that it shows (the first of them, in a mosaic).
        failed: paths of photos that could not be read, with the reason; another stands in for each.
    """

    pixels: Tensor
    boxes: Tensor
    index: int
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Batch:
    """B samples and their targets.

    Attributes:
        pixels: RGB, uint8, (B, 3, H, W), in the memory format channels_last.
        boxes: of each image, as in `Sample`.
        targets: what the network should say.
        indices: of the photos, (B,).
        failed: of all samples.
    """

    pixels: Tensor
    boxes: tuple[Tensor, ...]
    targets: Targets
    indices: tuple[int, ...]
    failed: tuple[tuple[str, str], ...]

    def images(self) -> Tensor:
        """What the network takes: float32 from 0 to 1, (B, 3, H, W), channels_last."""
        return self.pixels.to(torch.float32, memory_format=torch.channels_last).div_(255)

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory, from which a GPU copies without waiting."""
        return replace(self, pixels=self.pixels.pin_memory())

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """The same batch with pixels and targets on a device."""
        return replace(
            self,
            pixels=self.pixels.to(device, non_blocking=non_blocking),
            targets=self.targets.to(device, non_blocking=non_blocking),
        )


class Collate:
    """Makes a batch of samples; it runs in the loader's processes, and so do the targets.

    Args:
        assigner: of the model.
    """

    def __init__(self, assigner: Assigner) -> None:
        self._assigner = assigner

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        """Make the batch; all samples have one size."""
        pixels = torch.stack([sample.pixels for sample in samples])
        boxes = tuple(sample.boxes for sample in samples)
        height, width = pixels.shape[2:]
        return Batch(
            pixels=pixels.contiguous(memory_format=torch.channels_last),
            boxes=boxes,
            targets=self._assigner(boxes, (height, width)),
            indices=tuple(sample.index for sample in samples),
            failed=tuple(each for sample in samples for each in sample.failed),
        )
