"""YOLO's annotations, as ultralytics reads them: photos, and beside them one label file each."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import polars as pl

from headlab.boxes.classes import Classes
from headlab.boxes.formats.yolo import dataset as yolo_dataset
from headlab.boxes.formats.yolo.dataset import Dataset, Listed, label_path
from headlab.boxes.formats.yolo.labels import Labels, read_labels
from headlab.boxes.photos.sizes import with_sizes
from headlab.boxes.table import BoxTable, Problem, boxes_frame, images_frame
from headlab.errors import InputError
from headlab.files.existing import is_folder
from headlab.files.text import sound


def read_yolo(
    path: Path,
    *,
    classes: Classes | None = None,
    split: str | None = None,
    assume_size: tuple[int, int] | None = None,
) -> BoxTable:
    """Read a `data.yaml`, a folder with `images` and `labels`, or a list of photos.

    The boxes are shares of the photos' sides, so that the photos' sizes must be known; boxes of photos
    whose size is not known are left out, each photo being a problem.

    Args:
        path: the file or folder.
        classes: the class names; by default those that the data set gives.
        split: read only this split; for a list of photos, what to call it.
        assume_size: width and height in pixels of photos that are missing.

    Raises:
        InputError: a file cannot be read, there is no photo, or no such split.
    """
    found = _dataset(path, classes, split)
    photos = found.photos
    if split is not None:
        photos = [each for each in photos if each.split == split]
    if not photos:
        raise _no_photo(path, split, found)
    files = [label_path(each.path) for each in photos]
    labels = read_labels(files, [each.image for each in photos])
    images = images_frame(
        [each.image for each in photos],
        path=[each.path for each in photos],
        split=[each.split for each in photos],
        file=[each.file for each in photos],
        line=[each.line for each in photos],
    )
    problems = (
        *found.problems,
        *labels.problems,
        *_unlabelled(labels, photos, files),
        *_without_photo(found.photos),
    )
    boxes = boxes_frame(
        labels.boxes["photo"],
        labels.boxes["class_id"],
        labels.boxes.select("x1", "y1", "x2", "y2"),
        images,
        file=pl.Series(files, dtype=pl.String).gather(labels.boxes["photo"]),
        line=labels.boxes["line"],
    )
    table = BoxTable(boxes, images, found.names, problems, "yolo")
    return _in_pixels(with_sizes(table, assume_size))


def _dataset(path: Path, classes: Classes | None, split: str | None) -> Dataset:
    if path.is_dir():
        described = yolo_dataset.dataset_yaml(path)
        if described is None:
            return yolo_dataset.from_folder(path, classes)
        path = described
    if path.suffix.lower() in (".yaml", ".yml"):
        return yolo_dataset.from_yaml(path, classes)
    return yolo_dataset.from_list(path, classes, split)


def _no_photo(path: Path, split: str | None, found: Dataset) -> InputError:
    if split is not None and found.photos:
        known = dict.fromkeys(each.split or "none" for each in found.photos)
        return InputError(f"There is no split {split!r}.", f"Known splits: {', '.join(known)}.")
    said = found.problems[0].message if found.problems else ""
    return InputError(
        f"{path}: no photo was found. {said}".rstrip(),
        "Give a data.yaml, a folder with images/ and labels/, or a list of photos.",
    )


def _in_pixels(table: BoxTable) -> BoxTable:
    """The table, whose boxes are shares of the photos' sides, with boxes in pixels."""
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
            f"The photo has no label file: it counts as one without objects. Expected {files[at]}.",
            photos[at].file,
            photos[at].line,
            photos[at].image,
        )
        for at in labels.missing
    ]


def _without_photo(photos: list[Listed]) -> list[Problem]:
    """Label files in the folders of labels that no photo of any split belongs to."""
    known = {label_path(each.path) for each in photos}
    folders = dict.fromkeys(os.path.dirname(each) for each in known)  # noqa: PTH120
    beside = {os.path.dirname(each.path) for each in photos}  # noqa: PTH120
    message = "The label file belongs to no photo that is listed."
    problems = []
    for folder in folders:
        if folder in beside or not is_folder(folder):
            continue
        for name in sorted(map(sound, os.listdir(folder))):  # noqa: PTH208
            path = os.path.join(folder, name)  # noqa: PTH118
            if name.endswith(".txt") and name != "classes.txt" and path not in known:
                problems.append(Problem("warning", "labels-without-image", message, path))
    return problems
