"""Traced detections of a head with anchors made by hand: YOLOv3-tiny on an input of 416 x 416 px."""

from __future__ import annotations

from typing import Any

import polars as pl

from headlab.detect.settings import Settings
from headlab.heads.detection import DetectionRules
from headlab.heads.layout import Layout, Level
from headlab.trace.trace import Trace
from traced_rows import SCHEMA, detection, trace_of

ANCHORS = {
    "P4": ((10.0, 14.0), (23.0, 27.0), (37.0, 58.0)),
    "P5": ((81.0, 82.0), (135.0, 169.0), (344.0, 319.0)),
}
LEVELS = tuple(ANCHORS)
STRIDES_PX = {"P4": 16, "P5": 32}
LAYOUT = Layout(
    head="YOLOv3-tiny",
    task="detect",
    levels=tuple(Level(name, STRIDES_PX[name], 3, (), ANCHORS[name]) for name in LEVELS),
    class_names=("bird", "cat", "dog"),
    end_to_end=False,
    rotated=False,
    detection=DetectionRules(iou=0.45),
)
_SUPPORT = {"merged": pl.Int64, "best": pl.Float64, "alone": pl.Boolean, "without": pl.Boolean}
_SLOTS = [f"{name}_{slot}" for name in LEVELS for slot in range(3)]
ANCHORED_SCHEMA: dict[str, Any] = {
    **{name: kind for name, kind in SCHEMA.items() if not name.endswith("_P3")},
    **{f"{what}_{slot}": kind for slot in _SLOTS for what, kind in _SUPPORT.items()},
}


def anchored(
    box: tuple[float, float, float, float],
    level: str = "P5",
    slot: int = 1,
    cell: tuple[int, int] = (6, 6),
    **changed: Any,
) -> dict[str, Any]:
    """A bird that three candidates of one slot stand for, on an image of the input's size."""
    made = detection(box, level, cell, slot=slot)
    made = {name: value for name, value in made.items() if not name.endswith("_P3")}
    made["anchor_w"], made["anchor_h"] = ANCHORS[level][slot]
    for name in _SLOTS:
        own = name == f"{level}_{slot}"
        made |= {f"merged_{name}": 3 if own else 0, f"best_{name}": 0.83 if own else None}
        made |= {f"alone_{name}": own, f"without_{name}": not own}
    return made | changed


def anchored_rows(*detections: dict[str, Any]) -> pl.DataFrame:
    """The detections as a table with the columns of `Trace.detections`."""
    numbered = [row | {"detection": at} for at, row in enumerate(detections)]
    return pl.DataFrame(numbered, schema=ANCHORED_SCHEMA)


def anchored_trace(*detections: dict[str, Any]) -> Trace:
    """A run on one image with these detections."""
    images = trace_of(*[detection((0, 0, 9, 9))] * len(detections)).images
    settings = Settings().for_head(LAYOUT)
    return Trace(LAYOUT, settings, anchored_rows(*detections), images, ())
