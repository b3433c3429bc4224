"""Small real YOLOv3 models with seeded random weights, in memory and as files.

model = random_model()                              a YOLOv3-tiny with three classes, in memory
model = random_model("yolov3", ("car", "bus"))
path = saved(random_model(), tmp_path / "t.weights")    with t.cfg and t.names beside it
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headlab.checkpoint.yolov3.description import Description, default_masks
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint, in_memory

TINY_ANCHORS = ((10, 14), (23, 27), (37, 58), (81, 82), (135, 169), (344, 319))
FULL_ANCHORS = (
    *((10, 13), (16, 30), (33, 23)),
    *((30, 61), (62, 45), (59, 119)),
    *((116, 90), (156, 198), (373, 326)),
)
CLASS_NAMES = ("ant", "bee", "cat")


def description(
    variant: str = "yolov3-tiny",
    class_names: Sequence[str] = CLASS_NAMES,
    *,
    input_hw_px: tuple[int, int] = (96, 96),
    epsilon: float = 1e-6,
) -> Description:
    anchors = TINY_ANCHORS if variant == "yolov3-tiny" else FULL_ANCHORS
    masks = default_masks(variant, len(anchors))
    return Description(variant, anchors, masks, tuple(class_names), input_hw_px, epsilon)


def random_model(
    variant: str = "yolov3-tiny",
    class_names: Sequence[str] = CLASS_NAMES,
    *,
    seed: int = 0,
    input_hw_px: tuple[int, int] = (96, 96),
    epsilon: float = 1e-6,
) -> InMemoryCheckpoint:
    """Weights that keep the activations around 1, and scores that are neither all 0 nor all 1."""
    described = description(variant, class_names, input_hw_px=input_hw_px, epsilon=epsilon)
    rng = np.random.default_rng(seed)
    arrays = {}
    for each in described.architecture.convolutions:
        for tensor in each.tensors:
            drawn = rng.standard_normal(tensor.shape, np.float32)
            if tensor.name == each.weight:
                drawn *= np.float32((2.0 / (each.in_channels * each.size**2)) ** 0.5)
            elif each.batch_norm and tensor.name in (each.scale, each.variance):
                drawn = np.float32(0.75) + np.float32(0.1) * np.abs(drawn)
            else:
                drawn *= np.float32(0.1)
            arrays[tensor.name] = drawn
    return in_memory(described, arrays, Path(f"{variant}.safetensors"))


def saved(model: InMemoryCheckpoint, path: Path) -> Path:
    """Write a model in the format of the path's suffix, and the files that belong beside it."""
    from headlab.checkpoint.yolov3.write import write_model

    write_model(model, path)
    return path
