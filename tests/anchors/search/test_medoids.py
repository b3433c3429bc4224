"""The search finds what trying everything finds."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from anchor_boxes import random_shapes
from headlab.anchors.search.medoids import medoids
from headlab.anchors.search.objectives import worth_of
from headlab.anchors.search.points import Points
from headlab.anchors.search.polish import polished
from headlab.boxes.overlap import iou_matrix
from headlab.errors import UnknownName


@pytest.mark.parametrize("k", [1, 2, 3])
def test_exchanges_reach_the_best_set(k: int) -> None:
    shapes = random_shapes(24)
    worth, weight = worth_of("iou")(iou_matrix(shapes, shapes)), np.ones(24)
    best = max(
        float(worth[list(chosen)].max(axis=0).sum()) for chosen in combinations(range(24), k)
    )
    found = [medoids(worth, weight, k, np.random.default_rng(seed)) for seed in range(4)]
    assert max(value for _, value in found) == best
    for chosen, value in found:
        assert chosen == sorted(set(chosen))
        assert value == float(worth[chosen].max(axis=0).sum())


def test_every_candidate_can_be_chosen() -> None:
    worth = worth_of("iou")(iou_matrix(np.ones((4, 2)), np.ones((4, 2))))
    chosen, _ = medoids(worth, np.ones(4), 4, np.random.default_rng(0))
    assert chosen == [0, 1, 2, 3]


def test_polishing_ends_at_the_only_shape() -> None:
    points = Points(np.array([[40.0, 60.0]]), np.ones(1))
    anchors, value = polished(np.array([[50.0, 50.0]]), points, worth_of("iou"), (0.1, 0.01, 0.001))
    np.testing.assert_allclose(anchors, [[40, 60]], rtol=0.001)
    assert value / 2**20 > 0.998


def test_polishing_never_makes_it_worse() -> None:
    shapes = random_shapes(300)
    points = Points(shapes, np.ones(300))
    start = shapes[:4]
    anchors, value = polished(start, points, worth_of("iou"), (0.1, 0.05))
    before = worth_of("iou")(iou_matrix(start, shapes)).max(axis=0).mean()
    assert value > before
    assert value == pytest.approx(worth_of("iou")(iou_matrix(anchors, shapes)).max(axis=0).mean())


def test_an_unknown_objective() -> None:
    with pytest.raises(UnknownName, match="objective 'recal'"):
        worth_of("recal")
