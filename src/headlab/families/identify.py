"""Checkpoint -> layout, for every family that headlab knows."""

from __future__ import annotations

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.errors import UnsupportedHead
from headlab.families.ultralytics.head import identify_pt
from headlab.families.yolov3.head import identify_yolov3
from headlab.heads.layout import Layout


def identify(checkpoint: Checkpoint) -> Layout:
    """Describe a checkpoint's head.

    Raises:
        UnsupportedHead: the head is of a kind without class rows per level.
        CheckpointError: the file contradicts itself.
    """
    if isinstance(checkpoint, PtCheckpoint):
        return identify_pt(checkpoint)
    if isinstance(checkpoint, Yolov3Checkpoint):
        return identify_yolov3(checkpoint)
    raise UnsupportedHead(f"{checkpoint.path}: headlab describes no heads of such files.")
