"""Confidence intervals of means over boxes, by resampling photos.

Boxes on one photo resemble each other, so photos are resampled, not boxes (Efron & Tibshirani 1993,
chapter 8; percentile interval). Of more photos than `MOST_UNITS`, random groups of equal size are resampled
instead, whose sums vary as much: the time then does not grow with the photos, and the width of an interval is
known to 1 / sqrt(2 * MOST_UNITS), or about 3 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 1_000
COVERAGE = 0.95
MOST_UNITS = 500

_MOST_NUMBERS = 1 << 20


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


def intervals(
    values: npt.NDArray[np.float64],
    photos: npt.NDArray[np.int64],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> list[Interval]:
    """The means of some values per box, and where they would lie for other photos of the same kind.

    Args:
        values: for each box one or more values (N, V).
        photos: which photo each box is on (N,).
        rng: draws the photos; the same ones for all V.
        resamples: how many sets of photos are drawn.

    Returns:
        V intervals.
    """
    _, unit = np.unique(photos, return_inverse=True)
    number = int(unit.max()) + 1
    if number > MOST_UNITS:
        unit = (rng.permutation(number) % MOST_UNITS)[unit]
        number = MOST_UNITS
    ones = np.ones(len(unit))
    sums = np.column_stack([np.bincount(unit, column) for column in (ones, *values.T)])
    means = []
    at_once = max(1, _MOST_NUMBERS // number)
    for start in range(0, resamples, at_once):
        sets = min(at_once, resamples - start)
        drawn = rng.integers(0, number, (sets, number), np.int32)
        drawn += number * np.arange(sets, dtype=np.int32)[:, None]
        times = np.bincount(drawn.ravel(), minlength=sets * number).reshape(sets, number)
        totals = times.astype(np.float64) @ sums
        means.append(totals[:, 1:] / totals[:, :1])
    tail = (1 - COVERAGE) / 2
    ends = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    return [
        Interval(float(mean), float(low), float(high))
        for mean, low, high in zip(values.mean(axis=0), *ends, strict=True)
    ]


def interval(
    values: npt.NDArray[np.float64],
    photos: npt.NDArray[np.int64],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """The same for one value per box (N,)."""
    return intervals(values[:, None], photos, rng, resamples)[0]
