"""Make folders, and fill them so that their files appear together, when all of them are complete."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from headlab.errors import OutputError
from headlab.files.atomic import TEMPORARY_SUFFIX, explained

_PREFIX = ".headlab."
_SHOWN = 5


def make_folder(folder: Path, hint: str = "") -> None:
    """Make a folder and those above it, unless they are there.

    Args:
        folder: the folder.
        hint: what to do if it cannot be made.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: the folder cannot be made: {error.strerror}.",
            hint or "Give another folder.",
        ) from error


@contextlib.contextmanager
def staging(home: Path, target: Path) -> Iterator[Path]:
    """Yield an empty, hidden folder that vanishes afterwards.

    Args:
        home: the folder to make it in, so that what is in it can be renamed to another place on that disk.
        target: what the user knows that is being written, for messages.

    Raises:
        OutputError: it cannot be made, or what the body writes into it does not fit on the disk.
    """
    hidden: Path | None = None
    try:
        hidden = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=TEMPORARY_SUFFIX, dir=home))
        yield hidden
    except OSError as error:
        raise explained(error, target) from error
    finally:
        if hidden is not None:
            shutil.rmtree(hidden, ignore_errors=True)


@contextlib.contextmanager
def placed(folder: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill; on success its contents move to `folder`, else they vanish.

    A folder that does not exist yet appears in one step. In one that exists, what has the same name is
    refused or, with `force`, replaced; everything else there stays. The files are not flushed one by one, as
    `headlab.files.atomic` does it: there may be a hundred thousand of them, and what they are made of is
    still there.

    Raises:
        OutputError: something of the same name exists, or the place cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, not a folder.", "Give the path of a folder.")
    home = folder if folder.exists() else folder.resolve().parent
    with staging(home, folder) as hidden:
        try:
            filled = hidden / "new"
            filled.mkdir()
            yield filled
            _move(filled, folder, hidden, force)
        except OSError as error:  # of reading what is copied, too
            reason = error.strerror or str(error)
            raise OutputError(
                f"{folder}: cannot be written: {reason}. Nothing was changed.",
                "Check the path, its permissions and the space on the disk.",
            ) from error


def _move(filled: Path, folder: Path, staging: Path, force: bool) -> None:
    if not folder.exists():
        filled.rename(folder)
        return
    new = sorted(os.listdir(filled))  # noqa: PTH208 - names are what is wanted
    taken = [name for name in new if os.path.lexists(folder / name)]
    if taken and not force:
        shown = ", ".join(taken[:_SHOWN]) + (", …" if len(taken) > _SHOWN else "")
        raise OutputError(
            f"{folder} already has {shown}. Nothing was changed.",
            "Write to another place, or say --force to replace them.",
        )
    old = staging / "old"
    old.mkdir()
    with contextlib.ExitStack() as put_back:
        for name in new:
            if name in taken:
                (folder / name).rename(old / name)
                put_back.callback((old / name).rename, folder / name)
            (filled / name).rename(folder / name)
            put_back.callback((folder / name).rename, filled / name)
        put_back.pop_all()
