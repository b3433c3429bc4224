"""Build a checkpoint's network, of every family that headlab knows."""

from __future__ import annotations

from typing import Any

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.errors import UnsupportedHead
from headlab.extras import PYTORCH, require
from headlab.families.ultralytics.rebuild import rebuild
from headlab.families.yolov3.detector import Runnable


def build(checkpoint: Checkpoint) -> Any:
    """The checkpoint's network, as edited, in float32 and evaluation mode.

    Returns:
        an `ultralytics.nn.tasks.DetectionModel` or a subclass of it; for YOLOv3 a
        `headlab.yolov3.network.YOLOv3`.

    Raises:
        UnsupportedHead: the head is of a kind that headlab does not describe.
        CheckpointError: the file contradicts itself, or holds weights that are not finite.
    """
    if isinstance(checkpoint, PtCheckpoint):
        return rebuild(checkpoint)
    if isinstance(checkpoint, Yolov3Checkpoint):
        require("Running a network", PYTORCH)
        from headlab.yolov3.load import build as build_yolov3

        return build_yolov3(checkpoint)
    raise UnsupportedHead(f"{checkpoint.path}: headlab builds no networks of such files.")


def runnable(checkpoint: Checkpoint) -> Any:
    """What a detector runs: the network of `build`, or for YOLOv3 one that is made for prediction.

    Raises: as `build`.
    """
    if isinstance(checkpoint, Yolov3Checkpoint):
        return Runnable(checkpoint)
    return build(checkpoint)
