"""The families of models that headlab knows. A new one is a folder and a row here; see docs/extending.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headlab.checkpoint.first_bytes import first_bytes
from headlab.families.ultralytics.family import Ultralytics
from headlab.families.yolov3.family import Yolov3

if TYPE_CHECKING:
    from pathlib import Path

    from headlab.checkpoint.checkpoint import Checkpoint
    from headlab.checkpoint.file_format import FileFormat
    from headlab.families.family import Family

FAMILIES: tuple[Family[Any], ...] = (Yolov3(), Ultralytics())
"""The first that recognises a file reads it; the first that owns a checkpoint describes it. ultralytics takes
any file, so that it comes last."""


def family_of(checkpoint: Checkpoint) -> Family[Any]:
    """The family that a checkpoint is of.

    Raises:
        UnsupportedHead: it is of none.
    """
    for family in FAMILIES:
        if family.owns(checkpoint):
            return family
    from headlab.errors import UnsupportedHead

    raise UnsupportedHead(
        f"{checkpoint.path}: headlab knows no family of models in the format {checkpoint.format!r}."
    )


def family_of_file(path: Path) -> Family[Any]:
    """The family whose reader takes a file, or says what is wrong with it."""
    start = first_bytes(path)
    return next(family for family in FAMILIES if family.recognises(path, start))


def file_formats() -> tuple[FileFormat, ...]:
    """The file formats of all families; a suffix that ends in another one comes before it."""
    every = dict.fromkeys(each for family in FAMILIES for each in family.formats)
    return tuple(sorted(every, key=lambda each: -len(each.suffix)))


def convertible(suffix: str, to: str) -> bool:
    """Whether `headlab convert` makes files of one suffix from files of another."""
    families = [{each.suffix for each in family.formats} for family in FAMILIES if family.converts]
    return any({suffix, to} <= suffixes for suffixes in families)
