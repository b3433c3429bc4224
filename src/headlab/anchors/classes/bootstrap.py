"""Confidence intervals of means over boxes, by resampling photos.

Boxes on one photo resemble each other, so photos are resampled, not boxes (Efron & Tibshirani 1993,
chapter 8; percentile interval).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 1_000
COVERAGE = 0.95

_MOST_NUMBERS = 1 << 22


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


def interval(
    values: npt.NDArray[np.float64],
    photos: npt.NDArray[np.int64],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """The mean of one value per box, and where it would lie for other photos of the same kind.

    Args:
        values: one value per box (N,).
        photos: which photo each box is on (N,).
        rng: draws the photos.
        resamples: how many sets of photos are drawn.
    """
    _, photo = np.unique(photos, return_inverse=True)
    sums, counts = np.bincount(photo, values), np.bincount(photo).astype(np.float64)
    number = len(counts)
    means = []
    at_once = max(1, _MOST_NUMBERS // number)
    for start in range(0, resamples, at_once):
        times = rng.multinomial(
            number, np.full(number, 1 / number), min(at_once, resamples - start)
        ).astype(np.float64)
        means.append((times @ sums) / (times @ counts))
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return Interval(float(values.mean()), float(low), float(high))
