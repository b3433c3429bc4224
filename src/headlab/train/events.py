"""The events of a training, which every watcher gets: log files, progress bars, your own function.

def show(event):
if isinstance(event, Epoch):
print(event.stage, event.epoch, event.train.total, event.figures)

headlab.train.run(plan, watchers=[show])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from headlab.train.configuration.config import StageConfig, TrainConfig


@dataclass(frozen=True)
class Terms:
    """A loss and its terms.

    Attributes:
        total: the loss.
        levels: such as ("P5", "P4").
        classes: the class names, with "background" last.
        names: the names of the terms, such as ("xy", "wh", "confidence", "class").
        by_class: each term by level and class, (levels, terms, classes); the sum is the total.
    """

    total: float
    levels: tuple[str, ...]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    by_class: NDArray[np.float64]

    def by_term(self) -> dict[str, float]:
        """Each term, summed over levels and classes."""
        return dict(zip(self.names, self.by_class.sum((0, 2)).tolist(), strict=True))


@dataclass(frozen=True)
class Started:
    """A training is about to begin or to be resumed.

    Attributes:
        config: the configuration, with everything decided.
        folder: where everything is written.
        train_photos: the number of photos to train on.
        val_photos: the number of photos to validate on.
        class_names: by class number.
        notes: what the user should know, in sentences: which start weights were loaded and which were not,
            what is wrong with the annotations.
        resumed: the number of epochs that are already done.
    """

    config: TrainConfig
    folder: Path
    train_photos: int
    val_photos: int
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    resumed: int = 0


@dataclass(frozen=True)
class StageStarted:
    """A stage begins or is resumed.

    Attributes:
        number: 1 or 2.
        stage: its part of the configuration.
        trainable: the number of trained parameters.
        frozen: the number of frozen parameters.
        steps: per epoch.
        done_epochs: the number of its epochs that are already done.
    """

    number: int
    stage: StageConfig
    trainable: int
    frozen: int
    steps: int
    done_epochs: int = 0


@dataclass(frozen=True)
class Stepped:
    """A step of the optimizer is done.

    Attributes:
        stage: 1 or 2.
        epoch: counted within the stage, from 1.
        step: counted within the epoch, from 1.
        global_step: counted over all stages, from 1.
        terms: the batch's loss.
        lr: the learning rate.
        input_hw_px: height and width of the batch's input.
        data_s: seconds spent waiting for the batch.
        step_s: seconds of the whole step, including the waiting.
    """

    stage: int
    epoch: int
    step: int
    global_step: int
    terms: Terms
    lr: float
    input_hw_px: tuple[int, int]
    data_s: float
    step_s: float


@dataclass(frozen=True)
class Epoch:
    """An epoch and its validation are done; its checkpoint is on disk.

    Attributes:
        stage: 1 or 2.
        epoch: counted within the stage, from 1.
        global_step: the number of steps so far, over all stages.
        train: the mean loss over the epoch's steps.
        val: the mean loss over the validation photos; None without validation.
        figures: such as {"AP": 0.31, "AP50": 0.78, "AP50/WBC": 0.95}; empty if not evaluated.
        lr: the learning rate of the epoch's last step.
        best: whether this epoch is the best so far.
        truths: what became of the epoch's truths, by name: `headlab.yolov3.targets.result.Counts`, and those
            that did not get as far, `headlab.yolov3.augment.photo.Dropped`.
        skipped: photos that could not be read in this epoch, and why.
        seconds: duration, including validation.
        data_share: fraction of the training time spent waiting for photos.
    """

    stage: int
    epoch: int
    global_step: int
    train: Terms
    val: Terms | None
    figures: Mapping[str, float]
    lr: float
    best: bool
    truths: Mapping[str, int]
    skipped: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    data_share: float = 0.0


@dataclass(frozen=True)
class Finished:
    """A training is finished.

    Attributes:
        folder: where everything is.
        written: the weight files.
        best_stage: the stage of the best epoch.
        best_epoch: the best epoch, counted within its stage.
        monitor: what the best epoch was chosen by, such as "val loss".
        best: its best value.
        stopped_early: whether a stage ended before its last epoch.
        seconds: duration of this run.
    """

    folder: Path
    written: tuple[Path, ...]
    best_stage: int
    best_epoch: int
    monitor: str
    best: float
    stopped_early: bool
    seconds: float


Event = Started | StageStarted | Stepped | Epoch | Finished


class Watcher(Protocol):
    """A function that takes every event; it is called in the first process only."""

    def __call__(self, event: Event) -> None:
        """Take an event."""
