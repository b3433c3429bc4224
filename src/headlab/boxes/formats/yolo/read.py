"""YOLO's annotations, read as ultralytics reads them: photos, and a label file for each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from headlab.boxes.formats.format import Reading
from headlab.boxes.formats.yolo.dataset import (
    Dataset,
    Listed,
    from_folder,
    from_list,
    is_label_file,
    with_photos_of,
)
from headlab.boxes.formats.yolo.description import (
    description_in,
    from_darknet_data,
    from_yaml,
    is_darknet_data,
    is_yaml,
)
from headlab.boxes.formats.yolo.labels import Labels, read_labels
from headlab.boxes.formats.yolo.mistakes import likely_mistakes
from headlab.boxes.photos.sizes import with_sizes
from headlab.boxes.table import BoxTable, Problem, boxes_frame, images_frame
from headlab.errors import InputError
from headlab.files.existing import Spellings, is_folder
from headlab.files.path_text import path_of
from headlab.files.text import sound
from headlab.results.text_column import text_column


def read_yolo(path: Path, how: Reading) -> BoxTable:
    """Read a `data.yaml`, a folder of photos and label files, a list of photos, or darknet's `.data`.

    The boxes are shares of the photos' sides, so that the photos' sizes must be known; boxes of photos
    whose size is unknown are left out, and each such photo becomes a problem.

    Raises:
        InputError: a file cannot be read, there is no photo, or no such split.
    """
    dataset = _dataset(path, how)
    if how.images is not None:
        with_photos_of(dataset, how.images)
    photos = dataset.of_split(how.split)
    if not photos:
        raise _no_photo(path, how.split, dataset)
    spelled = Spellings()
    files = [spelled(photo.labels) for photo in photos]
    labels = read_labels(files, [photo.image for photo in photos], dataset.keypoints)
    images = images_frame(
        [photo.image for photo in photos],
        path=[photo.path for photo in photos],
        split=[photo.split for photo in photos],
        file=[photo.file for photo in photos],
        line=[photo.line for photo in photos],
    )
    problems = (
        *dataset.problems,
        *likely_mistakes(labels, str(path), dataset.keypoints),
        *labels.problems,
        *_unlabelled(labels, photos, files),
        *_without_photo(dataset.photos, files),
    )
    boxes = boxes_frame(
        labels.boxes["photo"],
        labels.boxes["class_id"],
        labels.boxes.select("x1", "y1", "x2", "y2"),
        images,
        file=text_column(files).gather(labels.boxes["photo"]),
        line=labels.boxes["line"],
    )
    table = BoxTable(
        boxes, images, dataset.names, problems, "yolo", names_source=dataset.names_source
    )
    return _in_pixels(with_sizes(table, how.assume_size))


def _dataset(path: Path, how: Reading) -> Dataset:
    if path.is_dir():
        described = description_in(path)
        if described is None:
            return from_folder(path, how)
        path = described
    if is_yaml(path):
        return from_yaml(path, how)
    return from_darknet_data(path, how) if is_darknet_data(path) else from_list(path, how)


def _no_photo(path: Path, split: str | None, dataset: Dataset) -> InputError:
    if split is not None and dataset.photos:
        known = dict.fromkeys(photo.split or "none" for photo in dataset.photos)
        return InputError(f"There is no split {split!r}.", f"Known splits: {', '.join(known)}.")
    causes = " ".join(problem.message for problem in dataset.problems if problem.kind in _NO_PHOTO)
    return InputError(
        f"{path}: no photo was found. {causes}".rstrip(),
        "Give a data.yaml, a folder of photos and label files, or a list of photos.",
    )


_NO_PHOTO = ("missing-root", "missing-split")
"""Kinds of problems that are causes of finding no photo."""


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


def _without_photo(photos: list[Listed], read: Sequence[str]) -> list[Problem]:
    """Label files to which no photo of any split belongs."""
    known = {*read, *(photo.labels for photo in photos)}
    folders = dict.fromkeys(os.path.dirname(path) for path in known)  # noqa: PTH120
    message = "The label file belongs to no photo that is listed."
    problems = []
    for folder in folders:
        if not is_folder(folder or "."):
            continue
        for name in sorted(map(sound, os.listdir(path_of(folder or ".")))):  # noqa: PTH208
            path = os.path.join(folder, name)  # noqa: PTH118
            if name.endswith(".txt") and path not in known and is_label_file(path):
                problems.append(Problem("warning", "labels-without-image", message, path))
    return problems
