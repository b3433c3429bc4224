"""What a run's folder holds: the names of its files, and their columns. docs/runs.md describes them.

    run.json                  how the run was made
    images.parquet            one row per image or frame, once the run is complete
    truths.parquet            one row per annotated box, where there are annotations
    annotated.parquet         one row per annotated photo, with what the annotations say of it
    candidates/00000.parquet  one row per candidate and class, in parts
    images/00000.parquet      the images of a part, until the run is complete

A part counts when its images are there: they are written after its candidates.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

VERSION = 1
"""Of the schema. It rises when a reader of the older one would misunderstand a run."""

HEADER = "run.json"
IMAGES = "images.parquet"
TRUTHS = "truths.parquet"
PHOTOS = "annotated.parquet"
CANDIDATES = "candidates"
IMAGE_PARTS = "images"

FLOOR = 0.001
"""Candidates are stored down to this score, which evaluations start from."""

IMAGES_SCHEMA = pl.Schema(
    {
        "image_id": pl.UInt32(),
        "part": pl.UInt32(),
        "image": pl.String(),
        "path": pl.String(),
        "frame": pl.UInt32(),
        "skipped": pl.String(),
        "width_px": pl.UInt32(),
        "height_px": pl.UInt32(),
        "input_width_px": pl.UInt32(),
        "input_height_px": pl.UInt32(),
        "scale_x": pl.Float64(),
        "scale_y": pl.Float64(),
        "offset_x_px": pl.Float64(),
        "offset_y_px": pl.Float64(),
        "corners": pl.Boolean(),
        "sha256": pl.String(),
    }
)
"""The columns of images.parquet; those of sizes are null where the image could not be read."""

CANDIDATES_SCHEMA = pl.Schema(
    {
        "image_id": pl.UInt32(),
        "flat_index": pl.UInt32(),
        "level": pl.UInt8(),
        "row": pl.UInt16(),
        "col": pl.UInt16(),
        "slot": pl.UInt8(),
        "class_id": pl.UInt16(),
        "score": pl.Float32(),
        "box_0": pl.Float32(),
        "box_1": pl.Float32(),
        "box_2": pl.Float32(),
        "box_3": pl.Float32(),
    }
)
"""The columns of candidates/*.parquet. The box is in pixels of the network's input: x, y of the centre, width
and height, or x1, y1, x2, y2 where the image's row says `corners`, as those of end-to-end heads are."""


def part_name(number: int) -> str:
    """The file name of a part."""
    return f"{number:05}.parquet"


def part_number(file: Path) -> int | None:
    """The number in a part's file name; None if it is no such name."""
    stem = file.stem
    return int(stem) if file.suffix == ".parquet" and stem.isdecimal() and len(stem) >= 5 else None
