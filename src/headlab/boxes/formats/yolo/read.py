"""YOLO's annotations, read as ultralytics reads them: photos, and a label file for each."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from headlab.boxes.formats.format import Likeness, Reading
from headlab.boxes.formats.yolo import dataset as yolo_dataset
from headlab.boxes.formats.yolo.dataset import Dataset, Listed, dataset_yaml, label_path
from headlab.boxes.formats.yolo.labels import PLAIN, Labels, read_labels
from headlab.boxes.photos.search import is_photo
from headlab.boxes.photos.sizes import with_sizes
from headlab.boxes.table import BoxTable, Problem, boxes_frame, images_frame
from headlab.errors import InputError
from headlab.files.existing import is_file, is_folder
from headlab.files.path_text import path_of
from headlab.files.text import first_lines, sound
from headlab.results.text_column import text_column

_SPLIT_FOLDERS = ("train", "valid", "val", "test")
_LINES_LOOKED_AT = 200


def recognise_yolo(path: Path) -> Likeness:
    """Sure of YAML, of folders with a `data.yaml` or `images`, and of lists of photos that have labels.

    Raises:
        InputError: it is the label file of one photo, not the data set.
    """
    if is_folder(path):
        homes = [path, *(path / name for name in _SPLIT_FOLDERS)]
        described = dataset_yaml(path) is not None
        return "sure" if described or any((home / "images").is_dir() for home in homes) else "no"
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        return "sure"
    if suffix in (".json", ".xml"):
        return "no"
    lines = [line.strip() for line in first_lines(path)[:_LINES_LOOKED_AT] if line.strip()]
    if lines and all(re.match(PLAIN, line) for line in lines):
        raise InputError(
            f"{path}: the labels of one photo.",
            "Give the data.yaml of the data set, or the folder with images/ and labels/.",
        )
    return "sure" if _is_list_of_photos(path, lines) else "no"


def _is_list_of_photos(path: Path, lines: list[str]) -> bool:
    """Whether each line is the path of a photo, the first of which has a label file."""
    if not lines or not all(map(is_photo, lines)):
        return False
    in_folder = path.parent / label_path(lines[0].removeprefix("./"))
    return is_file(in_folder) or is_file(label_path(lines[0]))


def read_yolo(path: Path, how: Reading) -> BoxTable:
    """Read a `data.yaml`, a folder with `images` and `labels`, or a list of photos.

    The boxes are shares of the photos' sides, so that the photos' sizes must be known; boxes of photos
    whose size is unknown are left out, and each such photo becomes a problem.

    Raises:
        InputError: a file cannot be read, there is no photo, or no such split.
    """
    dataset = _dataset(path, how)
    photos = dataset.photos
    if how.split is not None:
        photos = [photo for photo in photos if photo.split == how.split]
    if not photos:
        raise _no_photo(path, how.split, dataset)
    files = [label_path(photo.path) for photo in photos]
    labels = read_labels(files, [photo.image for photo in photos])
    images = images_frame(
        [photo.image for photo in photos],
        path=[photo.path for photo in photos],
        split=[photo.split for photo in photos],
        file=[photo.file for photo in photos],
        line=[photo.line for photo in photos],
    )
    problems = (
        *dataset.problems,
        *labels.problems,
        *_unlabelled(labels, photos, files),
        *_without_photo(dataset.photos),
    )
    boxes = boxes_frame(
        labels.boxes["photo"],
        labels.boxes["class_id"],
        labels.boxes.select("x1", "y1", "x2", "y2"),
        images,
        file=text_column(files).gather(labels.boxes["photo"]),
        line=labels.boxes["line"],
    )
    table = BoxTable(boxes, images, dataset.names, problems, "yolo")
    return _in_pixels(with_sizes(table, how.assume_size))


def _dataset(path: Path, how: Reading) -> Dataset:
    if path.is_dir():
        described = dataset_yaml(path)
        if described is None:
            return yolo_dataset.from_folder(path, how.names)
        path = described
    if path.suffix.lower() in (".yaml", ".yml"):
        return yolo_dataset.from_yaml(path, how.names)
    return yolo_dataset.from_list(path, how.names, how.split)


def _no_photo(path: Path, split: str | None, dataset: Dataset) -> InputError:
    if split is not None and dataset.photos:
        known = dict.fromkeys(photo.split or "none" for photo in dataset.photos)
        return InputError(f"There is no split {split!r}.", f"Known splits: {', '.join(known)}.")
    cause = dataset.problems[0].message if dataset.problems else ""
    return InputError(
        f"{path}: no photo was found. {cause}".rstrip(),
        "Give a data.yaml, a folder with images/ and labels/, or a list of photos.",
    )


def _in_pixels(table: BoxTable) -> BoxTable:
    """The table with boxes in pixels instead of shares of the photos' sides."""
    known = table.images.filter(pl.col("width_px").is_not_null())
    sizes = known.select("image_id", "width_px", "height_px")
    boxes = table.boxes.join(sizes, on="image_id", how="inner", maintain_order="left").with_columns(
        pl.col("x1", "x2") * pl.col("width_px"), pl.col("y1", "y2") * pl.col("height_px")
    )
    lost = table.boxes.join(sizes, on="image_id", how="anti").group_by(
        "image_id", maintain_order=True
    )
    problems = [
        Problem(
            "error",
            "unknown-size",
            f"{count} box{'' if count == 1 else 'es'} skipped: the photo's size is unknown, and the boxes "
            "are shares of it.",
            file,
            None,
            image,
        )
        for _, image, file, count in lost.agg(
            pl.col("image").first(), pl.col("file").first(), pl.len()
        ).iter_rows()
    ]
    return replace(
        table,
        boxes=boxes.select(table.boxes.columns),
        problems=(*table.problems, *problems),
    )


def _unlabelled(labels: Labels, photos: list[Listed], files: list[str]) -> list[Problem]:
    return [
        Problem(
            "warning",
            "no-labels",
            f"The photo has no label file: it counts as one without objects. Expected {files[number]}.",
            photos[number].file,
            photos[number].line,
            photos[number].image,
        )
        for number in labels.missing
    ]


def _without_photo(photos: list[Listed]) -> list[Problem]:
    """Label files to which no photo of any split belongs."""
    known = {label_path(photo.path) for photo in photos}
    folders = dict.fromkeys(os.path.dirname(path) for path in known)  # noqa: PTH120
    with_photos = {os.path.dirname(photo.path) for photo in photos}  # noqa: PTH120
    message = "The label file belongs to no photo that is listed."
    problems = []
    for folder in folders:
        if folder in with_photos or not is_folder(folder):
            continue
        for name in sorted(map(sound, os.listdir(path_of(folder)))):  # noqa: PTH208
            path = os.path.join(folder, name)  # noqa: PTH118
            if name.endswith(".txt") and name != "classes.txt" and path not in known:
                problems.append(Problem("warning", "labels-without-image", message, path))
    return problems
