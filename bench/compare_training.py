"""Training YOLOv3-tiny: targets, a step and its loss, against pytorchyolo, a plain step and keras-yolo3.

keras-yolo3's own figures cannot be taken here, since its TensorFlow does not run in the same environment as
this PyTorch. They were recorded (shared/data/golden/PEERS.md) together with a plain channels_last step in
PyTorch on the same machine: 0.97 s and 1.01 s. On this machine keras-yolo3's step is taken to be 0.97 / 1.01
of the plain step that is measured in the same run, and its step with all but the last convolutions frozen
0.32 / 1.01 of it.

"memory freed" is headlab itself without `headlab.train.engine.memory`, which stays only as long as it is
worth it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from material import SHARED
from measure import Row
from workers import answer, in_turn
from yolov3_material import packages

ROUNDS = 9
BATCH = 8
WAYS: Mapping[str, Sequence[str]] = {
    "ours": ("ours",),
    "heads-only": ("ours", "heads-only"),
    "backbone": ("ours", "backbone"),
    "bf16": ("ours", "none", "bf16-mixed"),
    "freed": ("ours", "none", "32-true", "freed"),
    "plain": ("plain",),
    "pytorchyolo": ("pytorchyolo",),
}

RECORDED_TARGETS_MS = 11.38
RECORDED_STEP_S, RECORDED_FROZEN_S, RECORDED_PLAIN_S = 0.97, 0.32, 1.01

FASTER_TARGETS = 50
FASTER_STEP = 1.3
LOSS_SHARE = 0.1
KEPT_MEMORY = 1.1
WAITING_SHARE = 0.05

NOTE = (
    "* recorded on another machine; steps are scaled by a plain PyTorch step that was taken on both:\n"
    "  keras-yolo3 = plain step here x 0.97 s / 1.01 s (heads only: x 0.32 s / 1.01 s)."
)


def rows() -> Iterator[Row]:
    yield from target_rows()
    yield from step_rows()
    yield from loading_rows()


def target_rows() -> Iterator[Row]:
    """Of 32 images with 20 boxes each."""
    milliseconds = answer("training_targets.py")
    for name, what in (("default", "Targets"), ("compat", "Targets, compat")):
        ours, loop = milliseconds[name], milliseconds["loop"]
        yield Row(what, "ms", ours, RECORDED_TARGETS_MS, "keras-yolo3*", 1 / FASTER_TARGETS)
        yield Row(what, "ms", ours, loop, "plain loop")


def step_rows() -> Iterator[Row]:
    """Of YOLOv3-tiny at 416 pixels with batch 8 and 20 classes."""
    folder = packages("pytorchyolo")
    ways = [name for name in WAYS if name != "pytorchyolo" or folder is not None]
    medians = step_ms(ways, folder)
    step = {name: pair[0] for name, pair in medians.items()}
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
    yield _step_row("Step", ours, step["freed"], "memory freed", 1 / KEPT_MEMORY)
    yield Row("Loss", "ms", medians["ours"][1], ours, "whole step", LOSS_SHARE)


def loading_rows() -> Iterator[Row]:
    """Of an epoch on BCCD's photos, if they are at hand."""
    photos = SHARED / "bccd"
    if photos.is_dir():
        milliseconds = answer("training_loading.py", str(photos))
        waited, steps = milliseconds["waited_ms"], milliseconds["steps_ms"]
        yield Row("Waiting for photos, 2 workers", "ms", waited, steps, "the epoch", WAITING_SHARE)


def _recorded() -> dict[str, float]:
    return {"ours": RECORDED_STEP_S, "heads-only": RECORDED_FROZEN_S}


def _step_row(what: str, ours: float, theirs: float, rival: str, limit: float | None = None) -> Row:
    return Row(f"{what}, batch {BATCH}", "ms", ours, theirs, rival, limit)


def step_ms(ways: Sequence[str], folder: Path | None) -> dict[str, tuple[float, float]]:
    """The median milliseconds of a step, and of its loss, by way; one of each in turn."""
    arguments = {name: WAYS[name] for name in ways}
    steps = in_turn("training_worker.py", arguments, ROUNDS, {"pytorchyolo": folder})
    medians = {}
    for name, its in steps.items():
        step, loss = map(median, zip(*its, strict=True))
        medians[name] = (step, loss)
    return medians
