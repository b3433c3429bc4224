"""The folder of a training: a new one for each, never one with something in it, never one that two write."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from headlab.errors import OutputError
from headlab.files.atomic import TEMPORARY_SUFFIX
from headlab.files.folder import make_folder

RUNS = Path("runs")
CONFIG_NAME = "config.yaml"
STATE_NAME = "state.pt"
METRICS, STEPS, TENSORBOARD = "metrics.csv", "steps.csv", "tensorboard"
BEST, LAST = "best", "last"
"""The names of the weight files, without their suffixes."""

LOCK_NAME = "training.lock"
"""It is there while a training writes into the folder, and after one that was killed."""

WEIGHT_SUFFIXES = {"safetensors": ".safetensors", "darknet": ".weights", "h5": ".h5"}
"""The suffix of each format that weights are saved in."""

_BEFORE_THE_FIRST_STATE = (CONFIG_NAME, LOCK_NAME, METRICS, STEPS, TENSORBOARD)
_ANOTHER = "Give another one with -o"


def free_folder() -> Path:
    """The first of runs/train, runs/train-2, … that does not exist or is empty."""
    number = 1
    while True:
        folder = RUNS / ("train" if number == 1 else f"train-{number}")
        if not folder.exists() or (_is_free(folder) and not _is_claimed(folder)):
            return folder
        number += 1


def check_is_free(folder: Path) -> None:
    """Refuse a folder for a new training that has something in it.

    What a training left that was killed before the end of its first epoch does not count.

    Raises:
        OutputError: it is not empty, or it is a file.
    """
    if not folder.exists() or _is_free(folder):
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file; a folder is expected.", f"{_ANOTHER}.")
    otherwise = "empty the folder: there is no training in it to resume."
    if (folder / STATE_NAME).is_file():
        otherwise = f"resume it: {resume_command(folder)}"
    raise OutputError(
        f"{folder}: the folder is not empty, and an earlier training is never overwritten.",
        f"{_ANOTHER}, or {otherwise}",
    )


@contextlib.contextmanager
def claimed(folder: Path, *, new: bool) -> Iterator[None]:
    """Keep a folder for one training as long as it runs.

    A new training that ends before its first epoch is done leaves nothing: the same command works again.

    Args:
        folder: it is made if it does not exist.
        new: the training is not resumed, so that the folder must be free.

    Raises:
        OutputError: another training writes into it, it is not free, or it cannot be made.
    """
    if (
        new
    ):  # before there is a lock, which tells what a killed training left from what a user put there
        check_is_free(folder)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    make_folder(folder, f"{_ANOTHER}.")
    lock = folder / LOCK_NAME
    with _locked_file(lock) as file:
        try:
            if new:
                check_is_free(folder)
                _clear_unfinished(folder)
            yield
        except BaseException:
            if new and _is_unfinished(folder):
                _clear_unfinished(folder)
                _remove(lock, file)
                with contextlib.suppress(OSError):
                    for path in made:
                        path.rmdir()
            raise
        finally:
            _remove(lock, file)


def resume_command(folder: Path) -> str:
    """The command that resumes a training."""
    return f"headlab train --resume {shlex.quote(str(folder))}"


def _locked_file(path: Path) -> BinaryIO:
    """A file with a lock, which the system ends with the process, however that ends.

    Raises:
        OutputError: another process holds it, or the file cannot be made.
    """
    try:
        while True:
            file = path.open("ab")
            _lock(file)
            if _is_still(path, file):
                return file
            file.close()
    except BlockingIOError:
        file.close()
        raise OutputError(
            f"{path.parent}: another training is writing into this folder.",
            f"Wait until it has ended, or give another folder with -o. ({path.name} belongs to it.)",
        ) from None
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}.", f"{_ANOTHER}."
        ) from error


def _lock(file: BinaryIO) -> None:
    """Lock a file for this process, but not for those that it starts, which may outlive it by seconds.

    Raises:
        BlockingIOError: another process has locked it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise BlockingIOError from error
    except OSError:  # a file system without locks
        return


def _is_still(path: Path, file: BinaryIO) -> bool:
    """Whether an open file is the one of this name; its last owner may have removed it meanwhile."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _remove(path: Path, file: BinaryIO) -> None:
    """Remove the lock, if it is there and this process's."""
    with contextlib.suppress(OSError):
        if _is_still(path, file):
            path.unlink()


def _is_claimed(folder: Path) -> bool:
    """Whether a training is writing into a folder."""
    try:
        with (folder / LOCK_NAME).open("rb+") as file:
            _lock(file)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _is_free(folder: Path) -> bool:
    return folder.is_dir() and (not any(folder.iterdir()) or _is_unfinished(folder))


def _is_unfinished(folder: Path) -> bool:
    """Whether there is nothing but what a training wrote before the end of its first epoch."""
    names = {path.name for path in folder.iterdir()}
    return LOCK_NAME in names and all(
        name in _BEFORE_THE_FIRST_STATE or _is_half_written(name) for name in names
    )


def _is_half_written(name: str) -> bool:
    return name.startswith(".") and name.endswith(TEMPORARY_SUFFIX)


def _clear_unfinished(folder: Path) -> None:
    """Remove what such a training left, apart from the lock."""
    for path in folder.iterdir():
        if path.name != LOCK_NAME:
            with contextlib.suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
