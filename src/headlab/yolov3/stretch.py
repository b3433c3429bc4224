"""Stretch an image to the network's input, each side by its own factor, and map boxes there and back.

So does AlexeyAB's darknet unless the cfg says `letter_box=1`; the pixels are those of OpenCV's bilinear
resize, which it calls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """How an image is stretched to an input.

    Invariant: `to_image(to_input(boxes))` gives the boxes again (tests/yolov3/test_stretch.py).

    Attributes:
        image_hw_px: the image's height and width.
        input_hw_px: the input's height and width.
    """

    image_hw_px: tuple[int, int]
    input_hw_px: tuple[int, int]

    @property
    def resized_hw_px(self) -> tuple[int, int]:
        """Height and width of the image within the input: all of it."""
        return self.input_hw_px

    @property
    def offset_xy_px(self) -> tuple[int, int]:
        """Left and upper edge of the image in the input."""
        return 0, 0

    def pixels(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input's pixels for an image, whatever the order of its channels.

        Args:
            image: uint8, shape (H, W, 3).

        Returns:
            uint8, (input height, input width, 3).
        """
        import cv2

        height, width = self.input_hw_px
        return np.asarray(
            cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
        )

    def to_input(self, boxes_xyxy_px: Boxes) -> Boxes:
        """Boxes in image pixels, (…, 4), as boxes in input pixels."""
        return boxes_xyxy_px * self._scale

    def to_image(self, boxes_xyxy_px: Boxes, *, clip: bool = False) -> Boxes:
        """Boxes in input pixels, (…, 4), as boxes in image pixels.

        Args:
            boxes_xyxy_px: x1, y1, x2, y2 in input pixels.
            clip: clip the boxes to the image.
        """
        boxes: Boxes = np.asarray(boxes_xyxy_px, np.float64) / self._scale
        if clip:
            height, width = self.image_hw_px
            np.clip(boxes, 0, (width, height, width, height), out=boxes)
        return boxes

    @property
    def _scale(self) -> Boxes:
        (height, width), (input_height, input_width) = self.image_hw_px, self.input_hw_px
        return np.array([input_width / width, input_height / height] * 2)
