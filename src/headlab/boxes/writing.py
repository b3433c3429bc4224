"""Write a box table in any format."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from headlab.boxes.formats.coco.write import write_coco
from headlab.boxes.formats.keras_yolo3.write import write_keras
from headlab.boxes.formats.losses import Losses
from headlab.boxes.formats.photo_links import PHOTOS, Photos
from headlab.boxes.formats.voc.write import write_voc
from headlab.boxes.formats.yolo.write import write_yolo
from headlab.boxes.reading import FORMATS, Format
from headlab.boxes.table import BoxTable, Problem
from headlab.errors import InputError, OutputError, UnknownName
from headlab.files.folder import placed

_ENDINGS = {"keras": ".txt", "coco": ".json"}


def write(
    table: BoxTable,
    path: str | Path,
    format: Format,  # noqa: A002 - the natural word for callers
    *,
    force: bool = False,
    photos: Photos = "link",
) -> tuple[Problem, ...]:
    """Write a table, whole or not at all.

    Args:
        table: what to write.
        path: a folder; for keras-yolo3 also a .txt file and for COCO a .json file, which takes all splits
            together. In a folder each split has a file of its own.
        format: "keras", "yolo", "voc" or "coco".
        force: replace files of the same name.
        photos: for YOLO and VOC, whose folders hold the photos: "link", "copy" or "none".

    Returns:
        Warnings about what the format cannot say.

    Raises:
        InputError: the table has no image, or lacks what the format needs.
        OutputError: something of that name exists, or the place cannot be written.
    """
    if format not in FORMATS:
        raise UnknownName("annotation format", str(format), FORMATS)
    if photos not in PHOTOS:
        raise UnknownName("way to place photos", str(photos), PHOTOS)
    if not table.images.height:
        raise InputError("There is no image to write.")
    _check_splits(table)
    target, losses = Path(path), Losses(str(path))
    ending = _ENDINGS.get(format)
    if ending is not None and target.suffix.lower() == ending:
        _write_file(table, target, format, force, losses)
        return tuple(losses.problems)
    with placed(target, force=force) as folder:
        if format == "yolo":
            write_yolo(table, folder, photos, losses)
        elif format == "voc":
            write_voc(table, folder, photos, losses)
        else:
            _write_splits(table, folder, format, losses)
    return tuple(losses.problems)


def _write_file(table: BoxTable, file: Path, format: Format, force: bool, losses: Losses) -> None:  # noqa: A002
    if file.is_dir():
        raise OutputError(f"{file} is a folder.", "Give the path of a file.")
    if not file.parent.is_dir():
        raise OutputError(f"There is no folder {file.parent}.", "Make the folder first.")
    with placed(file.parent, force=force) as folder:
        _write_one(table, folder / file.name, format, f"{file.stem}_classes.txt", losses)


def _write_splits(table: BoxTable, folder: Path, format: Format, losses: Losses) -> None:  # noqa: A002
    splits = table.images["split"].unique(maintain_order=True).to_list()
    for split in splits:
        same = pl.col("split").eq_missing(pl.lit(split, dtype=pl.String))
        part = table.with_images(table.images.filter(same))
        if format == "keras":
            name = f"{split or 'annotations'}.txt"
        else:
            name = f"instances_{split}.json" if split else "annotations.json"
        _write_one(part, folder / name, format, "classes.txt", losses)


def _write_one(
    table: BoxTable,
    file: Path,
    format: Format,  # noqa: A002
    classes: str,
    losses: Losses,
) -> None:
    if format == "keras":
        write_keras(table, file, file.with_name(classes), losses)
    else:
        write_coco(table, file, losses)


def _check_splits(table: BoxTable) -> None:
    """Refuse names of splits that are no names of files."""
    for split in table.images["split"].drop_nulls().unique():
        if not re.fullmatch(r"[^/\\\0\r\n]+", split) or split in (".", ".."):
            raise InputError(f"The split {split!r} cannot be the name of a file.", "Rename it.")
