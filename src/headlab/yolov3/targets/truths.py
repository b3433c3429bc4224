"""The truths of a batch as a data loader gives them: padded or ragged, one row per box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headlab.errors import InputError
from headlab.yolov3.targets.places import Bools, Floats, Ints

BOX_COLUMNS = 5
"""x1, y1, x2, y2 in input pixels, and the class number."""


@dataclass(frozen=True)
class TruthRows:
    """The M rows of all images, one image after the other.

    Attributes:
        columns: x1, y1, x2, y2 in input pixels and the class number, (5, M).
        image: the image of each row in the batch, (M,).
        first: the first row of each image, (B,).
    """

    columns: Floats
    image: Ints
    first: Ints

    @property
    def batch(self) -> int:
        """How many images there are."""
        return len(self.first)

    def padding(self) -> Bools:
        """Which rows are padding: their four coordinates are zero; (M,)."""
        padding: Bools = np.logical_not(self.columns[:4].any(0))
        return padding

    def where(self, at: Ints) -> Ints:
        """Image and row within the image for rows of the batch, (n, 2)."""
        image = self.image[at]
        return np.stack((image, at - self.first[image]), axis=-1)

    def named(self, at: int) -> str:
        """What messages call a row."""
        ((image, row),) = self.where(np.array([at])).tolist()
        numbers = ", ".join(f"{number:g}" for number in self.columns[:, at].tolist())
        return f"box {row} of image {image} of the batch ({numbers})"


def truth_rows(boxes: Tensor | Sequence[Tensor]) -> TruthRows:
    """The boxes of a batch as rows.

    Args:
        boxes: (B, T, 5), padded with rows of zeros, or a list of (T, 5), one for each image.

    Raises:
        InputError: there are no images, the shapes are wrong, or a number is NaN or infinite.
    """
    if not len(boxes):
        raise InputError(
            "There are no images in the batch.", "Give the boxes of at least one image."
        )
    rows = _padded(boxes) if isinstance(boxes, Tensor) else _ragged(boxes)
    if not np.isfinite(rows.columns.sum()):
        wrong = (~np.isfinite(rows.columns).all(0)).nonzero()[0]
        if len(wrong):
            raise InputError(
                f"A number is NaN or infinite: {rows.named(wrong[0])}.",
                "Five finite numbers were expected: x1, y1, x2, y2 in input pixels and the class.",
            )
    return rows


def _padded(boxes: Tensor) -> TruthRows:
    if boxes.ndim != 3 or boxes.shape[2] != BOX_COLUMNS:
        raise InputError(
            f"Boxes of shape {tuple(boxes.shape)} are not a batch.",
            "Give (batch, boxes per image, 5): x1, y1, x2, y2 in input pixels and the class.",
        )
    batch, per_image = boxes.shape[:2]
    images = np.arange(batch)
    return TruthRows(_columns(boxes), images.repeat(per_image), images * per_image)


def _ragged(boxes: Sequence[Tensor]) -> TruthRows:
    try:
        laid = torch.cat(tuple(boxes))
    except RuntimeError:
        laid = torch.empty(0)
    if laid.ndim != 2 or laid.shape[1] != BOX_COLUMNS:
        shapes = [tuple(each.shape) for each in boxes]
        at = next(at for at, shape in enumerate(shapes) if shape[1:] != (BOX_COLUMNS,))
        raise InputError(
            f"The boxes of image {at} of the batch have the shape {shapes[at]}.",
            "Give (boxes, 5) per image: x1, y1, x2, y2 in input pixels and the class.",
        )
    counts = np.fromiter(map(len, boxes), np.int64, len(boxes))
    return TruthRows(_columns(laid), np.arange(len(boxes)).repeat(counts), counts.cumsum() - counts)


def _columns(boxes: Tensor) -> Floats:
    rows = boxes.detach().cpu().float().numpy().reshape(-1, BOX_COLUMNS)
    return np.ascontiguousarray(rows.T)
