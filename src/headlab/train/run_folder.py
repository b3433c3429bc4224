"""The folder of a training: a new one for each, and never one with something in it."""

from __future__ import annotations

import shlex
from pathlib import Path

from headlab.errors import OutputError

RUNS = Path("runs")
CONFIG_NAME = "config.yaml"
STATE_NAME = "state.pt"
BEST, LAST = "best", "last"
"""The names of the weight files, without their suffixes."""

WEIGHT_SUFFIXES = {"safetensors": ".safetensors", "darknet": ".weights", "h5": ".h5"}
"""The suffix of each format that weights are saved in."""


def free_folder() -> Path:
    """The first of runs/train, runs/train-2, … that does not exist or is empty."""
    number = 1
    while True:
        folder = RUNS / ("train" if number == 1 else f"train-{number}")
        if not folder.exists() or _is_empty(folder):
            return folder
        number += 1


def check_is_free(folder: Path) -> None:
    """Refuse a folder for a new training that has something in it.

    Raises:
        OutputError: it is not empty, or it is a file.
    """
    if not folder.exists() or _is_empty(folder):
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file; a folder is expected.", "Give another one with -o.")
    otherwise = "empty the folder: there is no training in it to resume."
    if (folder / STATE_NAME).is_file():
        otherwise = f"resume it: {resume_command(folder)}"
    raise OutputError(
        f"{folder}: the folder is not empty, and an earlier training is never overwritten.",
        f"Give another one with -o, or {otherwise}",
    )


def resume_command(folder: Path) -> str:
    """The command that resumes a training."""
    return f"headlab train --resume {shlex.quote(str(folder))}"


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
