"""A program that trains a small network on one or two processes, for test_two_processes.

python two_processes.py FOLDER PROCESSES FREEZE...      three steps per word of FREEZE
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from headlab.train.configuration.config import StageConfig, TrainConfig
from headlab.train.engine.fabric import launched
from headlab.train.engine.freezing import freeze, train_mode
from headlab.train.engine.optimisation import optimizer_for
from headlab.train.engine.synced_norm import synced
from headlab.train.processes import is_first
from headlab.yolov3.loss import yolo_loss
from headlab.yolov3.network import YOLOv3
from headlab.yolov3.targets.assigner import Assigner

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SIDE_PX = 96
STEPS = 3
BATCH = 4


def images_and_boxes(assigner: Assigner, step: int, part: slice) -> tuple[torch.Tensor, Any]:
    """A part of a batch of four: images (B, 3, 96, 96), and the targets of one or two boxes on each."""
    generator = torch.Generator().manual_seed(step)
    images = torch.rand(BATCH, 3, SIDE_PX, SIDE_PX, generator=generator)
    boxes = []
    for image in range(BATCH):
        corners = torch.rand(1 + image % 2, 2, 2, generator=generator).sort(1).values * 80
        corners[:, 1] += 12
        classes = torch.full((len(corners), 1), float(image % 3))
        boxes.append(torch.cat((corners.flatten(1), classes), 1).float())
    return images[part], assigner(boxes[part], (SIDE_PX, SIDE_PX))


def train(fabric: Fabric, config: TrainConfig, stages: list[str]) -> dict[str, Any]:
    """Every stage sets the bare network up anew, as a new optimizer and other gradients need it."""
    torch.manual_seed(0)
    network = YOLOv3(described())
    if fabric.world_size > 1:
        synced(network, fabric.device)
    assigner = Assigner(network.description)
    size = BATCH // fabric.world_size
    part = slice(fabric.global_rank * size, (fabric.global_rank + 1) * size)
    losses = []
    for number, what in enumerate(stages):
        freeze(network, what)  # type: ignore[arg-type]
        optimizer = optimizer_for(network, StageConfig(lr=1e-3), config)
        model, stepper = fabric.setup(network, optimizer)
        train_mode(network)
        for step in range(STEPS):
            images, targets = images_and_boxes(assigner, STEPS * number + step, part)
            loss = yolo_loss(model(images), targets)
            stepper.zero_grad()
            fabric.backward(loss.total)
            stepper.step()
            losses.append(fabric.all_reduce(loss.total.detach(), reduce_op="mean"))
        del model, stepper
    return {"losses": torch.stack(losses), "state": network.state_dict()}


def described() -> Any:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from yolov3_models import description

    return description()


def main() -> None:
    folder, processes, *stages = sys.argv[1:]
    torch.set_default_dtype(torch.float64)
    config = TrainConfig(device="cpu", devices=int(processes))
    with launched(config) as fabric:
        found = train(fabric, config, stages)
        torch.save(found, Path(folder) / f"{fabric.global_rank}.pt")
        fabric.barrier()
    if is_first():
        sys.stdout.write("done\n")


if __name__ == "__main__":
    main()
