"""What `pip install headlab` leaves out, which extra brings it, and ultralytics itself, offline.

Reading, editing and comparing model files, annotations and anchors need none of it. Whatever runs or trains a
network calls `require` first, so that an incomplete installation is found out before any work is done.
"""

from __future__ import annotations

import importlib
import os
from functools import cache
from importlib.util import find_spec
from types import ModuleType

from headlab.errors import MissingExtra

_PACKAGES = {
    "torch": ("PyTorch", "torch"),
    "ultralytics": ("ultralytics", "torch"),
    "faster_coco_eval": ("faster-coco-eval", "torch"),
    "lightning_fabric": ("Lightning Fabric", "train"),
    "tensorboard": ("TensorBoard", "train"),
}
"""By module: the package's name and its extra. "train" includes "torch"."""

PYTORCH = ("torch",)
NETWORK = (*PYTORCH, "ultralytics")
EVALUATION = (*NETWORK, "faster_coco_eval")
TRAINING = (*EVALUATION, "lightning_fabric", "tensorboard")

_OFFLINE = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
}
"""ultralytics may report usage, look for updates and install packages. This switches it off, and is read when
ultralytics is imported, so that every module that needs it imports it through `ultralytics`."""


def require(purpose: str, modules: tuple[str, ...] = NETWORK) -> None:
    """Make sure that optional modules are installed, without importing them.

    Args:
        purpose: what needs them, as the subject of a sentence: "Training".
        modules: `PYTORCH`, `NETWORK`, `EVALUATION` or `TRAINING`.

    Raises:
        MissingExtra: some are not.
    """
    missing = [_PACKAGES[module] for module in modules if not _installed(module)]
    if missing:
        extra = "train" if "train" in dict(missing).values() else "torch"
        raise MissingExtra(purpose, [name for name, _ in missing], extra)


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # half removed, or hidden
        return False


@cache
def ultralytics(module: str = "") -> ModuleType:
    """ultralytics, or a module inside it such as "nn.tasks", with network and installer switched off.

    A user who wants them sets the same environment variables, which are then kept as they are.

    Raises:
        MissingExtra: ultralytics or PyTorch is not installed.
    """
    require("Running a network")
    for name, value in _OFFLINE.items():
        os.environ.setdefault(name, value)
    importlib.import_module("ultralytics.utils.events").events.enabled = False
    return importlib.import_module(f"ultralytics.{module}" if module else "ultralytics")
