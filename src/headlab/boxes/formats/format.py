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


@dataclass(frozen=True)
class Evidence:
    """What speaks for a file or folder being of a format, as far as names and first lines tell.

    Attributes:
        score: from 0, nothing does, to 1, everything that was looked at does. Of several formats the one
            with the highest score is taken, if that is at least `ENOUGH`.
        reason: what was found, such as "data.yaml names train and val"; below `ENOUGH`, what was looked for
            in vain, such as "no folder Annotations with XML files".
    """

    score: float
    reason: str


ENOUGH = 0.5
SURE = 1.0


@dataclass(frozen=True)
class Reading:
    """How annotations are read.

    Attributes:
        names: the class names, or a file of them; None takes what the data set gives.
        images: the folder with the photos; None looks where the format has them.
        split: read only this split; for a format without splits, the name to give to what is read.
        encoding: of text files, those with class names included; None recognises it.
        assume_size: height and width in pixels of photos whose size is unknown.
    """

    names: Names | None = None
    images: Path | None = None
    split: str | None = None
    encoding: str | None = None
    assume_size: tuple[int, int] | None = None


Recogniser: TypeAlias = Callable[[Path], Evidence]
Reader: TypeAlias = "Callable[[Path, Reading], BoxTable]"
FileWriter: TypeAlias = "Callable[[BoxTable, Path, Losses], None]"
FolderWriter: TypeAlias = "Callable[[BoxTable, Path, Photos, Losses], None]"


@dataclass(frozen=True)
class Format:
    """An annotation format: its name, and how it is recognised, read and written.

    Attributes:
        name: as the user writes it.
        looks_like: the files and folders that it consists of, for messages.
        recognise: what speaks for a file or folder being of it. It may raise an InputError where the user
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
