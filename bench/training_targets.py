"""Targets of 32 images with 20 boxes each, by Assigner and by a loop, in turn.

Prints the median milliseconds of processor time as JSON; all of them use one thread, and the recorded
figure of keras-yolo3 is processor time as well.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from naive_targets import dense_targets
from training_material import boxes, described

from headlab.yolov3.targets.assigner import Assigner

BATCH, PER_IMAGE, SIDE_PX = 32, 20, 416
ROUNDS, PER_ROUND = 60, 10


def main() -> None:
    torch.set_num_threads(1)
    model, size = described("yolov3"), (SIDE_PX, SIDE_PX)
    padded = boxes(BATCH, PER_IMAGE, SIDE_PX)
    rival = padded.numpy()
    ways: dict[str, Callable[[], Any]] = {
        "default": lambda: default(padded, size),
        "compat": lambda: compat(padded, size),
        "loop": lambda: dense_targets(
            rival, size, model.anchors_wh_px, model.masks, len(model.class_names)
        ),
    }
    default, compat = Assigner(model), Assigner(model, compat="keras-yolo3")
    for ours, theirs in zip(ways["compat"]().dense(), ways["loop"](), strict=True):
        if not np.array_equal(ours.numpy(), theirs):
            raise SystemExit("The loop makes other targets: it does not do the same work.")
    milliseconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, make in ways.items():
            times = 1 if name == "loop" else PER_ROUND
            start = time.process_time()
            for _ in range(times):
                make()
            milliseconds[name].append(1000 * (time.process_time() - start) / times)
    print(json.dumps({name: median(values) for name, values in milliseconds.items()}))


if __name__ == "__main__":
    main()
