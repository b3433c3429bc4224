"""A photo with its boxes, and the forms it takes on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision import tv_tensors

Pixels = NDArray[np.uint8]
"""RGB, uint8, (H, W, 3)."""


@dataclass(frozen=True)
class Photo:
    """An image and what is to be seen in it.

    Attributes:
        image: RGB, uint8, (3, H, W). A view of memory in the order (H, W, 3) costs no copy.
        boxes: x1, y1, x2, y2 in the image's pixels and the class number, float32, (n, 5).
    """

    image: Tensor
    boxes: Tensor

    @property
    def hw_px(self) -> tuple[int, int]:
        """The image's height and width."""
        return self.image.shape[1], self.image.shape[2]

    @property
    def pixels(self) -> Pixels:
        """The image as (H, W, 3), in memory in that order."""
        return pixels_of(self.image)


def pixels_of(image: Tensor) -> Pixels:
    """A tensor (3, H, W) as an array (H, W, 3), in memory in that order, without a copy where it can be."""
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())


def image_of(pixels: Pixels) -> Tensor:
    """An array (H, W, 3) as a tensor (3, H, W): a view."""
    return torch.from_numpy(pixels).permute(2, 0, 1)


def as_sample(photo: Photo) -> dict[str, Any]:
    """The photo as torchvision's transforms take it: "image", "boxes" and "labels".

    Boxes are cut off at the edges of the photo first: what lies outside shows nothing.
    """
    height, width = photo.hw_px
    corners = photo.boxes[:, :4].clone()
    corners[:, 0::2].clamp_(0, width)
    corners[:, 1::2].clamp_(0, height)
    boxes = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=photo.hw_px)
    return {
        "image": tv_tensors.Image(photo.image),
        "boxes": boxes,
        "labels": photo.boxes[:, 4],
    }


def as_photo(sample: dict[str, Any]) -> Photo:
    """The photo of such a sample."""
    boxes = sample["boxes"].as_subclass(Tensor)
    labels = sample["labels"].to(boxes.dtype)
    return Photo(sample["image"].as_subclass(Tensor), torch.cat((boxes, labels[:, None]), 1))


def visible_boxes(
    boxes: Tensor, hw_px: tuple[int, int], *, min_visible: float = 0.0, more_than_px: float = 1.0
) -> Tensor:
    """The boxes cut off at the edges of an image, without those of which too little is left.

    Args:
        boxes: x1, y1, x2, y2 and class, float32, (n, 5).
        hw_px: height and width of the image.
        min_visible: the share of its area that must be left of a box.
        more_than_px: what its width and its height must exceed.

    Returns:
        The boxes that are left, float32, (m, 5), in their order.
    """
    height, width = hw_px
    cut = boxes.clone()
    cut[:, 0:4:2].clamp_(0, width)
    cut[:, 1:4:2].clamp_(0, height)
    sizes = cut[:, 2:4] - cut[:, :2]
    whole = (boxes[:, 2:4] - boxes[:, :2]).prod(1)
    # A box at the very edge may reach beyond it by rounding, and is whole nevertheless.
    enough = sizes.prod(1) >= min_visible * whole * (1 - 1e-5)
    return cut[enough & (sizes > more_than_px).all(1)]
