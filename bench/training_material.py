"""A model, boxes and photos to train with, all made from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from yolov3_material import model_file

from headlab.checkpoint.yolov3.description import KERAS_EPSILON, Description, default_masks

CLASSES = tuple(f"class {number}" for number in range(20))
_ANCHORS = {
    "yolov3-tiny": (
        *((10.0, 14.0), (23.0, 27.0), (37.0, 58.0)),
        *((81.0, 82.0), (135.0, 169.0), (344.0, 319.0)),
    ),
    "yolov3": (
        *((10.0, 13.0), (16.0, 30.0), (33.0, 23.0)),
        *((30.0, 61.0), (62.0, 45.0), (59.0, 119.0)),
        *((116.0, 90.0), (156.0, 198.0), (373.0, 326.0)),
    ),
}


def described(variant: str, side_px: int = 416) -> Description:
    """A model with 20 classes, darknet's anchors and keras-yolo3's masks."""
    anchors = _ANCHORS[variant]
    masks = default_masks(variant, len(anchors))
    return Description(variant, anchors, masks, CLASSES, (side_px, side_px), KERAS_EPSILON)


def boxes(batch: int, per_image: int, side_px: int) -> Tensor:
    """x1, y1, x2, y2 in whole pixels and the class number, (B, T, 5)."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(8, side_px // 2, (batch, per_image, 2))
    low = (rng.random((batch, per_image, 2)) * (side_px - sizes)).astype(np.int64)
    classes = rng.integers(0, len(CLASSES), (batch, per_image, 1))
    return torch.from_numpy(np.concatenate((low, low + sizes, classes), 2).astype(np.float32))


def pytorchyolo_cfg() -> Path:
    """The tiny network for 20 classes as pytorchyolo reads it, with the cfg's usual training settings."""
    path = model_file("yolov3-tiny").with_suffix(".pytorchyolo.cfg")
    text = path.read_text("utf-8")
    text = text.replace("classes=80", "classes=20").replace("filters=255", "filters=75")
    path = path.with_name("yolov3-tiny-20.pytorchyolo.cfg")
    path.write_text(text, "utf-8")
    return path
