"""How long an epoch of YOLOv3-tiny waits for batches, with two processes loading a folder's photos.

python training_loading.py BCCD

Prints the milliseconds of waiting and of the whole step, both as sums over the steps, as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile

import torch
from training_worker import BATCH, SIDE_PX, THREADS

from headlab.train.api import plan, run
from headlab.train.configuration.config import DataConfig, StageConfig, TrainConfig
from headlab.train.events import Event, Stepped

WARM_UP = 3
WORKERS = 2


def main() -> None:
    torch.set_num_threads(THREADS)
    config = TrainConfig(
        data=DataConfig(train=sys.argv[1], train_split="train", val_fraction=0),
        variant="yolov3-tiny",
        imgsz=(SIDE_PX, SIDE_PX),
        batch=BATCH,
        workers=WORKERS,
        evaluate_every=0,
        stage1=StageConfig(epochs=0),
        stage2=StageConfig(epochs=1),
    )
    steps: list[Stepped] = []

    def watch(event: Event) -> None:
        if isinstance(event, Stepped):
            steps.append(event)

    with tempfile.TemporaryDirectory() as folder:
        run(plan(config=config, output=folder), [watch])
    counted = steps[WARM_UP:]
    waited_s, steps_s = sum(step.data_s for step in counted), sum(step.step_s for step in counted)
    print(json.dumps({"waited_ms": 1000 * waited_s, "steps_ms": 1000 * steps_s}))


if __name__ == "__main__":
    main()
