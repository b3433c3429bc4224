"""Traced images as tables: a row per detection, a row per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from headlab.trace.image import TracedImage

_SIZES = ("width_px", "height_px", "input_width_px", "input_height_px")


def detection_table(images: Sequence[TracedImage]) -> pl.DataFrame:
    """The detections of images that come from the detector, so that their rows are columns still."""
    columns = [_columns(image) for image in images]
    counts = [len(each["flat_index"]) for each in columns]
    joined = {name: pl.Series(name, _joined(columns, name)) for name in columns[0]}
    table = pl.DataFrame(
        {
            "image": pl.Series(
                np.repeat([image.path for image in images], counts), dtype=pl.String
            ),
            "frame": pl.Series(
                [image.frame for image, n in zip(images, counts, strict=True) for _ in range(n)],
                dtype=pl.Int64,
            ),
            "detection": pl.Series([at for n in counts for at in range(n)], dtype=pl.Int64),
            **joined,
        }
    )
    text = [name for name in ("class_name", "level") if name in joined]
    return table.with_columns(pl.col(text).cast(pl.String), pl.col(pl.Float64).fill_nan(None))


def _columns(image: TracedImage) -> Mapping[str, Any]:
    assert isinstance(image.rows, Mapping)  # noqa: S101 - as the detector made them
    return image.rows


def _joined(columns: Sequence[Mapping[str, Any]], name: str) -> Any:
    parts = [each[name] for each in columns]
    if isinstance(parts[0], list):
        return [value for part in parts for value in part]
    return np.concatenate(parts)


def image_row(image: TracedImage) -> dict[str, Any]:
    """The image's file and sizes."""
    return {
        "image": image.path,
        "frame": image.frame,
        "width_px": image.size_hw_px[1],
        "height_px": image.size_hw_px[0],
        "input_width_px": image.input_hw_px[1],
        "input_height_px": image.input_hw_px[0],
    }


def image_table(images: Sequence[TracedImage]) -> pl.DataFrame:
    """A row per image: its file, its sizes, and how many detections it has."""
    schema = {
        "image": pl.String,
        "frame": pl.Int64,
        **dict.fromkeys((*_SIZES, "detections"), pl.Int64),
    }
    rows = [
        {**image_row(image), "detections": len(_columns(image)["flat_index"])} for image in images
    ]
    return pl.DataFrame(rows, schema=schema)
