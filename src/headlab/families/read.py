"""Read a model file of any family."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headlab.checkpoint.model_path import check_model_path
from headlab.errors import CheckpointError
from headlab.families.table import family_of, family_of_file

if TYPE_CHECKING:
    from headlab.checkpoint.checkpoint import Checkpoint
    from headlab.checkpoint.yolov3.companion_files import CompanionFiles


def read(path: str | Path, companions: CompanionFiles | None = None) -> Checkpoint:
    """Read a model file as data: nothing in it is imported or called.

    Args:
        path: an ultralytics checkpoint (`.pt`), or a YOLOv3 model: darknet (`.weights`), keras-yolo3
            (`.h5`) or headlab's own (`.safetensors`).
        companions: the files that say what YOLOv3 weights do not; by default they are looked for.

    Raises:
        CheckpointError: the file is missing, damaged, in another format, or holds no model.
        InputError: files are named in `companions` for a model that needs none.
    """
    where = Path(path)
    check_model_path(where)
    checkpoint: Checkpoint = family_of_file(where).read(where, companions)
    return checkpoint


def check_harmless(checkpoint: Checkpoint) -> None:
    """Refuse a file that would run something when another program loads it.

    Raises:
        CheckpointError: it holds calls that do not belong in a model file.
    """
    warnings = family_of(checkpoint).warnings(checkpoint)
    if warnings:
        raise CheckpointError(
            f"{checkpoint.path}: {' '.join(warnings)}",
            "Do not load it with other programs, unless you know why the calls are there.",
        )
