"""Read a model file of any format that headlab knows; which one, its first bytes say."""

from __future__ import annotations

import re
from pathlib import Path

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.errors import CheckpointError, InputError

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_DARKNET_NAME = re.compile(r".*\.(weights|conv\.\d+|backup)", re.IGNORECASE)
_JSON_AT = 8


def read(path: str | Path, beside: CompanionFiles | None = None) -> Checkpoint:
    """Read a model file as data: nothing in it is imported or called.

    Args:
        path: an ultralytics checkpoint (`.pt`), or a YOLOv3 model: darknet (`.weights`), keras-yolo3
            (`.h5`) or headlab's own (`.safetensors`).
        beside: the files that say what YOLOv3 weights do not; by default they are looked for.

    Raises:
        CheckpointError: the file is missing, damaged, in another format, or holds no model.
        InputError: files are named in `beside` for a model that needs none.
    """
    where = Path(path)
    head = _head(where)
    if head.startswith(_HDF5_MAGIC):
        from headlab.checkpoint.yolov3.keras.checkpoint import read_keras

        return read_keras(where, beside or CompanionFiles())
    if head[_JSON_AT : _JSON_AT + 1] == b"{" and not head.startswith(b"{"):
        from headlab.checkpoint.yolov3.safetensors_file import read_safetensors

        return read_safetensors(where, beside or CompanionFiles())
    if _DARKNET_NAME.fullmatch(where.name) and where.is_file():
        from headlab.checkpoint.yolov3.darknet.checkpoint import read_darknet

        return read_darknet(where, beside or CompanionFiles())
    if beside is not None and beside != CompanionFiles():
        raise InputError(
            f"{path}: a .pt file holds its classes and strides itself.",
            "Leave --cfg, --names and --anchors out.",
        )
    if where.suffix.lower() == ".cfg" and where.is_file():
        raise CheckpointError(
            f"{path}: a .cfg describes a network, but holds no weights.",
            "Give the .weights file; the .cfg is found beside it, or named with --cfg.",
        )
    from headlab.checkpoint.pt.checkpoint import read as read_pt

    return read_pt(where)


def _head(path: Path) -> bytes:
    """The first bytes; none where the file cannot be read, which the format's own reader explains."""
    try:
        with path.open("rb") as file:
            return file.read(_JSON_AT + 8)
    except OSError:
        return b""
