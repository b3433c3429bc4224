"""Checkpoint -> network, and what detects with it, for every family."""

from __future__ import annotations

from typing import Any

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.detect.detector import Runnable
from headlab.families.table import family_of


def build(checkpoint: Checkpoint) -> Any:
    """The checkpoint's network, as edited, in float32 and evaluation mode.

    Returns:
        an `ultralytics.nn.tasks.DetectionModel` or a subclass of it; for YOLOv3 a
        `headlab.yolov3.network.YOLOv3`.

    Raises:
        UnsupportedHead: the head is of a kind that headlab does not describe, or its family's networks
            cannot be built.
        CheckpointError: the file contradicts itself, or holds NaN or infinite weights.
    """
    return family_of(checkpoint).build(checkpoint)


def runnable(checkpoint: Checkpoint) -> Runnable:
    """What makes detectors of a checkpoint; for YOLOv3 in a form that is made for prediction.

    Raises: as `build`.
    """
    return family_of(checkpoint).runnable(checkpoint)
