"""The families of models that headlab knows. A new one is a folder and a row here; see docs/extending.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headlab.families.ultralytics.family import Ultralytics
from headlab.families.yolov3.family import Yolov3

if TYPE_CHECKING:
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


def file_formats() -> tuple[FileFormat, ...]:
    """The file formats of all families; a suffix that ends in another one comes before it."""
    every = dict.fromkeys(each for family in FAMILIES for each in family.formats)
    return tuple(sorted(every, key=lambda each: -len(each.suffix)))
