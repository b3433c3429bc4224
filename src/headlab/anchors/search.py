"""Choose k of some candidate shapes so that they cover weighted points best: k-medoids.

Every exchange of a chosen candidate for any other is evaluated at once, and the best is made, until none
helps: the swap phase of PAM (Kaufman & Rousseeuw 1990) with the gains of all k removals shared as in
FasterPAM (Schubert & Rousseeuw 2021, https://arxiv.org/abs/2008.05171).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_DRAWS = 3
_MOST_SWAPS = 200


def medoids(
    worth: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    k: int,
    rng: np.random.Generator,
) -> tuple[list[int], float]:
    """A set of candidates that no single exchange improves.

    Args:
        worth: of each candidate for each point (C, P), whole numbers.
        weight: of each point (P,), whole numbers.
        k: how many to choose; at most C.
        rng: draws the start.

    Returns:
        The chosen candidates in ascending order, and the sum of their weighted worths.
    """
    chosen = _start(worth, weight, k, rng)
    at = np.arange(worth.shape[1])
    work = np.empty_like(worth)
    value = -1.0
    for _ in range(_MOST_SWAPS):
        nearest, best, second = two_best(worth[chosen])
        value = float(best @ weight)
        by_chosen = np.zeros((len(at), k))
        by_chosen[at, nearest] = weight
        np.maximum(worth, best, out=work)
        values = (work @ weight)[:, None] - best @ by_chosen
        # Without its nearest, a point has the second best or the new one, but no more than it had.
        np.maximum(worth, second, out=work)
        np.minimum(work, best, out=work)
        values += work @ by_chosen
        candidate, leaving = divmod(int(np.argmax(values)), k)
        if values[candidate, leaving] <= value:
            break
        chosen[leaving] = candidate
    return sorted(chosen), value


def _start(
    worth: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    k: int,
    rng: np.random.Generator,
) -> list[int]:
    """Greedy k-means++: draw a few candidates by what each would add, and take the best of them.

    Arthur & Vassilvitskii 2007, with several draws per step.
    """
    chosen: list[int] = []
    best = np.zeros(worth.shape[1])
    for _ in range(k):
        gain = np.maximum(worth, best) @ weight - best @ weight
        gain[chosen] = 0.0
        if not gain.any():
            gain = np.ones(len(worth))
            gain[chosen] = 0.0
        edges = np.cumsum(gain)
        draws = np.searchsorted(edges, rng.random(_DRAWS) * edges[-1], side="right")
        pick = int(draws[np.argmax(gain[draws])])
        chosen.append(pick)
        best = np.maximum(best, worth[pick])
    return chosen


def two_best(
    worth: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each point the best of the chosen (its number and worth), and the worth of the second best."""
    nearest = np.argmax(worth, axis=0)
    at = np.arange(worth.shape[1])
    best = worth[nearest, at]
    others = worth.copy()
    others[nearest, at] = 0.0
    return nearest, best, others.max(axis=0)
