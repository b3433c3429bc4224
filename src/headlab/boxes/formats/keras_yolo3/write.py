"""Write keras-yolo3's text; `headlab.boxes.formats.keras_yolo3.read` describes it."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from headlab.boxes.classes import names_text
from headlab.boxes.formats.format import Photos
from headlab.boxes.formats.losses import Losses
from headlab.boxes.table import BoxTable
from headlab.errors import InputError

_CORNERS = ("x1", "y1", "x2", "y2")


def write_keras_folder(table: BoxTable, folder: Path, photos: Photos, losses: Losses) -> None:
    """Write a text file per split, and `classes.txt`. The format has no place for photos."""
    for split, part in table.by_split():
        _write_lines(part, folder / f"{split or 'annotations'}.txt", losses)
    _write_names(table, folder / "classes.txt")


def write_keras(table: BoxTable, file: Path, losses: Losses) -> None:
    """Write one text file, and the class names as `NAME_classes.txt`."""
    _write_lines(table, file, losses)
    _write_names(table, file.with_name(f"{file.stem}_classes.txt"))


def _write_lines(table: BoxTable, file: Path, losses: Losses) -> None:
    """Write a line per image.

    keras-yolo3 reads whole pixels only, so that corners are rounded to the nearest (halves to the even
    one). Images of other formats are named by their absolute path, since there is no folder that such
    paths start from; those of keras-yolo3's format as they were.

    Raises:
        InputError: a path holds a line break, which the format cannot express, or two classes have the same
            name.
    """
    boxes = losses.without_crowds(table.boxes)
    rounded = [pl.col(corner).round(0, mode="half_to_even") for corner in _CORNERS]
    differs = pl.any_horizontal(
        (pl.col(corner) - whole).abs() > _EXACT
        for corner, whole in zip(_CORNERS, rounded, strict=True)
    )
    losses.note(
        "rounded",
        int(boxes.select(differs.sum()).item()),
        "{} corners in fractions of a pixel, which keras-yolo3 cannot read: they were rounded",
    )
    numbers = [corner.cast(pl.Int64).cast(pl.String) for corner in rounded]
    text = pl.concat_str([*numbers, pl.col("class_id").cast(pl.String)], separator=",")
    texts = boxes.group_by("image_id").agg(text.str.join(" ").alias("text"))
    images = table.images.with_columns(name=_names(table)).join(
        texts, on="image_id", how="left", maintain_order="left"
    )
    losses.note(
        "path-with-space",
        int(images["name"].str.contains(r"[ \t]").sum()),
        "{} a path with a blank in it, at which keras-yolo3 splits the line",
        of="images",
    )
    if images["name"].str.contains(r"[\r\n]").any():
        raise InputError("The path of an image has a line break in it.", "Rename the file.")
    lines = images.select(pl.concat_str("name", "text", separator=" ", ignore_nulls=True))
    file.write_text("".join(f"{line}\n" for line in lines.to_series()), "utf-8")


def _write_names(table: BoxTable, file: Path) -> None:
    if table.class_names:
        file.write_text(names_text(table), "utf-8")


_EXACT = 1e-9


def _names(table: BoxTable) -> pl.Series:
    if table.format == "keras":
        return table.images["image"]
    paths = table.images["path"].fill_null(table.images["image"]).to_list()
    return pl.Series([os.path.abspath(path) for path in paths], dtype=pl.String)  # noqa: PTH100
