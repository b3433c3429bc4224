"""The files beside a model file that say what the weights do not: cfg, class names, anchors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Beside:
    """Files that the user names; None means: look for it beside the model file.

    Attributes:
        cfg: darknet's description of the network.
        names: class names, one a line.
        anchors: keras-yolo3's anchors, "w,h, w,h, …".
    """

    cfg: Path | None = None
    names: Path | None = None
    anchors: Path | None = None
