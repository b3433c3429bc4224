"""Files of YOLOv3 models with seeded random weights, and the rivals' packages in folders of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from material import ROOT

from headlab.checkpoint.yolov3.description import DARKNET_EPSILON, Description, default_masks
from headlab.checkpoint.yolov3.in_memory import in_memory
from headlab.checkpoint.yolov3.write import write_model

CACHE = ROOT / "build" / "bench"
SIDE_PX = 416
CLASSES = tuple(f"class {number}" for number in range(80))
_ANCHORS = (
    *((10.0, 13.0), (16.0, 30.0), (33.0, 23.0)),
    *((30.0, 61.0), (62.0, 45.0), (59.0, 119.0)),
    *((116.0, 90.0), (156.0, 198.0), (373.0, 326.0)),
)
_ANCHOR_COUNT = {"yolov3-tiny": 6, "yolov3": 9}

PACKAGES = {
    "opencv": ("opencv-python-headless==4.10.0.84",),
    "pytorchyolo": ("pytorchyolo==1.8.0", "tqdm"),
}

# pytorchyolo looks for these in a cfg's first section, though it only needs them for training.
_TRAINING_SETTINGS = "momentum=0.9\ndecay=0.0005\nlearning_rate=0.001\nburn_in=1\nmax_batches=1\n"
_TRAINING_SETTINGS += "policy=steps\nsteps=1,2\nscales=.1,.1\nbatch=1\nsubdivisions=1\n"


def model_file(variant: str) -> Path:
    """A `.weights` file with its .cfg and .names next to it; for "yolov3" it has 248 MB."""
    path = CACHE / f"{variant}.weights"
    if not path.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        anchors = _ANCHORS[: _ANCHOR_COUNT[variant]]
        masks = default_masks(variant, len(anchors))
        size = (SIDE_PX, SIDE_PX)
        described = Description(variant, anchors, masks, CLASSES, size, DARKNET_EPSILON)
        write_model(in_memory(described, _arrays(described)), path)
        cfg = path.with_suffix(".cfg")
        text = cfg.read_text("utf-8").replace("[net]\n", f"[net]\n{_TRAINING_SETTINGS}", 1)
        cfg.with_suffix(".pytorchyolo.cfg").write_text(text, "utf-8")
    return path


def _arrays(described: Description) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for each in described.architecture.convolutions:
        deviation = (1.0 / (each.in_channels * each.size**2)) ** 0.5
        for tensor in each.tensors:
            drawn = rng.standard_normal(tensor.shape, np.float32)
            if tensor.name == each.weight:
                drawn *= np.float32(deviation)
            elif each.batch_norm and tensor.name in (each.scale, each.variance):
                drawn = np.float32(0.5) + np.abs(drawn)
            else:
                drawn *= np.float32(0.1)
            arrays[tensor.name] = drawn
    return arrays


def packages(rival: str) -> Path | None:
    """The folder with a rival's packages, installed if they are not yet; None if they cannot be installed."""
    folder = CACHE / rival
    if not folder.is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        done = subprocess.run(
            [*pip, "--no-deps", "--target", str(folder), *PACKAGES[rival]], check=False
        )
        if done.returncode:
            print(f"{rival} is left out: {' '.join(PACKAGES[rival])} cannot be installed.")
            return None
    return folder
