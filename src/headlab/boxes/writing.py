"""Write a box table in any format, and convert annotations from one format to another."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from headlab.boxes.checking.boxes import without_faulty_boxes
from headlab.boxes.exif_rotation import as_readers_look
from headlab.boxes.formats.format import FORMAT_TITLES, PHOTOS, Format, FormatName, Photos
from headlab.boxes.formats.losses import Losses
from headlab.boxes.formats.table import format_named
from headlab.boxes.mistakes import refuse_mistaken
from headlab.boxes.problems import kinds_of, one_of_each_kind, problem_rows
from headlab.boxes.reading import ReadSettings, as_table
from headlab.boxes.table import BoxTable, Problem
from headlab.errors import InputError, OutputError, UnknownName
from headlab.files.folder import placed
from headlab.plain_text import counted
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType
    from typing_extensions import Unpack


@dataclass(frozen=True, repr=False, eq=False)
class ConvertedBoxes(Result):
    """Annotations that were written, and what did not come along.

    Attributes:
        target: the file or folder that was written, as the user named it.
        format: its format.
        files: what was written: the file with the one next to it, or what is in the folder.
        sources: what was read, as the user named it.
        images: how many images were read.
        boxes: how many boxes were read.
        skipped: problems that annotations were lost to: while reading, and boxes with errors, which are not
            written.
        lost: what was put right while reading, each kind once, and what the format cannot express.
        left_out: how many boxes were not written because of an error.
    """

    target: Path
    format: FormatName
    files: tuple[Path, ...]
    sources: tuple[str, ...]
    images: int
    boxes: int
    skipped: tuple[Problem, ...]
    lost: tuple[Problem, ...]
    left_out: int = 0

    title: ClassVar[str] = "converted annotations"

    @property
    def ok(self) -> bool:
        """Nothing was skipped; the format may lack something nevertheless."""
        return not self.skipped

    @property
    def table(self) -> pl.DataFrame:
        """One row per problem: first what was skipped, then what the format lacks."""
        return problem_rows((*self.skipped, *self.lost))

    @property
    def summary(self) -> str:
        """Where to, and how much."""
        images, boxes = counted(self.images, "image"), counted(self.boxes, "box", "boxes")
        source = ", ".join(self.sources) or "a box table"
        return f"{self.target}: {images}, {boxes} read from {source}"

    def to_dict(self) -> dict[str, Any]:
        """What was written, what was skipped, what was lost."""
        return {
            "target": str(self.target),
            "format": self.format,
            "files": [str(path) for path in self.files],
            "data": list(self.sources),
            "images": self.images,
            "boxes": self.boxes,
            "left_out": self.left_out,
            "skipped": [asdict(problem) for problem in self.skipped],
            "lost": [asdict(problem) for problem in self.lost],
        }

    def text(self) -> Iterable[RenderableType]:
        """One line: where to, and how much."""
        from headlab.results.tables import line

        yield line(self.summary)

    def remarks(self) -> Iterator[str]:
        """What was skipped (the first few), and what the format cannot express."""
        from headlab.boxes.text import problem_line

        yield from map(problem_line, self.skipped[:_SHOWN])
        yield from (problem.message for problem in self.lost)
        if self.left_out:
            yield f"{counted(self.left_out, 'box', 'boxes')} with errors left out"
        if len(self.skipped) > _SHOWN:
            kinds = ", ".join(f"{kind} {count:,}" for _, kind, count in kinds_of(self.skipped))
            yield f"{len(self.skipped):,} problems in all: {kinds}; see headlab boxes check"


_SHOWN = 5


def convert(
    data: str | Path | Sequence[str | Path] | BoxTable,
    target: str | Path,
    to: FormatName,
    *,
    photos: Photos = "link",
    force: bool = False,
    assume_size: tuple[int, int] | None = None,
    **settings: Unpack[ReadSettings],
) -> ConvertedBoxes:
    """Write annotations in another format, whole or not at all.

    Boxes in which `headlab.boxes.check` finds an error are left out, since another format could hide it:
    swapped corners, a centre outside of the photo, a class without a name.

    Args:
        data: annotations: a path that `headlab.boxes.read` reads, several, or a box table.
        target: a folder, in which each split has its own file or folder; for "keras" also a .txt file and
            for "coco" a .json file and for "csv" a .csv file, which takes all splits together.
        to: "keras", "yolo", "voc", "coco" or "csv".
        photos: how the folders of YOLO and VOC get the photos: "link", "copy" or "none".
        force: replace files of the same name.
        assume_size: height and width in pixels of photos whose size is unknown.
        settings: how data is read: `format`, `names`, `images`, `split`, `encoding`, as of
            `headlab.boxes.read`.

    Raises:
        InputError: data cannot be read or has no image, or it lacks what the format needs.
        OutputError: something of that name exists, or the place cannot be written.
    """
    table = as_table(data, assume_size, **settings)
    sound, errors = without_faulty_boxes(table)
    files, lost = write(sound, target, to, photos=photos, force=force)
    lost = (*one_of_each_kind(table.put_right), *lost)
    return ConvertedBoxes(
        target=Path(target),
        format=to,
        files=files,
        sources=table.sources,
        images=table.images.height,
        boxes=table.boxes.height,
        skipped=(*table.unread, *errors),
        lost=lost,
        left_out=len(table) - len(sound),
    )


def write(
    table: BoxTable,
    target: str | Path,
    to: FormatName,
    *,
    photos: Photos = "link",
    force: bool = False,
) -> tuple[tuple[Path, ...], tuple[Problem, ...]]:
    """Write a table, whole or not at all; see `convert`.

    Returns:
        What was written, and what the format cannot express.
    """
    chosen = format_named(to)
    if photos not in PHOTOS:
        raise UnknownName("way to place photos", str(photos), PHOTOS)
    if not table.images.height:
        raise InputError("There is no image to write.")
    refuse_mistaken(table)
    _check_splits(table)
    path, losses = Path(target), Losses(str(target))
    table, rotated = as_readers_look(table, to)
    seen = "as they are stored" if to == "keras" else "upright"
    losses.note(
        "rotated",
        rotated,
        f"{{}} a rotation by Exif: the boxes were rotated, since programs that read {FORMAT_TITLES[to]} see "
        f"photos {seen}",
        of="photos",
    )
    if chosen.write_file is not None and path.suffix.lower() == chosen.file_suffix:
        home, names = path.parent, _write_file(table, path, chosen, losses, force)
    else:
        home, names = path, _write_folder(table, path, chosen, photos, losses, force)
    return tuple(home / name for name in names), tuple(losses.problems)


def _write_folder(
    table: BoxTable, path: Path, chosen: Format, photos: Photos, losses: Losses, force: bool
) -> list[str]:
    """A folder; returns the names in it."""
    with placed(path, force=force) as folder:
        chosen.write_folder(table, folder, photos, losses)
        return _names_in(folder)


def _write_file(
    table: BoxTable, file: Path, chosen: Format, losses: Losses, force: bool
) -> list[str]:
    """One file for all splits, and what belongs next to it; returns their names."""
    assert chosen.write_file is not None  # noqa: S101 - the caller has looked
    if file.is_dir():
        raise OutputError(f"{file} is a folder.", "Give the path of a file.")
    if not file.parent.is_dir():
        raise OutputError(f"There is no folder {file.parent}.", "Make the folder first.")
    with placed(file.parent, force=force) as folder:
        chosen.write_file(table, folder / file.name, losses)
        return _names_in(folder)


def _names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208 - names are what is wanted


def _check_splits(table: BoxTable) -> None:
    """Refuse splits whose names cannot be the names of files."""
    for split in table.split_counts:
        if not re.fullmatch(r"[^/\\\0\r\n]+", split) or split in (".", ".."):
            raise InputError(f"The split {split!r} cannot be the name of a file.", "Rename it.")
