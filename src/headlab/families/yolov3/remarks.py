"""What is known of a YOLOv3 model's files beyond what they say."""

from __future__ import annotations

import hashlib

import numpy as np

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint

_OFFICIAL_TINY = "31b3b6ac3602e082ed439c01e97e9890198bad46e107ac1985b603c1c7a6038c"
_TRAINED_MASK = (1, 2, 3)


def remarks(model: Yolov3Checkpoint) -> tuple[str, ...]:
    """What is known of a model's files beyond what they say."""
    return (
        *model.file_remarks,
        *model.names_remarks,
        *without_names(model),
        *_official_tiny(model),
    )


def without_names(model: Yolov3Checkpoint) -> tuple[str, ...]:
    """That the classes are called by their numbers, for want of names."""
    names = model.described.class_names
    if names != tuple(map(str, range(len(names)))):
        return ()
    return (
        f"No {'other ' if model.names_remarks else ''}class names were found next to it, so the classes are "
        "called by their numbers. "
        "Name a file of them with --names.",
    )


def _official_tiny(model: Yolov3Checkpoint) -> tuple[str, ...]:
    described = model.described
    trained = trained_masks(model)
    if trained in (None, described.masks):
        return ()
    here = ",".join(map(str, described.masks[1]))
    darknet = model.format == "darknet"
    says = "the .cfg" if darknet else "this file"
    remedy = "Write" if darknet else "Convert it again from weights whose .cfg says"
    return (
        "These are the official yolov3-tiny weights for COCO. They were trained with the anchors of "
        f"mask 1,2,3 at P4; {says} says {here}, and its boxes at P4 come out too small. "
        f"{remedy} mask = 1,2,3{' there' if darknet else ''}.",
    )


def trained_masks(model: Yolov3Checkpoint) -> tuple[tuple[int, ...], ...] | None:
    """The masks that a model was trained with, if headlab knows them better than its files do.

    The official yolov3-tiny.weights for COCO (sha256 dccea06f…) were trained with mask 1,2,3 at P4, while
    the official cfg says 0,1,2: on coco128, boxes of P4 overlap the labels by 0.28 on average with the
    latter and by 0.70 with the former (bench/tiny_masks.py). The weights are recognised by the biases of
    P4's boxes, which no edit of class rows changes.
    """
    described = model.described
    if described.variant != "yolov3-tiny":
        return None
    slots = len(described.masks[1])
    biases = model.array("P4.output.bias").reshape(slots, -1)[:, :BOX_NUMBERS]
    if hashlib.sha256(np.ascontiguousarray(biases, "<f4").tobytes()).hexdigest() != _OFFICIAL_TINY:
        return None
    return (described.masks[0], _TRAINED_MASK)
