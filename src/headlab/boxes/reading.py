"""Read annotations of any format into one table, with the sizes of the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import polars as pl

from headlab.boxes.classes import Names, are_placeholders
from headlab.boxes.formats.format import FORMAT_NAMES, FormatName, Reading
from headlab.boxes.formats.table import format_named, recognised
from headlab.boxes.input_size import check_area
from headlab.boxes.mistakes import with_mistake
from headlab.boxes.photos.search import any_exists
from headlab.boxes.photos.sizes import with_sizes
from headlab.boxes.repeated import without_repeats
from headlab.boxes.table import NO_BOX, NO_CLASS_NAMES, BoxTable, Problem, joined
from headlab.errors import InputError, UnknownName
from headlab.plain_text import counted

if TYPE_CHECKING:
    from typing_extensions import Unpack

NO_PHOTOS = "no-photos"


class ReadSettings(TypedDict, total=False):
    """How annotations are read: the keyword arguments of `read`, apart from `assume_size`."""

    format: FormatName | None
    names: Names | None
    images: str | Path | None
    split: str | None
    encoding: str | None


def read(
    path: str | Path | Sequence[str | Path],
    *,
    format: FormatName | None = None,  # noqa: A002 - the natural word for callers
    names: Names | None = None,
    images: str | Path | None = None,
    split: str | None = None,
    encoding: str | None = None,
    assume_size: tuple[int, int] | None = None,
) -> BoxTable:
    """Read annotations into one table.

    Args:
        path: a text file of keras-yolo3; YOLO's `data.yaml`, folder or list of photos; a folder of Pascal
            VOC; a COCO file; a CSV file. Several are joined, each file being a split with the file's name.
        format: "keras", "yolo", "voc", "coco" or "csv"; by default recognised.
        names: the class names, or a file with one per line; by default those that the data set gives.
        images: the folder with the photos, for formats that do not say where they are.
        split: read only this split of YOLO and VOC; for other formats, the name to give to the split.
        encoding: the encoding of keras-yolo3's text; by default recognised.
        assume_size: height and width in pixels of photos whose size is unknown.

    Raises:
        InputError: nothing there can be read as annotations. What is wrong with single lines, boxes and
            photos becomes `problems` of the table instead.
    """
    if format is not None and format not in FORMAT_NAMES:
        raise UnknownName("annotation format", str(format), FORMAT_NAMES)
    if assume_size is not None:
        check_area(assume_size, "A photo")
    sources = [path] if isinstance(path, (str, Path)) else list(path)
    if not sources:
        raise InputError("There is nothing to read.", "Give a file or folder with annotations.")
    folder = None if images is None else Path(images)
    how = Reading(names, folder, split, encoding, assume_size)
    tables = []
    for source in map(Path, sources):
        table = replace(_read_one(source, format, how), sources=(str(source),))
        if len(sources) > 1 and split is None:
            named = pl.col("split").fill_null(source.stem)
            table = replace(table, images=table.images.with_columns(named))
        tables.append(table)
    table = tables[0] if len(tables) == 1 else without_repeats(joined(tables))
    return _with_verdict(table)


def as_table(
    data: str | Path | Sequence[str | Path] | BoxTable,
    assume_size: tuple[int, int] | None = None,
    **settings: Unpack[ReadSettings],
) -> BoxTable:
    """A box table as it is, or the one that is read from a path.

    Args:
        data: a box table, or what `read` takes.
        assume_size: see `read`, as for the settings.

    Raises:
        InputError: it cannot be read, or it is a table and there are settings for reading it.
    """
    if not isinstance(data, BoxTable):
        return read(data, assume_size=assume_size, **settings)
    given = [name for name, value in settings.items() if value is not None]
    if given:
        raise InputError(
            f"The annotations are read already: {', '.join(given)} would have no effect.",
            "Give this to headlab.boxes.read.",
        )
    return data


def _read_one(path: Path, format: FormatName | None, how: Reading) -> BoxTable:  # noqa: A002
    if format is None:
        found = recognised(path)
        chosen, reason = found.format, found.evidence.reason
    else:
        chosen, reason = format_named(format), ""
    table = replace(without_repeats(chosen.read(path, how)), recognised=reason)
    if how.names is None and are_placeholders(table.class_names):
        table = _without_names(table, str(path))
    sized = table if chosen.boxes_are_shares else _with_sizes(table, how.assume_size, str(path))
    return with_mistake(sized)


def _without_names(table: BoxTable, file: str) -> BoxTable:
    """The table without names that only repeat the classes' numbers, so that these count."""
    message = (
        f"The class names are unknown: {table.names_source} only repeats the numbers, as "
        f"{table.class_names[0]!r}."
    )
    problem = Problem("warning", NO_CLASS_NAMES, message, file)
    return replace(table, class_names=(), names_source="", problems=(*table.problems, problem))


def _with_verdict(table: BoxTable) -> BoxTable:
    """The table with an error if nothing in it has a box, and no other error says why."""
    if table.boxes.height or table.unread or not table.images.height:
        return table
    first = table.problems[0].message if table.problems else ""
    message = f"None of {counted(table.images.height, 'image')} has a box. {first}".rstrip()
    file = table.sources[0] if table.sources else ""
    return replace(table, problems=(*table.problems, Problem("error", NO_BOX, message, file)))


def _with_sizes(table: BoxTable, assume_size: tuple[int, int] | None, file: str) -> BoxTable:
    """The table with sizes; where no photo can be found, with one problem instead of thousands."""
    if any_exists(table.images["path"]):
        return with_sizes(table, assume_size)
    unknown = table.images.filter(pl.col("width_px").is_null())
    if not unknown.height:
        return table
    if assume_size is not None:
        height, width = (pl.lit(side, dtype=pl.Int64) for side in assume_size)
        filled = table.images.with_columns(
            pl.col("width_px").fill_null(width), pl.col("height_px").fill_null(height)
        )
        return replace(table, images=filled)
    message = (
        f"The photos were not found (such as {unknown['path'][0]}), so that the sizes of "
        f"{unknown.height:,} images are unknown."
    )
    problem = Problem("warning", NO_PHOTOS, message, file)
    return replace(table, problems=(*table.problems, problem))
