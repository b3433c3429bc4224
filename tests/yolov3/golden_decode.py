"""What keras-yolo3 decoded, as headlab holds it: outputs of the network, levels, one row per candidate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from headlab.checkpoint.yolov3.architecture import STRIDES_PX
from headlab.heads.addresses import AddressSpace
from headlab.heads.layout import Level

DECODED = ("decode_yolo9_416", "decode_tiny6_416")


def levels_of(anchors: Any, masks: Any) -> tuple[Level, ...]:
    """Levels finest first, from masks coarsest first."""
    made = []
    for name, mask in zip(STRIDES_PX, masks, strict=False):
        pairs = tuple((float(anchors[at][0]), float(anchors[at][1])) for at in mask)
        made.append(Level(name, STRIDES_PX[name], len(pairs), (), pairs))
    return tuple(reversed(made))


def addresses(levels: tuple[Level, ...], height: int, width: int) -> AddressSpace:
    return AddressSpace.of(
        (height, width),
        tuple(level.stride_px for level in levels),
        tuple(level.slots for level in levels),
        tuple(level.name for level in levels),
    )


def load_decoded(shared: Path, name: str) -> dict[str, Any]:
    """A file's arrays; `outputs` as the network gives them, `levels` and `image_hw_px` are added."""
    with np.load(shared / "golden" / f"{name}.npz") as held:
        values = dict(held)
    count = len(values["anchor_mask"])
    raw = [torch.from_numpy(values[f"raw_{at}"]) for at in range(count)]
    values["outputs"] = [each.permute(0, 3, 1, 2) for each in raw]
    values["levels"] = levels_of(values["anchors"], values["anchor_mask"])
    values["image_hw_px"] = tuple(int(side) for side in values["image_shape"])
    return values


def finest_first(golden: dict[str, Any], name: str) -> np.ndarray:
    """One row per candidate from (1, H, W, A, …) per level, coarsest first."""
    parts = [golden[f"{name}_{at}"] for at in range(len(golden["levels"]))]
    return np.concatenate([part.reshape(-1, part.shape[-1]) for part in reversed(parts)])
