"""Whether paths exist that were read from files: any text at all, which `pathlib` may raise at.

A name that is too long, or that holds a NUL, is the name of nothing. These are also several times as fast
as `Path`'s, which counts where there are a hundred thousand photos.
"""

from __future__ import annotations

import os

from headlab.errors import InputError
from headlab.files.path_text import path_of
from headlab.files.web_address import web_address


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether there is something of this name."""
    return os.path.exists(path_of(os.fspath(path)))  # noqa: PTH110


def nothing_at(path: object) -> InputError:
    """What to say of a path that leads to neither a file nor a folder."""
    address = web_address(path)
    if address is not None:
        return InputError(
            f"{address}: headlab downloads nothing.", "Download it first, and give its path."
        )
    if exists(str(path)):
        return InputError(f"{path} is a device or a pipe, not a file.", "Give the path of a file.")
    return InputError(f"{path}: no such file or folder.", "Check the path.")


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is a file of this name."""
    return os.path.isfile(path_of(os.fspath(path)))  # noqa: PTH113


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether there is a folder of this name."""
    return os.path.isdir(path_of(os.fspath(path)))  # noqa: PTH112
