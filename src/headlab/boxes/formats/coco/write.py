"""Write one COCO file."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl

from headlab.boxes.classes import written_names
from headlab.boxes.formats.format import Photos
from headlab.boxes.formats.losses import Losses
from headlab.boxes.table import BoxTable

_DIGITS = 6  # of a pixel: the sum of a corner and a side is not exact


def write_coco_folder(table: BoxTable, folder: Path, photos: Photos, losses: Losses) -> None:
    """Write a file per split. The format has no place for photos."""
    for split, part in table.by_split():
        name = f"instances_{split}.json" if split else "annotations.json"
        write_coco(part, folder / name, losses)


def write_coco(table: BoxTable, file: Path, losses: Losses) -> None:
    """Write one file; images and categories keep the numbers that they had in a COCO file."""
    losses.without_difficult(table.boxes)
    losses.note(
        "unknown-size",
        table.images.filter(pl.col("width_px").is_null() | pl.col("height_px").is_null()).height,
        "{} no known size, which COCO's tools need: it was written as null",
        of="images",
    )
    names = written_names(table)
    kept = len(table.category_ids) == len(names)
    categories = table.category_ids if kept else range(1, len(names) + 1)
    numbers = _image_numbers(table.images)
    images = table.images.select(
        id=numbers, file_name="image", width="width_px", height="height_px"
    )
    x, y = pl.col("x1").round(_DIGITS), pl.col("y1").round(_DIGITS)
    w = (pl.col("x2") - pl.col("x1")).round(_DIGITS)
    h = (pl.col("y2") - pl.col("y1")).round(_DIGITS)
    annotations = table.boxes.select(
        id=pl.int_range(1, pl.len() + 1),
        image_id=numbers.gather(table.boxes["image_id"]),
        category_id=pl.Series(list(categories), dtype=pl.Int64).gather(table.boxes["class_id"]),
        bbox=pl.concat_list(x, y, w, h),
        area=(w * h).round(_DIGITS),
        iscrowd=pl.col("crowd").cast(pl.Int64),
    )
    listed = [{"id": number, "name": name} for number, name in zip(categories, names, strict=True)]
    with file.open("wb") as out:
        out.write(b'{"images": [\n')
        out.write(_lines(images))
        out.write(b'],\n"annotations": [\n')
        out.write(_lines(annotations))
        out.write(b'],\n"categories": ')
        out.write(json.dumps(listed, ensure_ascii=False).encode())
        out.write(b"}\n")


def _lines(table: pl.DataFrame) -> bytes:
    """The rows as JSON, one per line, separated by commas."""
    rows = io.BytesIO()
    table.write_ndjson(rows)
    return rows.getvalue().rstrip(b"\n").replace(b"\n", b",\n")


def _image_numbers(images: pl.DataFrame) -> pl.Series:
    known = images["source_id"]
    if not known.has_nulls() and known.is_unique().all():
        return known
    from_one: pl.Series = images["image_id"] + 1
    return from_one
