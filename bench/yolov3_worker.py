"""One network in a process of its own: a forward pass for every line on stdin, its milliseconds on stdout.

python yolov3_worker.py ours|unpacked|opencv|pytorchyolo MODEL.weights BATCH
"""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIDE_PX = 416
WARM_UP = 2


def ours(weights: Path, use_packed: bool | None = None) -> Callable[[Any], Any]:
    import torch

    from headlab.families.read import read
    from headlab.yolov3.fused import fused

    network = fused(read(weights), use_packed=use_packed)
    return lambda images: network(torch.from_numpy(images))


def unpacked(weights: Path) -> Callable[[Any], Any]:
    return ours(weights, use_packed=False)


def pytorchyolo(weights: Path) -> Callable[[Any], Any]:
    import torch

    for unused in ("imgaug", "imgaug.augmenters", "terminaltables"):  # it trains with them
        sys.modules[unused] = types.ModuleType(unused)
    from pytorchyolo.models import Darknet

    network = Darknet(str(weights.with_suffix(".pytorchyolo.cfg")))
    network.load_darknet_weights(str(weights))
    network.eval()

    def forward(images: Any) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(images))

    return forward


def opencv(weights: Path) -> Callable[[Any], Any]:
    import cv2

    network = cv2.dnn.readNetFromDarknet(str(weights.with_suffix(".cfg")), str(weights))
    names = network.getUnconnectedOutLayersNames()

    def forward(images: Any) -> Any:
        network.setInput(images)
        return network.forward(names)

    return forward


def main() -> None:
    make, weights, batch = globals()[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])
    forward = make(weights)
    images = np.random.default_rng(0).random((batch, 3, SIDE_PX, SIDE_PX), np.float32)
    for _ in range(WARM_UP):
        forward(images)
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        forward(images)
        print(1000 * (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
