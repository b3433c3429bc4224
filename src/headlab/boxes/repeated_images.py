"""One photo that is listed twice is one photo, with the boxes of both entries."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from headlab.boxes.photos.search import PhotoKeys
from headlab.boxes.table import BOXES_SCHEMA, BoxTable, Problem
from headlab.files.existing import is_file

_SAME_BOX = ["class_id", "x1", "y1", "x2", "y2", "difficult", "crowd"]


def without_repeats(table: BoxTable) -> BoxTable:
    """The table with one entry for each photo of a split; each entry that went becomes a problem.

    A box that an earlier entry of the photo has is left out, so that a doubled line counts once. A photo in
    two splits stays in both.
    """
    images = table.images
    paths = images["path"].fill_null(images["image"]).to_list()
    keys_of = PhotoKeys()
    keys = [keys_of(path) for path in paths]
    if len(set(keys)) == len(keys):
        return table
    if (
        table.format == "voc"
    ):  # file names that XML files got from a template are not the same photo
        keys = [key if is_file(key) else f"{key}\0{at}" for at, key in enumerate(keys)]
    keyed = images.with_columns(key=pl.Series(keys, dtype=pl.String))
    first = pl.col("image_id").first().over("key", pl.col("split").fill_null(""))
    keyed = keyed.with_columns(first=first)
    again = keyed.filter(pl.col("image_id") != pl.col("first"))
    if not again.height:
        return table
    moved = (
        table.boxes.join(keyed.select("image_id", "first"), on="image_id", maintain_order="left")
        .filter(pl.col("image_id") == pl.col("image_id").min().over("first", *_SAME_BOX))
        .with_columns(image_id=pl.col("first"), image=pl.lit(images["image"]).gather("first"))
        .sort("image_id", maintain_order=True)
        .select(BOXES_SCHEMA.names())
    )
    kept = images.filter(keyed["image_id"] == keyed["first"])
    problems = []
    for image, file, line, number in again.select("image", "file", "line", "first").iter_rows():
        before = images.row(number, named=True)
        where = Problem("warning", "", "", before["file"], before["line"]).where
        name = "" if before["image"] == image else f" as {before['image']}"
        message = f"The image is listed before{name}, at {where}: it counts once."
        problems.append(Problem("warning", "duplicate-image", message, file, line, image))
    merged = replace(table, boxes=moved, problems=(*table.problems, *problems))
    return merged.with_images(kept)
