"""A training in lines of text: how it begins, its epochs as a table, its results."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from headlab.plain_text import counted, size_text

if TYPE_CHECKING:
    from headlab.train.configuration.config import DataConfig
    from headlab.train.events import Epoch, Finished, StageStarted, Started

MOST_SKIPPED = 5
"""How many unreadable photos are named per epoch."""

EPOCHS_HEADING = (
    f"{'stage':>5}  {'epoch':>9}  {'train':>10}  {'val':>10}  {'AP50':>6}  {'lr':>8}  {'time':>7}"
)

_FROZEN = {
    "heads-only": "all but the last convolutions are frozen",
    "backbone": "the backbone is frozen",
}


def started_lines(event: Started) -> Iterator[str]:
    """What is trained, and on what."""
    config = event.config
    classes = counted(len(event.class_names), "class", "classes")
    names = ", ".join(event.class_names[:8]) + (", …" if len(event.class_names) > 8 else "")
    yield f"{config.variant or 'YOLOv3'} at {size_text(config.imgsz)}, {classes}: {names}"
    validated = counted(event.val_photos, "photo") if event.val_photos else "nothing"
    yield f"training on {counted(event.train_photos, 'photo')}, validating on {validated}"
    if config.start:
        yield f"start: {config.start}"
    yield f"everything goes to {event.folder}"
    if event.resumed:
        yield f"resuming after {counted(event.resumed, 'epoch')}"
    yield from event.notes


def stage_lines(event: StageStarted) -> Iterator[str]:
    """What is trained in a stage, and the heading of its epochs."""
    stage, total = event.stage, event.trainable + event.frozen
    yield (
        f"stage {event.number}: {counted(stage.epochs, 'epoch')} of {counted(event.steps, 'step')}, "
        f"lr {stage.lr:g} ({stage.schedule})"
    )
    yield (
        f"{event.trainable:,} of {total:,} parameters are trained: {_FROZEN[stage.freeze]}"
        if event.frozen
        else f"all {total:,} parameters are trained"
    )
    yield EPOCHS_HEADING


def epoch_lines(event: Epoch, epochs: int) -> Iterator[str]:
    """An epoch as a row, followed by what went wrong in it.

    Args:
        event: the epoch.
        epochs: the number of epochs of the stage.
    """
    of_stage = f"{event.epoch}/{epochs}"
    val = "-" if event.val is None else number(event.val.total)
    ap50 = event.figures.get("AP50")
    row = (
        f"{event.stage:>5}  {of_stage:>9}  {number(event.train.total):>10}  {val:>10}  "
        f"{'-' if ap50 is None else f'{ap50:.3f}':>6}  {event.lr:>8.2g}  {duration(event.seconds):>7}"
    )
    yield f"{row}  *" if event.best else row
    yield from _lost_lines(event.truths)
    yield from _skipped_lines(event.skipped)


def finished_lines(event: Finished, data: DataConfig | None = None) -> Iterator[str]:
    """The results of a training, and what to do next.

    Args:
        event: the end of the training.
        data: what it was trained and validated on, for the commands to try next.
    """
    early = ", a stage ended early" if event.stopped_early else ""
    yield f"done in {duration(event.seconds)}{early}"
    if event.best_stage:
        yield (
            f"best: epoch {event.best_epoch} of stage {event.best_stage}, {event.monitor} "
            f"{number(event.best)}"
        )
    for path in event.written:
        yield f"wrote {path}"
    if event.written:
        weights = shlex.quote(str(event.written[0]))
        yield "next:"
        yield f"  headlab evaluate {weights} {_annotations(data)}"
        yield f"  headlab trace {weights} PHOTO"


def _annotations(data: DataConfig | None) -> str:
    """The validation data, as arguments of `headlab evaluate`."""
    if data is None:
        return "DATA"
    options = {
        "--split": data.val_split,
        "--format": data.format,
        "--data-names": data.names,
        "--images": data.images,
        "--encoding": data.encoding,
    }
    arguments = [part for name, value in options.items() if value for part in (name, value)]
    return shlex.join([data.val or data.train, *arguments])


def _lost_lines(truths: Mapping[str, int]) -> Iterator[str]:
    total = truths.get("truths", 0)
    if not total and truths:
        cropped, small = truths.get("cropped", 0), truths.get("too_small", 0)
        yield (
            f"       not one box was learned: {cropped:,} were cropped, {small:,} too small in the input"
        )
    if truths.get("lost"):
        yield f"       {truths['lost']:,} of {total:,} boxes found no free slot and were not learned"
    if truths.get("skipped"):
        yield f"       {truths['skipped']:,} of {total:,} boxes have no area in the input"


def _skipped_lines(skipped: Mapping[str, str]) -> Iterator[str]:
    for path, reason in list(skipped.items())[:MOST_SKIPPED]:
        yield f"       skipped {path}: {reason}"
    rest = len(skipped) - MOST_SKIPPED
    if rest > 0:
        yield f"       skipped {counted(rest, 'more photo')}"


def number(value: float) -> str:
    """A figure with four digits, such as 12.35 or 0.8123."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 10**6 or 0 < abs(value) < 10**-3:
        return f"{value:.3e}"
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:.{max(4 - whole, 0)}f}"


def duration(seconds: float) -> str:
    """Such as "8.3 s", "2:05" or "1:02:05"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
