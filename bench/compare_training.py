"""Training YOLOv3-tiny: targets, a step and its loss, against pytorchyolo, a plain step and keras-yolo3.

keras-yolo3's own figures cannot be taken here, since its TensorFlow does not run beside this PyTorch. They
are recorded (shared/data/golden/PEERS.md) with what a plain channels_last step in PyTorch took on the same
machine: 0.97 s and 1.01 s. The step of keras-yolo3 on this machine is taken to be 0.97 / 1.01 of the plain
step that is measured here in the same run, and its step with all but the last convolutions frozen
0.32 / 1.01 of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median
from typing import IO

from material import SHARED
from measure import Row
from ready_process import ready
from yolov3_material import packages

HERE = Path(__file__).parent
ROUNDS = 9
BATCH = 8
WAYS: Mapping[str, Sequence[str]] = {
    "ours": ("ours",),
    "heads-only": ("ours", "heads-only"),
    "backbone": ("ours", "backbone"),
    "bf16": ("ours", "none", "bf16-mixed"),
    "plain": ("plain",),
    "pytorchyolo": ("pytorchyolo",),
}

RECORDED_TARGETS_MS = 11.38
RECORDED_STEP_S, RECORDED_FROZEN_S, RECORDED_PLAIN_S = 0.97, 0.32, 1.01

FASTER_TARGETS = 50
FASTER_STEP = 1.3
LOSS_SHARE = 0.1
WAITING_SHARE = 0.05


def rows() -> Iterator[Row]:
    yield from target_rows()
    yield from step_rows()
    yield from loading_rows()


def target_rows() -> Iterator[Row]:
    """Of 32 images with 20 boxes each."""
    found = answer("training_targets.py")
    for name, what in (("default", "Targets"), ("compat", "Targets, compat")):
        ours, loop = found[name], found["loop"]
        yield Row(what, "ms", ours, RECORDED_TARGETS_MS, "keras-yolo3*", 1 / FASTER_TARGETS)
        yield Row(what, "ms", ours, loop, "plain loop")


def step_rows() -> Iterator[Row]:
    """Of YOLOv3-tiny at 416 pixels with batch 8 and 20 classes."""
    folder = packages("pytorchyolo")
    ways = [name for name in WAYS if name != "pytorchyolo" or folder is not None]
    taken = step_ms(ways, folder)
    step = {name: pair[0] for name, pair in taken.items()}
    keras = {name: step["plain"] * s / RECORDED_PLAIN_S for name, s in _recorded().items()}
    ours = step["ours"]
    if "pytorchyolo" in step:
        yield _step_row("Step", ours, step["pytorchyolo"], "pytorchyolo", 1 / FASTER_STEP)
    yield _step_row("Step", ours, keras["ours"], "keras-yolo3*", 1.0)
    yield _step_row("Step", ours, step["plain"], "plain step")
    yield _step_row(
        "Step, heads only", step["heads-only"], keras["heads-only"], "keras-yolo3*", 1.0
    )
    yield _step_row("Step, backbone frozen", step["backbone"], ours, "all trained")
    yield _step_row("Step, bf16-mixed", step["bf16"], ours, "32-true")
    yield Row("Loss", "ms", taken["ours"][1], ours, "whole step", LOSS_SHARE)


def loading_rows() -> Iterator[Row]:
    """Of an epoch on BCCD's photos, where they are at hand."""
    photos = SHARED / "bccd"
    if photos.is_dir():
        found = answer("training_loading.py", str(photos))
        waited, steps = found["waited_ms"], found["steps_ms"]
        yield Row("Waiting for photos, 2 workers", "ms", waited, steps, "the epoch", WAITING_SHARE)


def answer(script: str, *arguments: str) -> dict[str, float]:
    """What a script prints last, as JSON."""
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _recorded() -> dict[str, float]:
    return {"ours": RECORDED_STEP_S, "heads-only": RECORDED_FROZEN_S}


def _step_row(what: str, ours: float, theirs: float, rival: str, limit: float | None = None) -> Row:
    return Row(f"{what}, batch {BATCH}", "ms", ours, theirs, rival, limit)


def step_ms(ways: Sequence[str], folder: Path | None) -> dict[str, tuple[float, float]]:
    """The median milliseconds of a step, and of its loss, by way; one of each in turn."""
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker(name, folder)) for name in ways}
        taken: dict[str, list[list[float]]] = {name: [] for name in ways}
        for round_ in range(ROUNDS):
            for name in ways if round_ % 2 else ways[::-1]:
                asked, said = workers[name]
                asked.write("go\n")
                asked.flush()
                taken[name].append([float(number) for number in said.readline().split()])
    medians = {}
    for name, each in taken.items():
        step, loss = map(median, zip(*each, strict=True))
        medians[name] = (step, loss)
    return medians


def worker(name: str, folder: Path | None) -> AbstractContextManager[tuple[IO[str], IO[str]]]:
    """A process that is ready to train; its stdin and stdout."""
    command = [sys.executable, str(HERE / "training_worker.py"), *WAYS[name]]
    return ready(command, folder if name == "pytorchyolo" else None)


if __name__ == "__main__":
    from run import NOTE, line

    for row in rows():
        print(line(row), flush=True)
    print(NOTE)
