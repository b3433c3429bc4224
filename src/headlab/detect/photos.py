"""Read a photo as every command does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headlab.boxes.photos.decoding import decoded_bgr
from headlab.errors import SourceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_bgr(path: str | Path) -> NDArray[np.uint8]:
    """A photo's pixels, rotated by Exif: uint8, shape (H, W, 3), blue first.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        return decoded_bgr(path)
    except SourceError as error:
        raise SourceError(f"{path}: {error.message}.") from None
