"""Write a file so that a crash at any point leaves either the old file or the new one."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from headlab.errors import OutputError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; on success flush it to the disk and rename it to `path`.

    On any error the temporary file is removed and `path` stays as it was. A symbolic link is followed,
    so that the file it points to is the one replaced; an existing file's permissions are kept.

    Raises:
        OutputError: the folder is missing or read-only, the disk is full, or `path` is something
            other than a file that may be written.
    """
    temporary: Path | None = None
    try:
        target = Path(os.path.realpath(path))
        _check_replaceable(target, path)
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name[:_SHOWN_CHARACTERS]}.", suffix=".part", dir=target.parent
        )
        temporary = Path(name)
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(target))
        temporary.replace(target)
        temporary = None
        _flush_folder(target.parent)
    except OSError as error:
        raise explained(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file's contents, whole or not at all.

    Raises:
        OutputError: the folder is missing or read-only, or the disk is full.
    """
    with replacing(path) as file:
        file.write(data)


def check_is_not(output: Path, source: Path) -> None:
    """Refuse to write over the input, however its path is spelled.

    Raises:
        OutputError: both paths lead to the same file.
    """
    same = os.path.realpath(output) == os.path.realpath(source)
    with contextlib.suppress(OSError):  # one of them may not exist
        same = same or output.samefile(source)
    if same:
        raise OutputError(
            f"{output} is the input itself.",
            "Give another output with -o, or say --in-place if you mean to replace it.",
        )


def _check_replaceable(target: Path, path: Path) -> None:
    """Refuse to replace a device or a read-only file, which renaming would do without a word."""
    if not target.exists() or target.is_dir():
        return
    if not target.is_file():
        raise OutputError(f"{path} is a device or a pipe, not a file.", "Give the path of a file.")
    if not os.access(target, os.W_OK):
        raise OutputError(
            f"{path}: the file is read-only. Nothing was changed.",
            "Write to another file, or make this one writable.",
        )


def _mode(target: Path) -> int:
    if target.exists():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can flush a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


_SHOWN_CHARACTERS = 40

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space, or write to another disk."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space, or write to another disk."),
    errno.EROFS: ("the file system is read-only", "Write to another folder."),
    errno.EACCES: ("the folder may not be written", "Write to a folder of your own."),
    errno.EPERM: ("the folder may not be written", "Write to a folder of your own."),
    errno.ENOENT: ("there is no such folder", "Make the folder first."),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "Correct the path."),
    errno.EFBIG: ("it would be larger than files may be", "Write to another disk."),
    errno.EISDIR: ("it is a folder", "Give the path of a file."),
}


def explained(error: OSError, path: Path) -> OutputError:
    """The error that tells why a path cannot be written, and what to do."""
    reason, hint = _REASONS.get(error.errno or 0, (str(error.strerror or error), ""))
    return OutputError(f"{path}: cannot be written: {reason}. Nothing was changed.", hint)
