"""File formats of models, as data."""

from __future__ import annotations

from typing import NamedTuple


class FileFormat(NamedTuple):
    """A file format for models.

    Attributes:
        name: as `Checkpoint.format` has it, such as "darknet"; formats that one reader reads share it.
        suffix: what a file's name ends in.
        words: what to call it.
        any_name: files are recognised by their contents, so that they may have any other ending.
    """

    name: str
    suffix: str
    words: str
    any_name: bool = False
