"""Anchors: fit them to boxes, check those in use, see what each class loses by sharing them.

    import headlab

    fit = headlab.anchors.fit("2007_train.txt", k=9, imgsz=416)
    fit.anchors_wh, fit.masks, fit.mean_iou
    fit.save("anchors.txt")
    headlab.anchors.check("anchors.txt", "2007_train.txt").findings
    headlab.anchors.per_class("2007_train.txt").verdict

Anchors are widths and heights in pixels of the network's input. Nothing heavy is imported before one of these
is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headlab.anchors.checking.check import AnchorCheck, check
    from headlab.anchors.classes.per_class import AnchorsPerClass, per_class
    from headlab.anchors.fitting.fit import AnchorFit, fit

__all__ = ["AnchorCheck", "AnchorFit", "AnchorsPerClass", "check", "fit", "per_class"]

_HOMES = {
    "AnchorCheck": "headlab.anchors.checking.check",
    "AnchorFit": "headlab.anchors.fitting.fit",
    "AnchorsPerClass": "headlab.anchors.classes.per_class",
    "check": "headlab.anchors.checking.check",
    "fit": "headlab.anchors.fitting.fit",
    "per_class": "headlab.anchors.classes.per_class",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'headlab.anchors' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
