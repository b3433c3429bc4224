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
    from headlab import anchors, boxes, train
    from headlab.boxes.input_size import InputSize
    from headlab.comparison.compare import Comparison
    from headlab.conversion.convert import Converted, convert
    from headlab.detect.settings import DetectionSettings
    from headlab.differences.differences import Differences
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
    from headlab.edit.plan import Plan
    from headlab.edit.recipe import Recipe
    from headlab.edit.undo import Restored
    from headlab.edit.write import Saved
    from headlab.errors import HeadlabError
    from headlab.evaluate.evaluation import Evaluation
    from headlab.evaluate.settings import EvaluationSettings
    from headlab.inspection.inspection import Inspection
    from headlab.model import Model, compare, diff, load, undo
    from headlab.run import Run, load_run
    from headlab.trace.trace import Trace

__all__ = [
    "Bias",
    "Comparison",
    "Converted",
    "Copy",
    "DetectionSettings",
    "Differences",
    "Drop",
    "Evaluation",
    "EvaluationSettings",
    "HeadlabError",
    "InputSize",
    "Inspection",
    "Keep",
    "Model",
    "Permute",
    "Plan",
    "Recipe",
    "Rename",
    "Reorder",
    "Restored",
    "Run",
    "Saved",
    "Scale",
    "Shift",
    "Suppress",
    "Swap",
    "Thresholds",
    "Trace",
    "__version__",
    "anchors",
    "boxes",
    "compare",
    "convert",
    "diff",
    "load",
    "load_run",
    "train",
    "undo",
]

_ELSEWHERE = {
    "headlab.differences.differences": ("Differences",),
    "headlab.edit.plan": ("Plan",),
    "headlab.boxes.input_size": ("InputSize",),
    "headlab.edit.recipe": ("Recipe",),
    "headlab.edit.undo": ("Restored",),
    "headlab.edit.write": ("Saved",),
    "headlab.errors": ("HeadlabError",),
    "headlab.inspection.inspection": ("Inspection",),
    "headlab.model": ("Model", "compare", "diff", "load", "undo"),
    "headlab.run": ("Run", "load_run"),
    "headlab.detect.settings": ("DetectionSettings",),
    "headlab.trace.trace": ("Trace",),
    "headlab.comparison.compare": ("Comparison",),
    "headlab.evaluate.evaluation": ("Evaluation",),
    "headlab.evaluate.settings": ("EvaluationSettings",),
    "headlab.conversion.convert": ("Converted", "convert"),
}
_HOMES = {name: module for module, names in _ELSEWHERE.items() for name in names}
_PACKAGES = ("anchors", "boxes", "train")


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that `import headlab` stays light."""
    if name not in __all__:
        raise AttributeError(f"module 'headlab' has no attribute {name!r}")
    if name in _PACKAGES:
        return importlib.import_module(f"headlab.{name}")
    return getattr(importlib.import_module(_HOMES.get(name, "headlab.edit.operations")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
