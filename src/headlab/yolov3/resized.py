"""Where an image lies in the network's input, however it was brought there; boxes mapped there and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class Resized(ABC):
    """An image in an input; `letterbox` and `stretch` say how it is brought there.

    Attributes:
        image_hw_px: the image's height and width.
        input_hw_px: the input's height and width.
    """

    image_hw_px: tuple[int, int]
    input_hw_px: tuple[int, int]

    @property
    @abstractmethod
    def resized_hw_px(self) -> tuple[int, int]:
        """Height and width of the image within the input."""

    @property
    @abstractmethod
    def offset_xy_px(self) -> tuple[int, int]:
        """Left and upper edge of the image in the input."""

    @abstractmethod
    def pixels(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input's pixels for an image, whatever the order of its channels.

        Args:
            image: uint8, shape (H, W, 3).

        Returns:
            uint8, (input height, input width, 3).
        """

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
