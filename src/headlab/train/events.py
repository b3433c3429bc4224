"""What a training tells those who watch it: progress bars, log files, tests."""

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
    """A loss and its terms, as numbers.

    Attributes:
        total: the loss.
        levels: such as ("P5", "P4").
        classes: the class names, and "background" last.
        names: of the terms, such as ("xy", "wh", "confidence", "class").
        by_class: every term of every level by class, (levels, terms, classes); the sum is the total.
    """

    total: float
    levels: tuple[str, ...]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    by_class: NDArray[np.float64]

    def by_term(self) -> dict[str, float]:
        """Each term summed over levels and classes."""
        return dict(zip(self.names, self.by_class.sum((0, 2)).tolist(), strict=True))


@dataclass(frozen=True)
class Started:
    """A training is about to begin, or to go on.

    Attributes:
        config: nothing left open in it.
        folder: where everything is written.
        train_photos: how many photos to train on.
        val_photos: how many to validate on.
        class_names: by class number.
        notes: what the user should know, in sentences: what the start gave and what it did not, what
            is wrong with annotations.
        resumed: the epochs that are done already.
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
    """A stage begins, or goes on.

    Attributes:
        number: 1 or 2.
        stage: its part of the configuration.
        trainable: how many parameters are trained.
        frozen: how many are not.
        steps: per epoch.
        done_epochs: epochs of it that are done already.
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
        stage: its number.
        epoch: of the stage, from 1.
        step: of the epoch, from 1.
        global_step: over all stages, from 1.
        terms: the batch's loss.
        lr: the learning rate.
        input_hw_px: the batch's input size.
        data_s: seconds spent waiting for the batch.
        step_s: seconds of the whole step, waiting included.
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
    """An epoch and its validation are done; its checkpoint is on the disk.

    Attributes:
        stage: its number.
        epoch: of the stage, from 1.
        global_step: steps so far over all stages.
        train: the mean over the epoch's steps.
        val: the mean over the validation photos; None without validation.
        figures: such as {"AP": 0.31, "AP50": 0.78, "AP50/WBC": 0.95}; empty where not evaluated.
        lr: the learning rate in the epoch's last step.
        best: whether it is the best so far.
        truths: the epoch's `headlab.yolov3.targets.result.Counts`, by name.
        skipped: photos that could not be read, and why, in this epoch.
        seconds: how long it took, validation included.
        data_share: the share of the training time spent waiting for photos.
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
    """A training is over.

    Attributes:
        folder: where everything is.
        written: the weight files.
        best_stage: the stage of the best epoch.
        best_epoch: the best epoch.
        monitor: what was watched, such as "val loss".
        best: its best value.
        stopped_early: whether a stage ended before its last epoch.
        seconds: how long this run took.
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
    """Takes every event, on the first process only."""

    def __call__(self, event: Event) -> None:
        """Take an event."""
