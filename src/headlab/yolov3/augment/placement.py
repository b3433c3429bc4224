"""Where a photo lies in a picture, and which of its pixels can be seen there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from headlab.yolov3.augment.photo import Pixels
from headlab.yolov3.letterbox import GREY


@dataclass(frozen=True)
class Placement:
    """A photo, resized and laid on a canvas, over whose edges it may reach.

    Attributes:
        image_hw_px: the photo's height and width.
        size_hw_px: height and width of the resized photo.
        offset_xy_px: its left and upper edge on the canvas; negative if they lie outside.
        canvas_hw_px: the canvas' height and width.
    """

    image_hw_px: tuple[int, int]
    size_hw_px: tuple[int, int]
    offset_xy_px: tuple[int, int]
    canvas_hw_px: tuple[int, int]

    def pixels(self, image: Pixels) -> Pixels:
        """The canvas: the part of the resized photo that lies on it, grey elsewhere.

        Only that part is resized, bicubically (with antialiasing when it shrinks). It differs from a crop of
        the whole resized photo by rounding, since Pillow stores the edges of the part in single precision.

        Args:
            image: uint8, (H, W, 3).
        """
        (left, right), (top, bottom) = self._seen(1), self._seen(0)
        canvas = np.full((*self.canvas_hw_px, 3), GREY, np.uint8)
        if self.size_hw_px == self.image_hw_px:
            x, y = self.offset_xy_px
            canvas[top:bottom, left:right] = image[top - y : bottom - y, left - x : right - x]
            return canvas
        (from_x, to_x), (from_y, to_y) = self._source(1, left, right), self._source(0, top, bottom)
        resized = Image.fromarray(image).resize(
            (right - left, bottom - top),
            Image.Resampling.BICUBIC,
            box=(from_x, from_y, to_x, to_y),
        )
        canvas[top:bottom, left:right] = np.asarray(resized)
        return canvas

    def boxes(self, boxes_xyxy_px: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Boxes in photo pixels, (n, 4), as boxes in canvas pixels, not clipped."""
        (height, width), (new_height, new_width) = self.image_hw_px, self.size_hw_px
        sizes = np.array([new_width, new_height] * 2, np.float64)
        moved: NDArray[np.float64] = boxes_xyxy_px * sizes / (width, height, width, height)
        return moved + np.array(self.offset_xy_px * 2, np.float64)

    def _seen(self, axis: int) -> tuple[int, int]:
        """The photo's first row (column) on the canvas, and the one after its last."""
        offset = self.offset_xy_px[1 - axis]
        return max(offset, 0), min(offset + self.size_hw_px[axis], self.canvas_hw_px[axis])

    def _source(self, axis: int, first: int, last: int) -> tuple[float, float]:
        """The same in rows (columns) of the photo."""
        pixel = self.image_hw_px[axis] / self.size_hw_px[axis]
        offset = self.offset_xy_px[1 - axis]
        return (first - offset) * pixel, min((last - offset) * pixel, self.image_hw_px[axis])
