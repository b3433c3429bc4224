"""What adds up over batches, and over all processes: the mean loss, counts of truths, unreadable photos."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from headlab.train.data.batch import Batch
from headlab.train.engine.fabric import gathered
from headlab.train.events import Terms
from headlab.yolov3.loss import Loss

BACKGROUND = "background"


class MeanLoss:
    """Sums losses, and gives their mean; nothing is copied off the device before the mean is asked for.

    Args:
        class_names: by class number.
    """

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self._classes = (*class_names, BACKGROUND)
        self._names: tuple[str, ...] = ()
        self._levels: tuple[str, ...] = ()
        self._sum: Tensor | None = None
        self._weight = 0.0

    def add(self, loss: Loss, weight: float = 1) -> None:
        """Add a batch's loss with this weight."""
        self._names = loss.terms
        self._levels = tuple(grid.name for grid in loss.targets.grids)
        weighted = loss.by_class().double() * weight
        self._sum = weighted if self._sum is None else self._sum + weighted
        self._weight += weight

    def terms(self, fabric: Any = None) -> Terms | None:
        """The terms of the mean loss so far, over all processes if there is a fabric; None for no loss.

        With a fabric every process must call this, even if it has no loss.
        """
        own = None if self._sum is None else self._sum.cpu().numpy()
        parts = gathered((own, self._weight, self._levels, self._names), fabric)
        parts = [part for part in parts if part[0] is not None]
        if not parts:
            return None
        by_class = sum(part[0] for part in parts) / sum(part[1] for part in parts)
        _, _, levels, names = parts[0]
        return Terms(
            total=float(by_class.sum()),
            levels=levels,
            classes=self._classes,
            names=names,
            by_class=by_class,
        )


def terms_of(loss: Loss, class_names: tuple[str, ...]) -> Terms:
    """The terms of one batch's loss."""
    mean = MeanLoss(class_names)
    mean.add(loss)
    terms = mean.terms()
    assert terms is not None  # noqa: S101 - a loss was added
    return terms


@dataclass(frozen=True)
class EpochTotals:
    """An epoch of training.

    Attributes:
        terms: the mean loss.
        truths: what became of the truths, by name: `headlab.yolov3.targets.result.Counts`, and those that
            did not get as far, `headlab.yolov3.augment.photo.Dropped`.
        failed: photos that could not be read, and why.
        lr: the learning rate of the last step.
        data_share: the fraction of the time that was spent waiting for photos.
    """

    terms: Terms
    truths: dict[str, int]
    failed: dict[str, str]
    lr: float
    data_share: float


class EpochSums:
    """Adds up the steps of an epoch.

    Args:
        class_names: by class number.
    """

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self._loss = MeanLoss(class_names)
        self._truths: Counter[str] = Counter()
        self._failed: dict[str, str] = {}
        self._data_s, self._step_s, self._lr = 0.0, 0.0, 0.0

    def add(self, batch: Batch, loss: Loss, *, lr: float, data_s: float, step_s: float) -> None:
        """Add a step that took `step_s` seconds, `data_s` of which were spent waiting for photos."""
        self._loss.add(loss)
        self._truths.update(batch.targets.counts()._asdict())
        self._truths.update(batch.dropped._asdict())
        self._failed.update(batch.failed)
        self._data_s += data_s
        self._step_s += step_s
        self._lr = lr

    def totals(self, fabric: Any) -> EpochTotals:
        """The totals of all processes, each of which must call this; rate and time are this one's."""
        terms = self._loss.terms(fabric)
        assert terms is not None  # noqa: S101 - an epoch has at least one step
        truths: Counter[str] = Counter()
        failed: dict[str, str] = {}
        for truths_of_process, failed_of_process in gathered((self._truths, self._failed), fabric):
            truths.update(truths_of_process)
            failed.update(failed_of_process)
        data_share = self._data_s / self._step_s if self._step_s else 0.0
        return EpochTotals(terms, dict(truths), failed, self._lr, data_share)
