"""A run as it lies on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from headlab.boxes.table import BoxTable
from headlab.errors import InputError
from headlab.heads.layout import Layout
from headlab.runs.annotations import read_annotations
from headlab.runs.header import Header, read_header
from headlab.runs.parts import StoredImage, stored, stored_images
from headlab.runs.schema import HEADER


@dataclass(frozen=True)
class StoredRun:
    """A complete run.

    Attributes:
        folder: where it lies.
        header: how it was made.
    """

    folder: Path
    header: Header

    @classmethod
    def read(cls, folder: Path) -> StoredRun:
        """Open a run.

        Raises:
            InputError: there is none, it is damaged, or it is not complete.
        """
        header = read_header(folder)
        if not header.complete:
            raise InputError(
                f"{folder}: the run is not complete: {stored_images(folder).height:,} of "
                f"{header.sources['count']:,} images are there.",
                "Give the command that made it once more; it goes on where it stopped.",
            )
        return cls(folder, header)

    @property
    def layout(self) -> Layout:
        """The description of the head that made it."""
        return self.header.layout

    @cached_property
    def images(self) -> pl.DataFrame:
        """One row per image or frame: see `headlab.runs.schema.IMAGES_SCHEMA`."""
        return stored_images(self.folder)

    def __iter__(self) -> Iterator[StoredImage]:
        """The images in their order; memory stays that of one part."""
        return stored(self.folder, self.images)

    def annotations(self) -> BoxTable:
        """What is to be found in the photos.

        Raises:
            InputError: the run has none, or they are damaged.
        """
        if self.header.data is None:
            raise InputError(
                f"{self.folder}: the run has no annotations: headlab trace made it.",
                "headlab evaluate MODEL DATA --run DIR stores a run with them.",
            )
        return read_annotations(self.folder, self.header.data)


def is_run(path: str | Path) -> bool:
    """Whether a path is a run's folder."""
    return (Path(path) / HEADER).is_file()
