"""From pixels of the network's input to pixels of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ToImage:
    """Where an image lies in the network's input: x_input = x_image * scale_x + offset_x, and so for y.

    Attributes:
        scale_xy: input pixels per image pixel.
        offset_xy_px: left and upper edge of the image in the input.
        image_hw_px: the image's height and width.
    """

    scale_xy: tuple[float, float]
    offset_xy_px: tuple[float, float]
    image_hw_px: tuple[int, int]

    def __call__(self, boxes_xyxy_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes in input pixels, (n, 4), as boxes in pixels of the image, clipped to it."""
        height, width = self.image_hw_px
        offset, scale = np.array(self.offset_xy_px * 2), np.array(self.scale_xy * 2)
        boxes = (np.asarray(boxes_xyxy_px, np.float64) - offset) / scale
        clipped: NDArray[np.float64] = np.clip(boxes, 0, (width, height, width, height))
        return clipped
