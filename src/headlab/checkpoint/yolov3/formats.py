"""The file formats of YOLOv3 models, and which of them a file is in."""

from __future__ import annotations

import re
from pathlib import Path

from headlab.checkpoint.file_format import FileFormat
from headlab.errors import InputError

FORMATS = (
    FileFormat("keras", ".weights.h5", "Keras 3 weights"),
    FileFormat("keras", ".h5", "keras-yolo3 weights"),
    FileFormat("darknet", ".weights", "darknet weights"),
    FileFormat("headlab", ".safetensors", "headlab's own format"),
)
"""A suffix that ends in another one comes before it."""

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_DARKNET_NAME = re.compile(r".*\.(weights|conv\.\d+|backup)", re.IGNORECASE)
_JSON_AT = 8
_SUFFIXES = (".cfg", ".h5", ".hdf5", ".keras", ".safetensors")
_ZIP_MAGIC = b"PK\x03\x04"


def format_of(path: Path) -> FileFormat:
    """The format that an output's name asks for.

    Raises:
        InputError: it asks for none of them.
    """
    for each in FORMATS:
        if path.name.lower().endswith(each.suffix):
            return each
    known = ", ".join(f"{each.suffix} ({each.words})" for each in FORMATS)
    raise InputError(
        f"{path}: the name does not say in which format to write.", f"End it in one of: {known}."
    )


def claimed(path: Path, first_bytes: bytes) -> bool:
    """Whether a file is in one of the formats, or has a name that only they have.

    Then their reader says what is wrong with it. A zip archive is left to those who read `.pt` files, unless
    it is Keras'.

    Args:
        path: the file.
        first_bytes: see `recognised`.
    """
    if recognised(path, first_bytes) is not None:
        return True
    suffix = path.suffix.lower()
    usual = suffix == ".keras" or not first_bytes.startswith(_ZIP_MAGIC)
    return suffix in _SUFFIXES and usual and path.is_file()


def recognised(path: Path, first_bytes: bytes) -> str | None:
    """The name of the format that a file is in, or None.

    HDF5 and safetensors files are known by their first bytes. A darknet file begins with three small
    numbers, as many files do, so it is known by its name.

    Args:
        path: the file.
        first_bytes: at least 16 of them, as far as the file has so many.
    """
    if first_bytes.startswith(_HDF5_MAGIC):
        return "keras"
    if first_bytes[_JSON_AT : _JSON_AT + 1] == b"{" and not first_bytes.startswith(b"{"):
        return "headlab"
    if _DARKNET_NAME.fullmatch(path.name) and path.is_file():
        return "darknet"
    return None
