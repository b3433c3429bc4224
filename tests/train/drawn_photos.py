"""A small data set of coloured shapes, drawn by the tests, and trainings on it.

text = draw_set(tmp_path / "data", 24)             keras-yolo3's text, with its classes beside it
planned = planned_on(text, tmp_path / "run")       a training of 1 + 1 epochs, ready to run
events = watched(planned)                          what it told its watchers
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from headlab.checkpoint.yolov3.description import Description, default_masks, usual_anchors
from headlab.train.api import run
from headlab.train.configuration.file import load
from headlab.train.engine.weight_files import write_weights
from headlab.train.events import Epoch, Event, Stepped
from headlab.train.planning import Plan, new_plan
from headlab.yolov3.network import YOLOv3

NAMES = ("disc", "square")
COLOURS = ((220, 60, 50), (50, 90, 220))
SIDE_PX = 96

QUICK: dict[str, Any] = {
    "variant": "yolov3-tiny",
    "anchors": "fit",
    "imgsz": SIDE_PX,
    "batch": 8,
    "data.val_fraction": 0.25,
    "stage1.epochs": 1,
    "stage2.epochs": 1,
    "stage2.lr": 1e-3,
    "norm_momentum": 0.1,
    "augment.enabled": False,
    "workers": 0,
    "device": "cpu",
}
"""One epoch with the outputs alone, and one with everything, of 3 steps on 24 photos to train on."""


def draw_set(folder: Path, count: int, *, seed: int = 0, boxes: bool = True) -> Path:
    """Photos p0.png, p1.png ... of 96 to 128 px with one to three shapes each; NAMES says which.

    Args:
        folder: to write to; it is made.
        count: how many photos.
        seed: of what is drawn.
        boxes: whether the annotations have them.

    Returns:
        The annotations.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    lines = []
    for at in range(count):
        image, found = _drawn(rng)
        image.save(folder / f"p{at}.png")
        said = [",".join(map(str, each)) for each in found] if boxes else []
        lines.append(" ".join([f"p{at}.png", *said]))
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in NAMES))
    text = folder / "train.txt"
    text.write_text("".join(f"{line}\n" for line in lines))
    return text


def _drawn(rng: np.random.Generator) -> tuple[Image.Image, list[tuple[int, ...]]]:
    """A photo, and x1, y1, x2, y2 and the class number of each shape; shapes do not touch."""
    width, height = rng.integers(96, 129, 2).tolist()
    noise = rng.integers(0, 90, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    pen = ImageDraw.Draw(image)
    found: list[tuple[int, ...]] = []
    half_w, half_h = width // 2, height // 2
    for quarter in rng.permutation(4)[: rng.integers(1, 4)].tolist():
        side = int(rng.integers(20, 45))
        left = quarter % 2 * half_w + int(rng.integers(0, half_w - side))
        top = quarter // 2 * half_h + int(rng.integers(0, half_h - side))
        number = int(rng.integers(2))
        shape = (left, top, left + side, top + side)
        draw = pen.ellipse if number == 0 else pen.rectangle
        draw((left, top, left + side - 1, top + side - 1), fill=COLOURS[number])
        found.append((*shape, number))
    return image, found


def planned_on(text: Path, folder: Path, **values: Any) -> Plan:
    """A training on drawn photos; names of values have __ where YAML has a dot.

    It starts from weights, so that a stage may freeze some: the same numbers that it would begin with.
    """
    over = {**QUICK, **{name.replace("__", "."): value for name, value in values.items()}}
    if over["anchors"] != "start" and "start" not in over:
        over["start"] = str(start_weights(over["variant"], over.get("seed", 0)))
    return new_plan(load(None, {"data.train": str(text), **over}), folder)


@cache
def start_weights(variant: str = "yolov3-tiny", seed: int = 0) -> Path:
    """Weights of NAMES' classes, as random as those of a training without a start."""
    anchors = usual_anchors(variant)
    masks = default_masks(variant, len(anchors))
    torch.manual_seed(seed)
    network = YOLOv3(Description(variant, anchors, masks, NAMES, (SIDE_PX, SIDE_PX), 1e-6))
    folder = Path(_FOLDER.name)
    (path,) = write_weights(network, folder, f"{variant}-{seed}", ("safetensors",), 0)
    return path


_FOLDER = tempfile.TemporaryDirectory()


def watched(planned: Plan) -> list[Event]:
    """Run a training to its end, and return what it told."""
    told: list[Event] = []
    run(planned, [told.append])
    return told


def losses(told: list[Event]) -> list[float]:
    """The loss of every step."""
    return [each.terms.total for each in told if isinstance(each, Stepped)]


def epochs(told: list[Event]) -> list[Epoch]:
    """The events of the epochs."""
    return [each for each in told if isinstance(each, Epoch)]
