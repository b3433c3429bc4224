"""Annotations of any format as one table: read, check, convert.

    from headlab import boxes

    table = boxes.read("train.txt", classes="classes.txt")
    boxes.check(table)
    boxes.write(table, "coco.json", "coco")

Nothing heavy is imported before one of these is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headlab.boxes.checking.check import check
    from headlab.boxes.reading import read
    from headlab.boxes.table import BoxTable, Problem
    from headlab.boxes.writing import write

__all__ = ["BoxTable", "Problem", "check", "read", "write"]

_HOMES = {
    "BoxTable": "headlab.boxes.table",
    "Problem": "headlab.boxes.table",
    "read": "headlab.boxes.reading",
    "write": "headlab.boxes.writing",
    "check": "headlab.boxes.checking.check",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'headlab.boxes' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
