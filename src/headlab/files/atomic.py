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
    """Open a temporary file in the folder of `path`; on success flush it to the disk and rename it to `path`.

    On any error the temporary file is removed and `path` stays as it was. A symbolic link is followed,
    so that the file it points to is the one replaced; an existing file's permissions are kept.

    Raises:
        OutputError: the folder is missing or read-only, the disk is full, or `path` is something
            other than a file that may be written.
    """
    temporary: Path | None = None
    try:
        file, temporary = open_temporary(path)
        with file:
            yield file
            flush(file)
        put(temporary, path)
        temporary = None
    except OSError as error:
        raise explained(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def move_into_place(finished: Path, path: Path) -> None:
    """Flush a finished file to the disk and rename it to `path`, on the same disk, as `replacing` does.

    Raises:
        OutputError: as for `replacing`; `finished` stays where it is.
    """
    try:
        check_replaceable(path)
        with finished.open("rb+") as file:
            flush(file)
        put(finished, path)
    except OSError as error:
        raise explained(error, path) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file's contents, whole or not at all.

    Raises:
        OutputError: the folder is missing or read-only, or the disk is full.
    """
    with replacing(path) as file:
        file.write(data)


_OTHER_OUTPUT = "Give another output with -o, or say --in-place if you mean to replace it."


def check_is_not(output: Path, source: Path, hint: str = _OTHER_OUTPUT) -> None:
    """Refuse to write over the input, however its path is spelled.

    Args:
        output: where to write.
        source: the input.
        hint: what to do instead.

    Raises:
        OutputError: both paths lead to the same file.
    """
    if is_same(output, source):
        raise OutputError(f"{output} is the input itself.", hint)


def check_is_new(output: Path, force: bool, hint: str = "Give another name") -> None:
    """Refuse to replace what the same command would not make again, unless that is asked for.

    Args:
        output: where to write.
        force: replace what is there.
        hint: what to do instead.

    Raises:
        OutputError: there is something, and `force` is not set; or it cannot be replaced.
    """
    check_replaceable(output)
    if not force and os.path.lexists(output):
        raise OutputError(
            f"{output} exists already. Nothing was changed.",
            f"{hint}, or say --force to replace it.",
        )


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file, however they are spelled."""
    same = os.path.realpath(one) == os.path.realpath(other)
    with contextlib.suppress(OSError):  # one of them may not exist
        same = same or one.samefile(other)
    return same


def check_replaceable(path: Path) -> None:
    """Refuse to replace what is not a file, and a read-only file, which a rename would replace silently.

    Raises:
        OutputError: it is one of these.
    """
    target = Path(os.path.realpath(path))
    if not target.exists():
        return
    if target.is_dir():
        raise explained(IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)), path)
    if not target.is_file():
        raise OutputError(f"{path} is a device or a pipe, not a file.", "Give the path of a file.")
    if not os.access(target, os.W_OK):
        raise OutputError(
            f"{path}: the file is read-only. Nothing was changed.",
            "Write to another file, or make this one writable.",
        )


def open_temporary(path: Path) -> tuple[BinaryIO, Path]:
    """Open a new, hidden file in the folder of the file that a path leads to, for `put` to rename.

    Raises:
        OutputError: what is there cannot be replaced.
        OSError: the file cannot be made.
    """
    check_replaceable(path)
    handle, hidden = hidden_file(path, TEMPORARY_SUFFIX)
    return os.fdopen(handle, "w+b"), hidden


def hidden_file(path: Path, suffix: str) -> tuple[int, Path]:
    """Make a new, hidden file in the folder of the file that a path leads to: its handle and its name.

    Raises:
        OSError: the file cannot be made.
    """
    target = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=hidden_prefix(target), suffix=suffix, dir=target.parent)
    return handle, Path(name)


def hidden_prefix(target: Path) -> str:
    """What the hidden names of a file begin with."""
    return f".{target.name[:_SHOWN_CHARACTERS]}."


def flush(file: BinaryIO) -> None:
    """Put what was written onto the disk.

    Raises:
        OSError: that failed, as on a full disk.
    """
    file.flush()
    os.fsync(file.fileno())


def put(finished: Path, path: Path) -> None:
    """Rename a finished file, which is flushed and on the same disk, to what a path leads to.

    Raises:
        OSError: it cannot be renamed.
    """
    target = Path(os.path.realpath(path))
    finished.chmod(_mode(target))
    finished.replace(target)
    _flush_folder(target.parent)


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


TEMPORARY_SUFFIX = ".part"
RANDOM_CHARACTERS = 8
"""Of a hidden name, between its prefix and its suffix; as `tempfile` makes them."""

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
    """The error that says why a path cannot be written, and what to do."""
    reason, hint = _REASONS.get(error.errno or 0, (str(error.strerror or error), ""))
    return OutputError(f"{path}: cannot be written: {reason}. Nothing was changed.", hint)
