"""Read a photo as ultralytics' loader reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.offline import ultralytics
from headlab.errors import SourceError
from headlab.files.path_text import path_of


def read_bgr(path: str | Path) -> NDArray[np.uint8]:
    """A photo's pixels, rotated by Exif: uint8, shape (H, W, 3), blue first.

    Raises:
        SourceError: it cannot be read.
    """
    pixels: Any = ultralytics("utils.patches").imread(path_of(str(path)))
    if pixels is None:
        raise SourceError(f"{path}: not readable as an image.", "Is the file damaged?")
    bgr: NDArray[np.uint8] = pixels
    return bgr
