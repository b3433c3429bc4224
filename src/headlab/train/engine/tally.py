"""What adds up over an epoch's steps, on all processes together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from headlab.train.data.batch import Batch
from headlab.train.engine.fabric import gathered
from headlab.train.engine.terms import MeanTerms
from headlab.train.events import Terms
from headlab.yolov3.loss import Loss


@dataclass(frozen=True)
class Trained:
    """An epoch's steps.

    Attributes:
        terms: the mean loss.
        truths: what became of the truths, as in `headlab.yolov3.targets.result.Counts`, by name.
        failed: photos that could not be read, and why.
        lr: the learning rate of the last step.
        data_share: the share of the time that was spent waiting for photos.
    """

    terms: Terms
    truths: dict[str, int]
    failed: dict[str, str]
    lr: float
    data_share: float


class Tally:
    """Adds an epoch's steps up.

    Args:
        class_names: by class number.
    """

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self._mean = MeanTerms(class_names)
        self._truths: Counter[str] = Counter()
        self._failed: dict[str, str] = {}
        self._waited, self._took, self._lr = 0.0, 0.0, 0.0

    def add(self, batch: Batch, loss: Loss, *, lr: float, data_s: float, step_s: float) -> None:
        """Add a step, and the seconds that it took, `data_s` of which it waited for photos."""
        self._mean.add(loss)
        self._truths.update(batch.targets.counts()._asdict())
        self._failed.update(batch.failed)
        self._waited += data_s
        self._took += step_s
        self._lr = lr

    def trained(self, fabric: Any) -> Trained:
        """The sums of all processes, which must all ask; rate and time are those of this one."""
        terms = self._mean.mean(fabric)
        assert terms is not None  # noqa: S101 - an epoch has a step at least
        truths: Counter[str] = Counter()
        failed: dict[str, str] = {}
        for each_truths, each_failed in gathered((self._truths, self._failed), fabric):
            truths.update(each_truths)
            failed.update(each_failed)
        share = self._waited / self._took if self._took else 0.0
        return Trained(terms, dict(truths), failed, self._lr, share)
