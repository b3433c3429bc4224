"""Stretch an image to the network's input, each side by its own factor, and map boxes there and back.

So does AlexeyAB's darknet unless the cfg says `letter_box=1`; the pixels are those of OpenCV's bilinear
resize, which it calls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headlab.yolov3.resized import Resized


@dataclass(frozen=True)
class Stretch(Resized):
    """How an image is stretched to an input.

    Invariant: `to_image(to_input(boxes))` gives the boxes again (tests/yolov3/test_stretch.py).
    """

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
