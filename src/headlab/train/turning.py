"""Boxes that were drawn on a photo as it is stored, on the photo as it is shown upright.

Source: CIPA DC-008 (Exif), section 4.6.4, the tag Orientation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MIRRORED_X = (2, 3, 7, 8)
_MIRRORED_Y = (3, 4, 6, 7)
_SWAPPED = (5, 6, 7, 8)


def upright(
    boxes_xyxy_px: NDArray[np.float64], stored_wh_px: tuple[int, int], orientation: int
) -> NDArray[np.float64]:
    """Turn boxes along with their photo.

    Mirror along x (x becomes W - x) and y as the orientation says, then swap x and y if it does: with 6,
    stored (x, y) becomes (H - y, x), which is a quarter turn clockwise.

    Args:
        boxes_xyxy_px: x1, y1, x2, y2 in the stored pixels, (n, 4).
        stored_wh_px: width and height as stored.
        orientation: Exif's 1 to 8.

    Returns:
        (n, 4) in the upright pixels; corners that were swapped stay swapped.
    """
    width, height = stored_wh_px
    x1, y1, x2, y2 = boxes_xyxy_px.T
    if orientation in _MIRRORED_X:
        x1, x2 = width - x2, width - x1
    if orientation in _MIRRORED_Y:
        y1, y2 = height - y2, height - y1
    if orientation in _SWAPPED:
        x1, y1, x2, y2 = y1, x1, y2, x2
    return np.stack((x1, y1, x2, y2), axis=-1)
