"""Read annotations of any format: recognise it, read it, add the photos' sizes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import polars as pl

from headlab.boxes.classes import Classes
from headlab.boxes.formats.coco.read import read_coco
from headlab.boxes.formats.keras_yolo3.line import BOX
from headlab.boxes.formats.keras_yolo3.read import read_keras
from headlab.boxes.formats.voc.read import read_voc
from headlab.boxes.formats.yolo.dataset import dataset_yaml, is_photo, label_path
from headlab.boxes.formats.yolo.labels import PLAIN
from headlab.boxes.formats.yolo.read import read_yolo
from headlab.boxes.photos.search import any_exists
from headlab.boxes.photos.sizes import with_sizes
from headlab.boxes.table import BoxTable, Problem, joined
from headlab.errors import InputError, UnknownName
from headlab.files.existing import is_file, is_folder
from headlab.files.text import first_lines

Format = Literal["keras", "yolo", "voc", "coco"]
FORMATS: tuple[Format, ...] = ("keras", "yolo", "voc", "coco")

_LOOKED_AT = 200


def read(
    path: str | Path | Sequence[str | Path],
    *,
    format: Format | None = None,  # noqa: A002 - the natural word for callers
    classes: Classes | None = None,
    images: str | Path | None = None,
    assume_size: tuple[int, int] | None = None,
    split: str | None = None,
    encoding: str | None = None,
) -> BoxTable:
    """Read annotations into one table.

    Args:
        path: a text file of keras-yolo3; YOLO's `data.yaml`, folder or list of photos; a folder of Pascal
            VOC; a COCO file. Several are joined, each file being a split with the file's name.
        format: "keras", "yolo", "voc" or "coco"; by default recognised.
        classes: the class names, or a file with one per line; by default those that the data set gives.
        images: the folder with the photos, for formats that do not say where they are.
        assume_size: width and height in pixels of images whose size is not known.
        split: read only this split of YOLO and VOC; what to call the split of the others.
        encoding: of keras-yolo3's text; by default recognised.

    Raises:
        InputError: nothing there can be read as annotations. What is wrong with single lines, boxes and
            photos becomes `problems` of the table instead.
    """
    if format is not None and format not in FORMATS:
        raise UnknownName("annotation format", str(format), FORMATS)
    if assume_size is not None and min(assume_size) < 1:
        raise InputError(f"An image of {assume_size[0]} x {assume_size[1]} px has no area.")
    sources = [path] if isinstance(path, (str, Path)) else list(path)
    if not sources:
        raise InputError("There is nothing to read.", "Give a file or folder with annotations.")
    tables = []
    for source in map(Path, sources):
        shared = images if images is None else Path(images)
        table = _read_one(source, format, classes, shared, split, assume_size, encoding)
        if len(sources) > 1 and split is None:
            named = pl.col("split").fill_null(source.stem)
            table = replace(table, images=table.images.with_columns(named))
        tables.append(table)
    return joined(tables)


def recognised(path: Path) -> Format:
    """The format of a file or folder.

    Raises:
        InputError: there is no such file or folder, or it is of no known format.
    """
    if is_folder(path):
        return _format_of_folder(path)
    if not is_file(path):
        raise InputError(f"{path}: no such file or folder.", "Check the path.")
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        return "yolo"
    if suffix == ".json":
        return "coco"
    if suffix == ".xml":
        raise InputError(f"{path}: one XML file.", f"Give its folder: {path.parent}.")
    return _format_of_text(path)


def _read_one(
    path: Path,
    format: Format | None,  # noqa: A002
    classes: Classes | None,
    images: Path | None,
    split: str | None,
    assume_size: tuple[int, int] | None,
    encoding: str | None,
) -> BoxTable:
    chosen = format or recognised(path)
    if chosen == "yolo":
        return read_yolo(path, classes=classes, split=split, assume_size=assume_size)
    if chosen == "voc":
        table = read_voc(path, classes=classes, images=images, split=split)
    elif chosen == "coco":
        table = read_coco(path, classes=classes, images=images, split=split)
    else:
        table = read_keras(path, classes=classes, images=images, split=split, encoding=encoding)
    return _sized(table, assume_size, str(path))


def _sized(table: BoxTable, assume_size: tuple[int, int] | None, file: str) -> BoxTable:
    """The table with sizes; where no photo is to be found, with one problem instead of thousands."""
    unknown = table.images.filter(pl.col("width_px").is_null())
    if not unknown.height or any_exists(unknown["path"]):
        return with_sizes(table, assume_size)
    if assume_size is not None:
        width, height = (pl.lit(side, dtype=pl.Int64) for side in assume_size)
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


NO_PHOTOS = "no-photos"


def _format_of_folder(path: Path) -> Format:
    if (path / "Annotations").is_dir() and any((path / "Annotations").glob("*.xml")):
        return "voc"
    splits = [path, *(path / name for name in ("train", "valid", "val", "test"))]
    if dataset_yaml(path) is not None or any((each / "images").is_dir() for each in splits):
        return "yolo"
    if any(path.glob("*.xml")):
        return "voc"
    raise InputError(
        f"{path}: not recognised as annotations.",
        "A YOLO folder has data.yaml, or images/ and labels/; a Pascal VOC folder has Annotations/; "
        "of keras-yolo3 and COCO give the file.",
    )


def _format_of_text(path: Path) -> Format:
    """Tell keras-yolo3's text from a list of photos, and refuse a single label file."""
    lines = [line.strip() for line in first_lines(path)[:_LOOKED_AT] if line.strip()]
    words = [line.split() for line in lines]
    if any(re.match(BOX, word) for some in words for word in some):
        return "keras"
    if lines and all(re.match(PLAIN, line) for line in lines):
        raise InputError(
            f"{path}: the labels of one photo.",
            "Give the data.yaml of the data set, or the folder with images/ and labels/.",
        )
    photos = [line for line in lines if is_photo(line)]
    if photos and len(photos) == len(lines):
        beside = (
            path.parent / label_path(photos[0].removeprefix("./")),
            Path(label_path(photos[0])),
        )
        if any(map(is_file, beside)):
            return "yolo"
    return "keras"
