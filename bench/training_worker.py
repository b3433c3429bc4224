"""One way to train in a process of its own: a step for every line on stdin.

python training_worker.py ours|plain|pytorchyolo [FREEZE [PRECISION [compile|freed]]]

Every step prints its milliseconds and those of the loss alone. All train YOLOv3-tiny for 20 classes at
416 pixels with 8 images of 20 boxes, which are in memory before the first step. Targets are part of no step
but pytorchyolo's, whose loss makes them. With "freed", memory goes back to the system after each step.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

THREADS = 2
os.environ["OMP_NUM_THREADS"] = str(THREADS)

import torch  # noqa: E402 - it reads the number of threads
from training_material import boxes, described, pytorchyolo_cfg  # noqa: E402

BATCH, PER_IMAGE, SIDE_PX = 8, 20, 416
WARM_UP = 3

Step = Callable[["Watch"], None]


class Watch:
    """Adds up the milliseconds of the loss."""

    def __init__(self) -> None:
        self.loss_ms = 0.0

    @contextmanager
    def loss(self) -> Iterator[None]:
        """Around the computation of the loss."""
        start = time.perf_counter()
        yield
        self.loss_ms += 1000 * (time.perf_counter() - start)


def ours(freeze_what: str = "none", precision: str = "32-true", variation: str = "") -> Step:
    from headlab.train.configuration.config import StageConfig, TrainConfig
    from headlab.train.data.batch import Collate, Sample
    from headlab.train.engine.freezing import freeze, train_mode
    from headlab.train.engine.memory import kept_memory
    from headlab.train.engine.optimisation import optimizer_for
    from headlab.yolov3.loss import yolo_loss
    from headlab.yolov3.network import YOLOv3
    from headlab.yolov3.targets.assigner import Assigner

    model = described("yolov3-tiny")
    network = YOLOv3(model).to(memory_format=torch.channels_last)
    freeze(network, freeze_what)
    train_mode(network)
    optimizer = optimizer_for(network, StageConfig(), TrainConfig())
    run: Any = torch.compile(network) if variation == "compile" else network
    pixels = (images() * 255).to(torch.uint8)
    samples = zip(pixels, boxes(BATCH, PER_IMAGE, SIDE_PX), strict=True)
    batch = Collate(Assigner(model))([Sample(each, its, 0) for each, its in samples])
    stack = ExitStack()
    if variation != "freed":
        stack.enter_context(kept_memory())
    atexit.register(stack.close)

    def step(watch: Watch) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            outputs = run(batch.images())
        with watch.loss():
            loss = yolo_loss(outputs, batch.targets).total
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def plain(memory_format: str = "channels_last") -> Step:
    from plain_training import PlainTiny, dense_loss

    from headlab.yolov3.targets.assigner import Assigner

    model = described("yolov3-tiny")
    kind = getattr(torch, memory_format)
    network = PlainTiny(3 * (5 + len(model.class_names))).to(memory_format=kind)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    inputs = images().contiguous(memory_format=kind)
    size = (SIDE_PX, SIDE_PX)
    truths = boxes(BATCH, PER_IMAGE, SIDE_PX)
    dense = Assigner(model, compat="keras-yolo3")(truths, size).dense()
    anchors = [torch.tensor(model.anchors_of(name)) for name in model.level_names]

    def step(watch: Watch) -> None:
        optimizer.zero_grad()
        outputs = network(inputs)
        with watch.loss():
            loss = dense_loss(outputs, dense, anchors, size)
        loss.backward()
        optimizer.step()

    return step


def pytorchyolo() -> Step:
    for unused in ("imgaug", "imgaug.augmenters", "terminaltables"):  # for photos and tables
        sys.modules[unused] = types.ModuleType(unused)
    from pytorchyolo.models import Darknet
    from pytorchyolo.utils.loss import compute_loss
    from pytorchyolo.utils.utils import weights_init_normal

    network = Darknet(str(pytorchyolo_cfg()))
    network.apply(weights_init_normal)
    network.train()
    settings = network.hyperparams
    optimizer = torch.optim.Adam(
        network.parameters(), lr=settings["learning_rate"], weight_decay=settings["decay"]
    )
    inputs = images()
    rows = boxes(BATCH, PER_IMAGE, SIDE_PX)
    corners, classes = rows[..., :4] / SIDE_PX, rows[..., 4:]
    number = torch.arange(BATCH)[:, None, None].expand(-1, PER_IMAGE, 1)
    low, high = corners[..., :2], corners[..., 2:]
    parts = (number, classes, (low + high) / 2, high - low)
    truths = torch.cat(parts, 2).flatten(0, 1)

    def step(watch: Watch) -> None:
        outputs = network(inputs)
        with watch.loss():
            loss, said = compute_loss(outputs, truths, network)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        float(said[3])  # its log

    return step


def images() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(BATCH, 3, SIDE_PX, SIDE_PX)


def main() -> None:
    torch.set_num_threads(THREADS)
    step: Step = globals()[sys.argv[1]](*sys.argv[2:])
    for _ in range(WARM_UP):
        step(Watch())
    print("ready", flush=True)
    for _ in sys.stdin:
        watch, start = Watch(), time.perf_counter()
        step(watch)
        print(1000 * (time.perf_counter() - start), watch.loss_ms, flush=True)


if __name__ == "__main__":
    main()
