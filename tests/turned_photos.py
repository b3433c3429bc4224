"""Small photos that Exif says are to be turned, written by the tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

ORIENTATION = 0x0112


def save_stored(path: Path, photo: Image.Image, orientation: int) -> None:
    """Save a photo's pixels as they are, saying how they are to be turned; PNG keeps them exactly."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo.save(path, exif=exif, quality=100, subsampling=0)


def write_turned(path: Path, orientation: int, box: Sequence[int]) -> None:
    """A black photo of 64 x 48 px as stored, white within a box, that says how it is to be turned."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    x1, y1, x2, y2 = box
    pixels[y1:y2, x1:x2] = 255
    save_stored(path, Image.fromarray(pixels), orientation)
