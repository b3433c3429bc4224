"""The size of a photo from its first bytes, without decoding it.

JPEG and PNG are read here, which takes a fraction of the time of opening them with Pillow; Pillow reads
the headers of everything else.

Sources: ITU-T T.81 (JPEG), section B; CIPA DC-008 (Exif), section 4.5.2; W3C PNG, section 11.2.2.
"""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

UPRIGHT = 1
_QUARTER_TURNS = (5, 6, 7, 8)

_FIRST_BYTES = 8192
_PNG = b"\x89PNG\r\n\x1a\n"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD8)))
_START_OF_SCAN, _END_OF_IMAGE, _APP1 = 0xDA, 0xD9, 0xE1
_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class Header:
    """What the first bytes of a photo say.

    Attributes:
        width_px: as stored.
        height_px: as stored.
        orientation: Exif's 1 to 8; 1 is upright, and from 5 on the photo is shown with its sides swapped.
    """

    width_px: int
    height_px: int
    orientation: int = UPRIGHT

    @property
    def upright_wh_px(self) -> tuple[int, int]:
        """Width and height of the photo rotated as its orientation says."""
        if self.orientation in _QUARTER_TURNS:
            return self.height_px, self.width_px
        return self.width_px, self.height_px


class NotAPhoto(Exception):
    """The file is not a photo that can be read; the text says why, without the file's name."""


def read_header(file: BinaryIO) -> Header:
    """The header of an open photo.

    Raises:
        NotAPhoto: it is not a photo, or its header is damaged.
    """
    start = file.read(_FIRST_BYTES)
    if not start:
        raise NotAPhoto("the file is empty")
    try:
        if start.startswith(_PNG) and start[12:16] == b"IHDR" and b"eXIf" not in start:
            return _sound(Header(*struct.unpack(">II", start[16:24])))
        if start.startswith(b"\xff\xd8"):
            return _sound(_jpeg(_Window(file, start)))
    except (struct.error, IndexError):
        raise NotAPhoto("its header is cut off") from None
    return _sound(_by_pillow(file))


class _Window:
    """Bytes anywhere in a file, of which the first have already been read."""

    def __init__(self, file: BinaryIO, start: bytes) -> None:
        self._file = file
        self._start = start

    def __call__(self, at: int, count: int) -> bytes:
        if at + count <= len(self._start):
            return self._start[at : at + count]
        self._file.seek(at)
        data = self._file.read(count)
        if len(data) < count:
            raise IndexError
        return data


def _jpeg(read: _Window) -> Header:
    at, orientation = 2, UPRIGHT
    while True:
        mark, kind = read(at, 2)
        if mark != 0xFF:
            raise NotAPhoto("its header is damaged")
        if kind == 0xFF:  # any number of these may precede a marker
            at += 1
            continue
        if kind in _WITHOUT_LENGTH:
            at += 2
            continue
        if kind in (_START_OF_SCAN, _END_OF_IMAGE):
            raise NotAPhoto("its header does not give a size")
        (size,) = struct.unpack(">H", read(at + 2, 2))
        if kind in _START_OF_FRAME:
            height, width = struct.unpack(">HH", read(at + 5, 4))
            return Header(width, height, orientation)
        if kind == _APP1 and size > _SMALLEST_EXIF and read(at + 4, 6) == b"Exif\0\0":
            orientation = _orientation(read(at + 10, size - 8))
        at += 2 + size


_SMALLEST_EXIF = 16


def _orientation(tiff: bytes) -> int:
    """The orientation in an Exif block; upright if the block is damaged or has none."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        (at,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, entry)
            if tag == _ORIENTATION_TAG:
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT


def opened_by_pillow(file: BinaryIO) -> ImageFile:
    """Pillow's image of an open file, of which only the header has been read.

    Not opened with `PIL.Image.open`: ultralytics replaces that with a function that installs packages for
    files that it does not know.

    Raises:
        NotAPhoto: Pillow cannot read it.
    """
    from PIL import Image

    Image.init()
    file.seek(0)
    prefix = file.read(_PILLOWS_PREFIX)
    if len(prefix) < _PILLOWS_PREFIX:
        raise NotAPhoto("it is not an image of a known kind")
    for kind in Image.ID:
        factory, accepts = Image.OPEN[kind]
        if accepts is None or accepts(prefix) is not True:
            continue
        file.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return factory(file, "")
        except Exception as error:  # Pillow's readers raise anything at all for a damaged file
            raise NotAPhoto(f"its header is damaged ({error or type(error).__name__})") from None
    raise NotAPhoto("it is not an image of a known kind")


_PILLOWS_PREFIX = 16


def _by_pillow(file: BinaryIO) -> Header:
    with opened_by_pillow(file) as photo, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tagged = photo.getexif().get(_ORIENTATION_TAG, UPRIGHT)
        except Exception:  # as above; a photo whose Exif is damaged is upright
            tagged = UPRIGHT
        orientation = tagged if tagged in range(1, 9) else UPRIGHT
        if photo.format != "TIFF":
            return Header(photo.width, photo.height, orientation)
        # Every reader rotates a TIFF, even keras-yolo3's; older versions of Pillow only after the header.
        tags = photo.tag_v2
        return Header(*Header(tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT], orientation).upright_wh_px)


_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257


def _sound(header: Header) -> Header:
    if header.width_px < 1 or header.height_px < 1:
        raise NotAPhoto(
            f"its header says that it is {header.width_px} px wide and {header.height_px} px high"
        )
    return header
