"""Annotations of any format: read them, check them, describe their sizes, convert them.

    import headlab

    table = headlab.boxes.read("train.txt", names="classes.txt")
    headlab.boxes.check(table).ok
    headlab.boxes.stats(table, imgsz=416).classes
    headlab.boxes.convert(table, "coco.json", to="coco")

Nothing heavy is imported before one of these is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headlab.boxes.checking.check import Findings, check
    from headlab.boxes.reading import read
    from headlab.boxes.size_stats.stats import SizeStats, stats
    from headlab.boxes.table import BoxTable, Problem
    from headlab.boxes.writing import ConvertedBoxes, convert

__all__ = [
    "BoxTable",
    "ConvertedBoxes",
    "Findings",
    "Problem",
    "SizeStats",
    "check",
    "convert",
    "read",
    "stats",
]

_HOMES = {
    "BoxTable": "headlab.boxes.table",
    "ConvertedBoxes": "headlab.boxes.writing",
    "Findings": "headlab.boxes.checking.check",
    "Problem": "headlab.boxes.table",
    "SizeStats": "headlab.boxes.size_stats.stats",
    "check": "headlab.boxes.checking.check",
    "convert": "headlab.boxes.writing",
    "read": "headlab.boxes.reading",
    "stats": "headlab.boxes.size_stats.stats",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'headlab.boxes' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
