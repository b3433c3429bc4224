"""What headlab has to know of an annotation format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from headlab.boxes.classes import Names
    from headlab.boxes.formats.losses import Losses
    from headlab.boxes.table import BoxTable

FormatName = Literal["keras", "yolo", "voc", "coco", "csv"]
FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)
FORMAT_TITLES: dict[str, str] = {
    "keras": "keras-yolo3",
    "yolo": "YOLO",
    "voc": "Pascal VOC",
    "coco": "COCO",
    "csv": "CSV",
}
"""How users write a format, and how texts call it. Everything else about it is a row of `formats.table`."""

Photos = Literal["link", "copy", "none"]
PHOTOS: tuple[Photos, ...] = get_args(Photos)

Likeness = Literal["sure", "possible", "no"]
"""Whether a file or folder is of a format, as far as its name and its first lines tell."""


@dataclass(frozen=True)
class Reading:
    """How annotations are read.

    Attributes:
        names: the class names, or a file of them; None takes what the data set gives.
        images: the folder with the photos; None looks where the format has them.
        split: read only this split; for a format without splits, the name to give to what is read.
        encoding: of text files; None recognises it.
        assume_size: height and width in pixels of photos whose size is unknown.
    """

    names: Names | None = None
    images: Path | None = None
    split: str | None = None
    encoding: str | None = None
    assume_size: tuple[int, int] | None = None


Recogniser: TypeAlias = Callable[[Path], Likeness]
Reader: TypeAlias = "Callable[[Path, Reading], BoxTable]"
FileWriter: TypeAlias = "Callable[[BoxTable, Path, Losses], None]"
FolderWriter: TypeAlias = "Callable[[BoxTable, Path, Photos, Losses], None]"


@dataclass(frozen=True)
class Format:
    """An annotation format: its name, and how it is recognised, read and written.

    Attributes:
        name: as the user writes it.
        looks_like: the files and folders that it consists of, for messages.
        recognise: how much a file or folder looks like it. It may raise an InputError where the user
            probably meant this format, but named the wrong file.
        read: a file or folder as a box table. What is wrong with single lines, boxes or photos becomes a
            problem of the table; only where nothing can be read, an InputError is raised.
        write_folder: write into an empty folder.
        write_file: write all splits into one file; None if the format needs a folder.
        file_suffix: the ending of that file; empty without one.
        boxes_are_shares: boxes are shares of the photo's sides, so that `read` looks up the photos' sizes
            itself. For other formats that is done afterwards.
    """

    name: FormatName
    looks_like: str
    recognise: Recogniser
    read: Reader
    write_folder: FolderWriter
    write_file: FileWriter | None = None
    file_suffix: str = ""
    boxes_are_shares: bool = False
