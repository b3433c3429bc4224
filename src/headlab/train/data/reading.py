"""Read a photo to train on, or say why it cannot be read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from headlab.boxes.photos.decoding import decoded_bgr

_STDERR = 2


def read_rgb(path: str) -> NDArray[np.uint8]:
    """A photo's pixels as every command reads them, but in the order RGB: uint8, (H, W, 3).

    Raises:
        SourceError: it cannot be read; the message says why, without the path.
    """
    with _quiet():
        pixels = decoded_bgr(path)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """In the loader's processes, keep what decoders print about damaged photos off the terminal.

    Decoders print on their own, whatever OpenCV's log level. A process with other threads is left alone:
    what those print would be lost, too.
    """
    if get_worker_info() is None:
        yield
        return
    kept, nowhere = os.dup(_STDERR), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)
