"""A photo with its boxes, and its forms as array, tensor and torchvision sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision import tv_tensors

Pixels = NDArray[np.uint8]
"""RGB, uint8, (H, W, 3)."""


class Dropped(NamedTuple):
    """How many boxes of photos are not in the picture that was made of them.

    Attributes:
        cropped: too little of them is left in the picture.
        too_small: they are too narrow or too low in the picture, even where all of them is in it.
        surplus: there are more of them than keras-yolo3 takes from a photo.
    """

    cropped: int = 0
    too_small: int = 0
    surplus: int = 0

    @classmethod
    def total(cls, parts: Iterable[Dropped]) -> Dropped:
        """The sums over several pictures."""
        return cls(*map(sum, zip(*parts, strict=True)))


NOTHING_DROPPED = Dropped()


@dataclass(frozen=True)
class Photo:
    """An image and the objects in it.

    Attributes:
        image: RGB, uint8, (3, H, W), as a rule a view of memory in the order (H, W, 3).
        boxes: x1, y1, x2, y2 in the image's pixels and the class number, float32, (n, 5).
        dropped: boxes that were lost on the way from the photo to this image.
    """

    image: Tensor
    boxes: Tensor
    dropped: Dropped = NOTHING_DROPPED

    @property
    def hw_px(self) -> tuple[int, int]:
        """The image's height and width."""
        return self.image.shape[1], self.image.shape[2]

    @property
    def pixels(self) -> Pixels:
        """The image as an array (H, W, 3), in memory in that order."""
        return pixels_of(self.image)


def pixels_of(image: Tensor) -> Pixels:
    """A tensor (3, H, W) as an array (H, W, 3), in memory in that order, without a copy if possible."""
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())


def image_of(pixels: Pixels) -> Tensor:
    """An array (H, W, 3) as a tensor (3, H, W): a view."""
    return torch.from_numpy(pixels).permute(2, 0, 1)


def as_sample(photo: Photo) -> dict[str, Any]:
    """The photo as torchvision's transforms take it: "image", "boxes" and "labels".

    Boxes are clipped to the photo first: nothing can be seen beyond its edges.
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


def with_visible_boxes(photo: Photo, **limits: float) -> Photo:
    """The image with the boxes that `visible_boxes` leaves; the others are counted.

    Args:
        photo: its boxes may reach beyond the image.
        limits: `min_visible` and `more_than_px`, as of `visible_boxes`.
    """
    left = visible_boxes(photo.boxes, photo.hw_px, **limits)
    sizes = photo.boxes[:, 2:4] - photo.boxes[:, :2]
    small = int((sizes <= limits.get("more_than_px", 1.0)).any(1).sum())
    cropped = len(photo.boxes) - len(left) - small
    dropped = Dropped.total([photo.dropped, Dropped(cropped, small)])
    return Photo(photo.image, left, dropped)


def visible_boxes(
    boxes: Tensor, hw_px: tuple[int, int], *, min_visible: float = 0.0, more_than_px: float = 1.0
) -> Tensor:
    """The boxes clipped to an image, without those of which too little is left.

    Args:
        boxes: x1, y1, x2, y2 and class, float32, (n, 5).
        hw_px: height and width of the image.
        min_visible: the share of a box's area that must be left.
        more_than_px: what the width and the height that are left must exceed.

    Returns:
        The boxes that are left, float32, (m, 5), in their order.
    """
    height, width = hw_px
    clipped = boxes.clone()
    clipped[:, 0:4:2].clamp_(0, width)
    clipped[:, 1:4:2].clamp_(0, height)
    sizes = clipped[:, 2:4] - clipped[:, :2]
    areas = (boxes[:, 2:4] - boxes[:, :2]).prod(1)
    # By rounding, a box that ends at the edge may reach beyond it, and still counts as whole.
    enough = sizes.prod(1) >= min_visible * areas * (1 - 1e-5)
    return clipped[enough & (sizes > more_than_px).all(1)]
