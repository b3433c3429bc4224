"""What passes through a data loader: draws go in, samples and batches come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headlab.yolov3.augment.photo import NOTHING_DROPPED, Dropped
from headlab.yolov3.targets.assigner import Assigner
from headlab.yolov3.targets.result import Targets


class Draw(NamedTuple):
    """A photo to load; together with the training's seed it determines every pixel of the sample.

    Attributes:
        epoch: counted over all stages, from 0.
        photo: the photo's number.
        input_hw_px: height and width of the input.
    """

    epoch: int
    photo: int
    input_hw_px: tuple[int, int]


@dataclass(frozen=True)
class Sample:
    """One image as the network sees it.

    Attributes:
        pixels: RGB, uint8, (3, H, W).
        boxes: x1, y1, x2, y2 in input pixels and the class number, float32, (n, 5).
        index: number of the photo that it shows (in a mosaic, of the first photo).
        failed: paths of photos that could not be read, and why; each was replaced by another photo.
        photo_hw_px: height and width of that photo, as it was read.
        dropped: how many boxes of the photo are not among `boxes`.
    """

    pixels: Tensor
    boxes: Tensor
    index: int
    failed: tuple[tuple[str, str], ...] = ()
    photo_hw_px: tuple[int, int] = (0, 0)
    dropped: Dropped = NOTHING_DROPPED


@dataclass(frozen=True)
class Batch:
    """B samples and their targets.

    Attributes:
        pixels: RGB, uint8, (B, 3, H, W), in the memory format channels_last.
        boxes: for each image, as in `Sample`.
        targets: what the network should predict.
        indices: numbers of the photos, (B,).
        failed: as in `Sample`, for all samples.
        photos_hw_px: height and width of each photo, (B, 2).
        dropped: as in `Sample`, of all samples.
    """

    pixels: Tensor
    boxes: tuple[Tensor, ...]
    targets: Targets
    indices: tuple[int, ...]
    failed: tuple[tuple[str, str], ...]
    photos_hw_px: tuple[tuple[int, int], ...] = ()
    dropped: Dropped = NOTHING_DROPPED

    def images(self) -> Tensor:
        """The network's input: float32 from 0 to 1, (B, 3, H, W), channels_last."""
        return self.pixels.to(torch.float32, memory_format=torch.channels_last).div_(255)

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory, which a GPU can copy asynchronously."""
        return replace(self, pixels=self.pixels.pin_memory())

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """The same batch with pixels and targets on a device."""
        return replace(
            self,
            pixels=self.pixels.to(device, non_blocking=non_blocking),
            targets=self.targets.to(device, non_blocking=non_blocking),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Send only the pixels to another process by shared memory.

        Each tensor there takes an open file and a round trip, and boxes and targets are many tensors.
        """
        boxes = torch.cat(self.boxes).cpu().numpy()
        targets = {field.name: getattr(self.targets, field.name) for field in fields(self.targets)}
        arrays = {
            name: value.cpu().numpy()
            for name, value in targets.items()
            if isinstance(value, Tensor)
        }
        rest = {name: value for name, value in targets.items() if name not in arrays}
        counts = [len(boxes_of_image) for boxes_of_image in self.boxes]
        others = (self.indices, self.failed, self.photos_hw_px, self.dropped)
        return _unpickled, (self.pixels, boxes, counts, arrays, rest, *others)


def _unpickled(
    pixels: Tensor,
    boxes: NDArray[np.float32],
    counts: list[int],
    arrays: Mapping[str, NDArray[Any]],
    rest: Mapping[str, Any],
    indices: tuple[int, ...],
    failed: tuple[tuple[str, str], ...],
    photos_hw_px: tuple[tuple[int, int], ...],
    dropped: Dropped,
) -> Batch:
    """The batch that `Batch.__reduce__` took apart."""
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    split = torch.from_numpy(boxes).split(counts)
    made = Targets(**tensors, **rest)
    return Batch(pixels, tuple(split), made, indices, failed, photos_hw_px, dropped)


class Collate:
    """Makes a batch of samples, targets included; it runs in the loader's processes.

    Args:
        assigner: makes the model's targets.
    """

    def __init__(self, assigner: Assigner) -> None:
        self._assigner = assigner

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        """Make the batch; all samples must have the same size."""
        # Images lie in memory as (H, W, 3), and so does the batch, which therefore takes a single copy.
        rows = torch.stack([sample.pixels.permute(1, 2, 0) for sample in samples])
        pixels = rows.permute(0, 3, 1, 2)
        boxes = tuple(sample.boxes for sample in samples)
        height, width = pixels.shape[2:]
        return Batch(
            pixels=pixels.contiguous(memory_format=torch.channels_last),
            boxes=boxes,
            targets=self._assigner(boxes, (height, width)),
            indices=tuple(sample.index for sample in samples),
            failed=tuple(failure for sample in samples for failure in sample.failed),
            photos_hw_px=tuple(sample.photo_hw_px for sample in samples),
            dropped=Dropped.total(sample.dropped for sample in samples),
        )
