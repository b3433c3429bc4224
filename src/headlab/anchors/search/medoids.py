"""Choose the k of some candidate shapes that cover weighted points best: k-medoids.

All swaps of a chosen candidate for another one are evaluated at once, and the best one is made, until none
helps: the swap phase of PAM (Kaufman & Rousseeuw 1990), with the gains of all k removals shared as in
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
    """A set of candidates that no single swap improves.

    Args:
        worth: the worth of each candidate for each point (C, P), whole numbers.
        weight: how much each point counts (P,), whole numbers.
        k: how many candidates to choose; at most C.
        rng: draws the start.

    Returns:
        The numbers of the chosen candidates in ascending order, and the sum of their weighted worths.
    """
    chosen = _start(worth, weight, k, rng)
    points = np.arange(worth.shape[1])
    work = np.empty_like(worth)
    value = -1.0
    for _ in range(_MOST_SWAPS):
        nearest, best, second = two_best(worth[chosen])
        value = float(best @ weight)
        by_chosen = np.zeros((len(points), k))
        by_chosen[points, nearest] = weight
        np.maximum(worth, best, out=work)
        values = (work @ weight)[:, None] - best @ by_chosen
        # Without its nearest, a point has its second best or the new one, but no more than it had before.
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
    """Greedy k-means++: draw a few candidates in proportion to what each would add, and take the best.

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
    """For each point the number and the worth of the best candidate, and the worth of the second best."""
    nearest = np.argmax(worth, axis=0)
    points = np.arange(worth.shape[1])
    best = worth[nearest, points]
    others = worth.copy()
    others[nearest, points] = 0.0
    return nearest, best, others.max(axis=0)
