"""Traced detections made by hand, for tests of what is shown of them."""

from __future__ import annotations

from typing import Any

import polars as pl

from headlab.detect.settings import Settings
from headlab.heads.layout import Layout, Level
from headlab.trace.image import Skipped
from headlab.trace.trace import Trace

LEVELS = ("P3", "P4", "P5")
STRIDES_PX = {"P3": 8, "P4": 16, "P5": 32}

_SUPPORT = {"merged": pl.Int64, "best": pl.Float64, "alone": pl.Boolean, "without": pl.Boolean}
_CORNERS = ("x1", "y1", "x2", "y2")
SCHEMA: dict[str, Any] = {
    "image": pl.String,
    "frame": pl.Int64,
    "detection": pl.Int64,
    "class_id": pl.Int64,
    "class_name": pl.String,
    "score": pl.Float64,
    **dict.fromkeys(_CORNERS, pl.Float64),
    **dict.fromkeys(("angle_rad", "obb_w", "obb_h"), pl.Float64),
    "level": pl.String,
    **dict.fromkeys(("stride_px", "row", "col", "slot", "flat_index"), pl.Int64),
    **dict.fromkeys(("anchor_w", "anchor_h", "input_w", "input_h"), pl.Float64),
    **{f"cell_{corner}": pl.Float64 for corner in _CORNERS},
    **{f"{kind}_{level}": dtype for level in LEVELS for kind, dtype in _SUPPORT.items()},
}


def detection(
    box: tuple[float, float, float, float],
    level: str = "P4",
    cell: tuple[int, int] = (0, 0),
    **changed: Any,
) -> dict[str, Any]:
    """A bird of score 0.83 that its own level alone found, on an image of the input's size.

    Args:
        box: x1, y1, x2, y2.
        level: where it comes from.
        cell: row and column.
        changed: other values by column.
    """
    row, col = cell
    stride = STRIDES_PX[level]
    ends = (col * stride, row * stride, (col + 1) * stride, (row + 1) * stride)
    made: dict[str, Any] = {
        "image": "photos/eagle.jpg",
        "frame": None,
        "detection": 0,
        "class_id": 14,
        "class_name": "bird",
        "score": 0.83,
        **dict(zip(_CORNERS, box, strict=True)),
        "angle_rad": None,
        "obb_w": None,
        "obb_h": None,
        "level": level,
        "stride_px": stride,
        "row": row,
        "col": col,
        "slot": 0,
        "flat_index": 0,
        "anchor_w": None,
        "anchor_h": None,
        "input_w": float(box[2] - box[0]),
        "input_h": float(box[3] - box[1]),
        **{f"cell_{corner}": float(end) for corner, end in zip(_CORNERS, ends, strict=True)},
    }
    for name in LEVELS:
        own = name == level
        made |= {f"merged_{name}": 3 if own else 0, f"best_{name}": 0.83 if own else None}
        made |= {f"alone_{name}": own, f"without_{name}": not own}
    return made | changed


def rows(*detections: dict[str, Any]) -> pl.DataFrame:
    """The detections as a table with the columns of `Trace.detections`."""
    numbered = [row | {"detection": at} for at, row in enumerate(detections)]
    return pl.DataFrame(numbered, schema=SCHEMA)


def trace_of(*detections: dict[str, Any], skipped: tuple[Skipped, ...] = ()) -> Trace:
    """A run on one image with these detections."""
    layout = Layout(
        head="Detect",
        task="detect",
        levels=tuple(Level(name, stride, 1, ()) for name, stride in STRIDES_PX.items()),
        class_names=("bird", "cat", "dog"),
        end_to_end=False,
        rotated=False,
    )
    image = {
        "image": "photos/eagle.jpg",
        "frame": None,
        "width_px": 640,
        "height_px": 480,
        "input_width_px": 640,
        "input_height_px": 480,
        "detections": len(detections),
    }
    schema = {"image": pl.String, **dict.fromkeys(list(image)[1:], pl.Int64)}
    return Trace(
        layout, Settings(), rows(*detections), pl.DataFrame([image], schema=schema), skipped
    )
