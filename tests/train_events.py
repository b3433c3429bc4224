"""The events of a small made-up training, for those who watch one.

for event in training(): watcher(event)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from headlab.train.configuration.config import StageConfig, TrainConfig
from headlab.train.events import (
    Epoch,
    Event,
    Finished,
    StageStarted,
    Started,
    Stepped,
    Terms,
)

CLASSES = ("ant", "蜂", "cat")
STEPS = 3
CONFIG = TrainConfig(
    data={"train": "boxes.txt"},
    variant="yolov3-tiny",
    stage1=StageConfig(epochs=2, freeze="heads-only"),
    stage2=StageConfig(epochs=2, lr=1e-4),
)


def terms(scale: float = 1.0) -> Terms:
    """Level l, term t, class c: scale * (l + 1) * (t + 1) * (c + 1).

    Summed: scale * (1 + 2) * (1 + 2 + 3 + 4) * (1 + 2 + 3 + 4) = 300 * scale.
    """
    levels, names, classes = np.arange(1, 3), np.arange(1, 5), np.arange(1, 5)
    values = scale * levels[:, None, None] * names[:, None] * classes
    return Terms(
        float(values.sum()),
        ("P5", "P4"),
        (*CLASSES, "background"),
        ("xy", "wh", "confidence", "class"),
        values.astype(np.float64),
    )


def started(folder: Path = Path("runs/train"), resumed: int = 0) -> Started:
    return Started(CONFIG, folder, 24, 8, CLASSES, ("Of the start, 3 tensors fit.",), resumed)


def stage_started(number: int, done_epochs: int = 0) -> StageStarted:
    stage = (CONFIG.stage1, CONFIG.stage2)[number - 1]
    frozen = 90 if number == 1 else 0
    return StageStarted(number, stage, 100 - frozen, frozen, STEPS, done_epochs)


def stepped(stage: int, epoch: int, step: int, scale: float = 1.0) -> Stepped:
    """Every stage has 2 epochs of 3 steps."""
    global_step = ((stage - 1) * 2 + epoch - 1) * STEPS + step
    return Stepped(
        stage, epoch, step, global_step, terms(scale), 1e-3, (64, 96), data_s=0.1, step_s=0.5
    )


def epoch(
    stage: int,
    number: int,
    scale: float = 1.0,
    *,
    figures: Mapping[str, float] | None = None,
    skipped: Mapping[str, str] | None = None,
    truths: Mapping[str, int] | None = None,
    validated: bool = True,
) -> Epoch:
    return Epoch(
        stage=stage,
        epoch=number,
        global_step=((stage - 1) * 2 + number) * STEPS,
        train=terms(scale),
        val=terms(scale / 2) if validated else None,
        figures={"AP50": 0.8125, "AP50/蜂": 0.5} if figures is None else figures,
        lr=1e-3,
        best=number == 1,
        truths=truths or {"truths": 40, "assigned": 40, "moved": 0, "lost": 0, "skipped": 0},
        skipped=skipped or {},
        seconds=2.0,
        data_share=0.2,
    )


def training(
    folder: Path = Path("runs/train"), resumed: int = 0, scale: float = 1.0
) -> Iterator[Event]:
    """All events, or those of a training that goes on after some epochs (of 2 in each stage)."""
    yield started(folder, resumed)
    for stage in (1, 2):
        done = min(max(resumed - 2 * (stage - 1), 0), 2)
        if done == 2:
            continue
        yield stage_started(stage, done)
        for number in range(done + 1, 3):
            for step in range(1, STEPS + 1):
                yield stepped(stage, number, step, scale)
            yield epoch(stage, number, scale)
    yield Finished(
        folder, (folder / "best.safetensors",), 2, 1, "val loss", 150.0, False, seconds=125.0
    )
