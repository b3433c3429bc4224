"""One photo that is listed twice is one photo, and one box that is listed twice is one box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from headlab.boxes.photos.search import PhotoKeys
from headlab.boxes.table import DUPLICATE_BOX, DUPLICATE_IMAGE, BoxTable, Problem

_BOX = ("image_id", "class_id", "x1", "y1", "x2", "y2")


def without_repeats(table: BoxTable) -> BoxTable:
    """The table with each photo once in a split, with the boxes of all its entries, each of them once.

    A photo is the same if its path leads to the same place, however that is spelled. A photo in two splits
    stays in both. Each entry that is taken together with an earlier one becomes a problem, and so does each
    box that repeats another of the same entry. COCO gives numbers to boxes: two of the same entry are two.
    """
    images = table.images
    entries = images.select("image_id", "split", place=places(table))
    first = entries.select(pl.col("image_id").first().over("place", "split")).to_series()
    again = list(_again(images, first))
    boxes = table.boxes.with_columns(
        image_id=first.gather(table.boxes["image_id"]), entry=pl.col("image_id")
    ).with_columns(first_entry=pl.col("entry").first().over(_BOX))
    of_entry = pl.col("entry") == pl.col("first_entry")
    repeats = ~boxes.select(pl.struct(_BOX).is_first_distinct()).to_series()
    if table.format == "coco":
        repeats &= ~boxes.select(of_entry).to_series()
    if not again and not repeats.any():
        return table
    problems = _box_problems(boxes.filter(repeats).filter(of_entry))
    kept = (
        boxes.filter(~repeats)
        .sort("image_id", maintain_order=True)
        .with_columns(image=pl.col("image_id").replace_strict(images["image_id"], images["image"]))
        .select(table.boxes.columns)
    )
    whole = replace(table, boxes=kept, problems=(*table.problems, *again, *problems))
    return whole.with_images(images.filter(images["image_id"] == first))


def places(table: BoxTable) -> pl.Series:
    """A text for each image, the same for the same photo, however its path is spelled."""
    paths = table.images["path"].fill_null(table.images["image"])
    place_of = PhotoKeys()
    return pl.Series([place_of(path) for path in paths], dtype=pl.String)


def _again(images: pl.DataFrame, first: pl.Series) -> Iterator[Problem]:
    """A problem for each entry of a photo that has an earlier one."""
    rows = images.select("image", "file", "line").rows()
    for image_id, first_id in enumerate(first):
        if image_id == first_id:
            continue
        image, file, line = rows[image_id]
        image0, file0, line0 = rows[first_id]
        before = Problem("warning", "", "", file0, line0).where
        name = "" if image == image0 else f" as {image0}"
        message = f"The image is listed before{name}, at {before}: it counts once."
        yield Problem("warning", DUPLICATE_IMAGE, message, file, line, image)


def _box_problems(boxes: pl.DataFrame) -> Iterator[Problem]:
    columns = ("x1", "y1", "x2", "y2", "file", "line", "image")
    for *corners, file, line, image in boxes.select(columns).iter_rows():
        shown = ",".join(f"{value:.10g}" for value in corners)
        message = (
            f"Box {shown}: it is a duplicate: the image has the same box of the same class before it. It "
            "counts once."
        )
        yield Problem("warning", DUPLICATE_BOX, message, file, line, image)
