"""Decode a photo, in one way for all: what `boxes check --deep` finds sound, `train` and `trace` can read.

The pixels are ultralytics'. Without it, as where nothing is traced or trained, Pillow decodes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from headlab.boxes.photos.headers import NotAPhoto, opened_by_pillow, read_header
from headlab.errors import MissingExtra, SourceError
from headlab.extras import ultralytics
from headlab.files.opening import opened
from headlab.files.path_text import path_of
from headlab.plain_text import size_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PIXELS = 1 << 28
"""A larger photo would take more than 800 MB, in each of the processes that load photos."""

_COLOUR, _GREY = 3, 1
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG, _PNG_END = b"\x89PNG", b"\0\0\0\0IEND\xaeB`\x82"
_TAIL_BYTES = len(_PNG_END)
_CUT_OFF = "the file is truncated"
_UNREADABLE = "it cannot be decoded as an image"


def decoded_bgr(path: str | Path, channels: int = _COLOUR) -> NDArray[np.uint8]:
    """A photo's pixels as ultralytics reads them, rotated by Exif: uint8, (H, W, channels), blue first.

    A truncated photo is refused, although some decoders fill the missing part with grey.

    Args:
        path: of the photo.
        channels: 3 for colour, 1 for grey; for another number, those that the file has.

    Raises:
        SourceError: it cannot be read; the message says why, without the path.
        MissingExtra: ultralytics is not installed.
    """
    imread = ultralytics("utils.patches").imread
    with _opened(path) as file:
        fault = _fault(file)
        # A header that Pillow does not understand may be one that OpenCV does.
        if fault in (_CUT_OFF, _EMPTY) or fault.startswith(_TOO_LARGE):
            raise SourceError(fault)
        try:
            pixels: NDArray[Any] | None = _silently(imread, path_of(str(path)), channels)
        except Exception:  # OpenCV's errors, Pillow's, or no memory: all mean the same here
            pixels = None
        if pixels is None:
            raise SourceError(fault or _why_undecodable(file))
    if pixels.dtype.name != "uint8":
        raise SourceError(f"its pixels are {pixels.dtype.name} numbers")
    if channels in (_COLOUR, _GREY) and pixels.shape[2] != channels:
        raise SourceError(f"its pixels have {pixels.shape[2]} channels")
    return pixels


def decoding_fault(path: str | Path) -> str:
    """Why a photo cannot be decoded; empty if it can."""
    try:
        decoded_bgr(path)
    except SourceError as error:
        return error.message
    except MissingExtra:
        return _fault_for_pillow(path)
    return ""


def _fault_for_pillow(path: str | Path) -> str:
    try:
        with _opened(path) as file:
            return _fault(file) or _undecodable_by_pillow(file)
    except SourceError as error:
        return error.message


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[BinaryIO]:
    """The file.

    Raises:
        SourceError: it cannot be opened or read.
    """
    try:
        with BufferedReader(opened(str(path))) as file:
            yield file
    except (OSError, ValueError) as error:
        raise SourceError(getattr(error, "strerror", None) or str(error)) from None


def _fault(file: BinaryIO) -> str:
    """What is wrong with a photo's header and its end; empty if nothing is."""
    try:
        header = read_header(file)
    except NotAPhoto as error:
        return str(error)
    if header.width_px * header.height_px > MOST_PIXELS:
        return f"{_TOO_LARGE} {size_text((header.height_px, header.width_px))}"
    return "" if _is_whole(file) else _CUT_OFF


_TOO_LARGE = "it claims"
_EMPTY = "the file is empty"


def _is_whole(file: BinaryIO) -> bool:
    """Whether a JPEG or PNG is complete.

    If its end is not at the end of the file, other data may follow: a PNG's is looked for, and for a JPEG's
    Pillow tries to decode the file, since thumbnails have ends, too.
    """
    file.seek(0)
    start = file.read(len(_PNG))
    if not start.startswith((_JPEG, _PNG)):
        return True
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - _TAIL_BYTES))
    tail = file.read()
    if start.startswith(_JPEG):
        return tail.endswith(_JPEG_END) or not _undecodable_by_pillow(file)
    if tail.endswith(_PNG_END):
        return True
    file.seek(0)
    return _PNG_END in file.read()


def _undecodable_by_pillow(file: BinaryIO) -> str:
    """Why Pillow cannot decode a photo as colours; empty if it can."""
    import warnings

    try:
        with opened_by_pillow(file) as photo, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            photo.load()
            return _WIDE_PIXELS.get(photo.mode, "")
    except NotAPhoto as error:
        return str(error)
    except Exception as error:  # Pillow's readers raise anything at all for a damaged file
        return _CUT_OFF if "truncated" in str(error) else str(error) or type(error).__name__


_WIDE_PIXELS = {
    "F": "its pixels are floating-point numbers, not colours of 8 or 16 bits",
    "I": "its pixels are numbers of 32 bits, not colours of 8 or 16 bits",
}


def _why_undecodable(file: BinaryIO) -> str:
    return _undecodable_by_pillow(file) or _UNREADABLE


def _silently(imread: Any, path: str, channels: int) -> Any:
    """Read without OpenCV's own messages about damaged files."""
    import cv2

    flags = {_GREY: cv2.IMREAD_GRAYSCALE, _COLOUR: cv2.IMREAD_COLOR}
    logging = cv2.utils.logging
    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        return imread(path, flags=flags.get(channels, cv2.IMREAD_UNCHANGED))
    finally:
        logging.setLogLevel(level)
