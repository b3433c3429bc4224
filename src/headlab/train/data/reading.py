"""Read a photo to train on, or say why it cannot be read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from headlab.boxes.photos.headers import NotAPhoto, opened_by_pillow, read_header
from headlab.detect.photos import read_bgr
from headlab.errors import SourceError
from headlab.files.opening import opened

MOST_PIXELS = 1 << 28
"""A larger photo would take more than 800 MB in each of the loader's processes."""

_CHANNELS = 3
_STDERR = 2
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG, _PNG_END = b"\x89PNG", b"IEND"
_TAIL_BYTES = 12
"""The last chunk of a PNG."""


def read_rgb(path: str) -> NDArray[np.uint8]:
    """A photo's pixels as every command reads them, but in the order RGB: uint8, (H, W, 3).

    A truncated JPEG or PNG is refused, although some decoders fill the missing part with grey.

    Raises:
        SourceError: it cannot be read; the message says why, without the path.
    """
    try:
        with BufferedReader(opened(path)) as file:
            fault = _fault(file)
            whole = fault or _is_whole(file)
    except (OSError, ValueError) as error:
        raise SourceError(getattr(error, "strerror", None) or str(error)) from None
    if not whole:
        raise SourceError("the file is truncated")
    if fault.startswith(_TOO_LARGE):
        raise SourceError(fault)
    try:
        with _quiet():
            pixels = read_bgr(path)
    except (SourceError, cv2.error, MemoryError) as error:
        raise SourceError(fault or _UNREADABLE) from error
    if pixels.dtype != np.uint8 or pixels.shape[2] != _CHANNELS:
        raise SourceError(f"its pixels are {pixels.dtype} in {pixels.shape[2]} channels")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


_TOO_LARGE = "it claims"
_UNREADABLE = "it cannot be decoded as an image"


def _fault(file: BinaryIO) -> str:
    """What is wrong with a photo's header; empty if it is sound."""
    try:
        header = read_header(file)
    except NotAPhoto as error:
        return str(error)
    if header.width_px * header.height_px > MOST_PIXELS:
        return f"{_TOO_LARGE} {header.width_px} x {header.height_px} px"
    return ""


def _is_whole(file: BinaryIO) -> bool:
    """Whether a JPEG or PNG is complete. If its end marker is not at the end, Pillow tries to decode it."""
    file.seek(0)
    start = file.read(len(_PNG))
    if not start.startswith((_JPEG, _PNG)):
        return True
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - _TAIL_BYTES))
    tail = file.read()
    if tail.endswith(_JPEG_END) if start.startswith(_JPEG) else _PNG_END in tail:
        return True
    try:
        with opened_by_pillow(file) as photo:
            photo.load()
    except Exception:  # Pillow's readers raise whatever a damaged file makes them stumble over
        return False
    return True


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
