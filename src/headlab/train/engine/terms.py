"""The terms of losses as numbers: of one batch, and their mean over many and over all processes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from headlab.train.engine.fabric import gathered
from headlab.train.events import Terms
from headlab.yolov3.loss import Loss

BACKGROUND = "background"


class MeanTerms:
    """Adds losses up and gives their mean; nothing is copied off the device before that is asked for.

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
        """Add a batch's loss, which counts this much."""
        self._names = loss.terms
        self._levels = tuple(grid.name for grid in loss.targets.grids)
        added = loss.by_class().double() * weight
        self._sum = added if self._sum is None else self._sum + added
        self._weight += weight

    def mean(self, fabric: Any = None) -> Terms | None:
        """The mean so far, over all processes if a fabric is given; None if nothing was added.

        With a fabric, every process must ask, also one that was given nothing.
        """
        own = None if self._sum is None else self._sum.cpu().numpy()
        every = gathered((own, self._weight, self._levels, self._names), fabric)
        added = [each for each in every if each[0] is not None]
        if not added:
            return None
        by_class = sum(each[0] for each in added) / sum(each[1] for each in added)
        _, _, levels, names = added[0]
        return Terms(
            total=float(by_class.sum()),
            levels=levels,
            classes=self._classes,
            names=names,
            by_class=by_class,
        )


def terms_of(loss: Loss, class_names: tuple[str, ...]) -> Terms:
    """One batch's terms."""
    mean = MeanTerms(class_names)
    mean.add(loss)
    made = mean.mean()
    assert made is not None  # noqa: S101 - something was added
    return made
