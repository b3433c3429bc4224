"""Append to a file so that all of it is there afterwards, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

from headlab.files.atomic import explained


def append(path: Path, data: bytes) -> None:
    """Append to a file; a file that is not there is made.

    Raises:
        OutputError: the disk is full, or the file cannot be written; it stays as it was.
    """
    try:
        with path.open("ab", buffering=0) as file:
            before, rest = file.seek(0, os.SEEK_END), memoryview(data)
            try:
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(before)
                raise
    except OSError as error:
        raise explained(error, path) from error
