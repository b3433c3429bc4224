"""What goes through a data loader: draws in, samples and batches out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
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

    def __reduce__(self) -> tuple[Any, ...]:
        """Only the pixels go to another process by shared memory.

        There every tensor takes an open file and a round trip, of which boxes and targets have many.
        """
        boxes = torch.cat(self.boxes).cpu().numpy()
        targets = {each.name: getattr(self.targets, each.name) for each in fields(self.targets)}
        arrays = {
            name: each.cpu().numpy() for name, each in targets.items() if isinstance(each, Tensor)
        }
        rest = {name: each for name, each in targets.items() if name not in arrays}
        counts = [len(each) for each in self.boxes]
        return _arrived, (self.pixels, boxes, counts, arrays, rest, self.indices, self.failed)


def _arrived(
    pixels: Tensor,
    boxes: NDArray[np.float32],
    counts: list[int],
    arrays: Mapping[str, NDArray[Any]],
    rest: Mapping[str, Any],
    indices: tuple[int, ...],
    failed: tuple[tuple[str, str], ...],
) -> Batch:
    """The batch that `Batch.__reduce__` took apart."""
    tensors = {name: torch.from_numpy(each) for name, each in arrays.items()}
    split = torch.from_numpy(boxes).split(counts)
    return Batch(pixels, tuple(split), Targets(**tensors, **rest), indices, failed)


class Collate:
    """Makes a batch of samples; it runs in the loader's processes, and so do the targets.

    Args:
        assigner: of the model.
    """

    def __init__(self, assigner: Assigner) -> None:
        self._assigner = assigner

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        """Make the batch; all samples have one size."""
        # Images come in the order (H, W, 3) of memory: so does the batch, in a single copy.
        rows = torch.stack([sample.pixels.permute(1, 2, 0) for sample in samples])
        pixels = rows.permute(0, 3, 1, 2)
        boxes = tuple(sample.boxes for sample in samples)
        height, width = pixels.shape[2:]
        return Batch(
            pixels=pixels.contiguous(memory_format=torch.channels_last),
            boxes=boxes,
            targets=self._assigner(boxes, (height, width)),
            indices=tuple(sample.index for sample in samples),
            failed=tuple(each for sample in samples for each in sample.failed),
        )
