"""Changes of hue, saturation and value (HSV)."""

from __future__ import annotations

import cv2
import numpy as np

from headlab.yolov3.augment.photo import Pixels

_STRIP_PX = 8192
"""How many pixels are processed at a time, so that their floats stay in the processor's cache."""


def adjust_hsv(pixels: Pixels, *, hue: float, saturation: float, value: float) -> Pixels:
    """An image with its colours changed.

    Args:
        pixels: RGB, uint8, (H, W, 3).
        hue: added to the hue, as a fraction of the colour circle.
        saturation: the factor of the saturation, which is limited to 1.
        value: the factor of the largest of red, green and blue, which is limited to 255.

    Returns:
        The same shape and type, computed in single precision and rounded. Grey stays grey.
    """
    if not hue and saturation == 1 and value == 1:
        return pixels
    changed = np.empty_like(pixels)
    degrees = hue % 1 * 360
    rows = max(_STRIP_PX // max(pixels.shape[1], 1), 1)
    for first in range(0, len(pixels), rows):
        strip = cv2.cvtColor(pixels[first : first + rows].astype(np.float32), cv2.COLOR_RGB2HSV)
        hues, saturations, values = cv2.split(strip)
        hues += degrees
        np.minimum(np.multiply(saturations, saturation, out=saturations), 1, out=saturations)
        np.minimum(np.multiply(values, value, out=values), 255, out=values)
        cv2.merge((hues, saturations, values), dst=strip)
        cv2.cvtColor(strip, cv2.COLOR_HSV2RGB, dst=strip)
        changed[first : first + rows] = cv2.convertScaleAbs(strip)
    return changed
