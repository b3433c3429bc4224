"""Write several files so that they appear together, when all of them are complete."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from headlab.errors import OutputError


@contextlib.contextmanager
def placed(folder: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside `folder`; on success its contents move to `folder`, else they vanish.

    A folder that does not exist yet appears in one step. In one that exists, what has the same name is
    refused, or, with `force`, replaced; everything else there stays.

    Raises:
        OutputError: something of the same name exists, or the place cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, not a folder.", "Give the path of a folder.")
    staging: Path | None = None
    try:
        home = folder.resolve().parent if not folder.exists() else folder
        staging = Path(tempfile.mkdtemp(prefix=".headlab.", suffix=".part", dir=home))
        filled = staging / "new"
        filled.mkdir()
        yield filled
        _move(filled, folder, staging, force)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{folder}: cannot be written: {reason}. Nothing was changed.",
            "Check the path, its permissions and the space on the disk.",
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


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
    for name in new:
        if name in taken:
            (folder / name).rename(old / name)
        try:
            (filled / name).rename(folder / name)
        except OSError:
            if name in taken:
                (old / name).rename(folder / name)
            raise


_SHOWN = 5
