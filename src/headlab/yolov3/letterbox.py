"""Fit an image of any shape into the network's input, and map boxes there and back.

The image keeps its aspect ratio and is centred on grey, as in keras-yolo3's `letterbox_image`, with which
the weights that people bring were trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from headlab.yolov3.resized import Resized

GREY = 128


@dataclass(frozen=True)
class Letterbox(Resized):
    """Where an image lies in an input.

    Invariant: `to_image(to_input(boxes))` gives the boxes again (tests/yolov3/test_letterbox.py).
    """

    @cached_property
    def resized_hw_px(self) -> tuple[int, int]:
        """Height and width of the image within the input, at least 1.

        They are truncated to whole pixels as in keras-yolo3. Rounding errors can cost one more: an image
        180 px wide becomes 415 px wide in an input of 416, since 180 * (416 / 180) < 416 in floating point.
        """
        (height, width), (input_height, input_width) = self.image_hw_px, self.input_hw_px
        scale = min(input_width / width, input_height / height)
        return max(int(height * scale), 1), max(int(width * scale), 1)

    @cached_property
    def offset_xy_px(self) -> tuple[int, int]:
        """Left and upper edge of the image in the input."""
        height, width = self.resized_hw_px
        return (self.input_hw_px[1] - width) // 2, (self.input_hw_px[0] - height) // 2

    def pixels(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input's pixels for an image, whatever the order of its channels.

        Args:
            image: uint8, shape (H, W, 3).

        Returns:
            uint8, (input height, input width, 3), the image resized bicubically (smoothed when it
            shrinks) on grey.
        """
        height, width = self.resized_hw_px
        left, top = self.offset_xy_px
        resized = Image.fromarray(np.ascontiguousarray(image)).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        canvas = np.full((*self.input_hw_px, 3), GREY, np.uint8)
        canvas[top : top + height, left : left + width] = np.asarray(resized)
        return canvas
