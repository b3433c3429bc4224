"""headlab: a laboratory for YOLO detection heads.

    import headlab

    model = headlab.load("yolov8n.pt")
    shifted = model.edit(headlab.Shift(levels="P4", by=1), headlab.Shift(levels="P5", by=5))
    shifted.save("yolov8n_shift.pt")
    model.trace("bird.jpg").detections
    headlab.compare(model, shifted, "bird.jpg").inference
    headlab.anchors.fit(headlab.boxes.read("train.txt"), k=9).anchors_wh

Nothing is downloaded, installed or sent, and importing headlab imports neither torch nor ultralytics.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from headlab._version import __version__

if TYPE_CHECKING:
    from headlab import anchors, boxes
    from headlab.boxes.input_size import InputSize
    from headlab.conversion.convert import convert
    from headlab.edit.operations import (
        Bias,
        Copy,
        Drop,
        Keep,
        Permute,
        Rename,
        Reorder,
        Scale,
        Shift,
        Suppress,
        Swap,
        Thresholds,
    )
    from headlab.edit.recipe import Recipe
    from headlab.errors import HeadlabError
    from headlab.evaluate.shown import EvaluationResult
    from headlab.model import Model, compare, load
    from headlab.trace.shown import ComparisonResult, TraceResult

__all__ = [
    "Bias",
    "ComparisonResult",
    "Copy",
    "Drop",
    "EvaluationResult",
    "HeadlabError",
    "InputSize",
    "Keep",
    "Model",
    "Permute",
    "Recipe",
    "Rename",
    "Reorder",
    "Scale",
    "Shift",
    "Suppress",
    "Swap",
    "Thresholds",
    "TraceResult",
    "__version__",
    "anchors",
    "boxes",
    "compare",
    "convert",
    "load",
]

_ELSEWHERE = {
    "headlab.boxes.input_size": ("InputSize",),
    "headlab.edit.recipe": ("Recipe",),
    "headlab.errors": ("HeadlabError",),
    "headlab.model": ("Model", "compare", "load"),
    "headlab.trace.shown": ("ComparisonResult", "TraceResult"),
    "headlab.evaluate.shown": ("EvaluationResult",),
    "headlab.conversion.convert": ("convert",),
}
_HOMES = {name: module for module, names in _ELSEWHERE.items() for name in names}
_PACKAGES = ("anchors", "boxes")


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that `import headlab` stays light."""
    if name not in __all__:
        raise AttributeError(f"module 'headlab' has no attribute {name!r}")
    if name in _PACKAGES:
        return importlib.import_module(f"headlab.{name}")
    return getattr(importlib.import_module(_HOMES.get(name, "headlab.edit.operations")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
