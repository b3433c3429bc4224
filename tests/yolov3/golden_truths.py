"""The boxes, targets and losses that keras-yolo3 recorded, and models to make them for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headlab.checkpoint.yolov3.description import Description, default_masks

TARGETS = (
    "targets_yolo9_416",
    "targets_tiny6_416",
    "targets_yolo9_320x608",
    "targets_zero_416",
    "targets_zero_tiny_416",
    "targets_crowded_416",
    "targets_quirk_gap_row_416",
    "targets_quirk_zero_height_416",
    "targets_quirk_fractional_416",
)
LOSSES = ("loss_yolo9_416", "loss_tiny6_416", "loss_yolo9_320x608", "loss_crowded_416")


def described(anchors: Any, classes: int) -> Description:
    """A model with keras-yolo3's masks."""
    variant = "yolov3" if len(anchors) == 9 else "yolov3-tiny"
    pairs = tuple((float(width), float(height)) for width, height in anchors)
    names = tuple(f"class {at}" for at in range(classes))
    return Description(variant, pairs, default_masks(variant, len(pairs)), names)


def load_truths(shared: Path, name: str) -> dict[str, Any]:
    """A file's arrays; `boxes`, `description` and `input_hw_px` are added."""
    with np.load(shared / "golden" / f"{name}.npz") as held:
        values = dict(held)
    values["boxes"] = torch.from_numpy(values["true_boxes"])
    values["description"] = described(values["anchors"], int(values["num_classes"]))
    values["input_hw_px"] = tuple(values["input_shape"].tolist())
    values["levels"] = range(len(values["description"].masks))
    return values


def outputs_of(values: dict[str, Any]) -> list[Tensor]:
    """The raw outputs as the network gives them, to be differentiated."""
    raw = [torch.from_numpy(values[f"raw_{at}"]) for at in values["levels"]]
    return [each.permute(0, 3, 1, 2).requires_grad_() for each in raw]
