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

Boxes = NDArray[np.float64]

GREY = 128


@dataclass(frozen=True)
class Letterbox:
    """Where an image lies in an input.

    Invariant: `to_image(to_input(boxes))` gives the boxes again (tests/yolov3/test_letterbox.py).

    Attributes:
        image_hw_px: the image's height and width.
        input_hw_px: the input's height and width.
    """

    image_hw_px: tuple[int, int]
    input_hw_px: tuple[int, int]

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

    def to_input(self, boxes_xyxy_px: Boxes) -> Boxes:
        """Boxes in image pixels, (…, 4), as boxes in input pixels."""
        return boxes_xyxy_px * self._scale + self._offset

    def to_image(self, boxes_xyxy_px: Boxes, *, clip: bool = False) -> Boxes:
        """Boxes in input pixels, (…, 4), as boxes in image pixels: x_image = (x_input - dx) * iw / nw.

        Args:
            boxes_xyxy_px: x1, y1, x2, y2 in input pixels.
            clip: clip the boxes to the image.
        """
        boxes: Boxes = (np.asarray(boxes_xyxy_px, np.float64) - self._offset) / self._scale
        if clip:
            height, width = self.image_hw_px
            np.clip(boxes, 0, (width, height, width, height), out=boxes)
        return boxes

    @property
    def _scale(self) -> Boxes:
        (height, width), (resized_height, resized_width) = self.image_hw_px, self.resized_hw_px
        return np.array([resized_width / width, resized_height / height] * 2)

    @property
    def _offset(self) -> Boxes:
        return np.array([*self.offset_xy_px] * 2, np.float64)
