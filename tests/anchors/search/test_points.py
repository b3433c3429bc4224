"""Weighted points stand for boxes: nothing is lost, and few are enough."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_boxes import random_shapes
from headlab.anchors.search.best_anchors import Effort, best_anchors
from headlab.anchors.search.points import MOST_POINTS, Points, points_of
from headlab.boxes.overlap import coverage


def test_distinct_pairs_are_counted() -> None:
    points = points_of(np.array([[3, 4], [1, 2], [3, 4], [1, 3]]), None, least=1)
    assert points.wh.tolist() == [[1, 2], [1, 3], [3, 4]]
    assert points.weight.tolist() == [1, 1, 2]


def test_weights_add_up() -> None:
    points = points_of(np.array([[3, 4], [1, 2], [3, 4]]), np.array([0.5, 1.0, 0.25]), least=1)
    assert points.weight.tolist() == [1.0, 0.75]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
def test_many_boxes_become_cell_means(dtype: type) -> None:
    boxes = np.maximum(random_shapes(MOST_POINTS * 4), 1).astype(dtype)
    points = points_of(boxes, None, least=1)
    assert len(points) < len(boxes) / 2
    assert points.weight.sum() == len(boxes)
    total = (points.wh * points.weight[:, None]).sum(axis=0)
    np.testing.assert_allclose(total, boxes.sum(axis=0, dtype=np.float64), rtol=1e-9)


def test_few_shapes_stay_apart_however_many_boxes() -> None:
    shapes = np.array([[100.0, 100.0], [100.1, 100.0], [3.0, 900.0]])
    boxes = np.repeat(shapes, MOST_POINTS, axis=0)
    points = points_of(boxes, None, least=9)
    assert points.wh.tolist() == [[3, 900], [100, 100], [100.1, 100]]


def test_close_shapes_are_told_apart_where_they_are_all_there_is() -> None:
    boxes = 100 + np.random.default_rng(0).random((MOST_POINTS * 2, 2))
    assert len(points_of(boxes, None, least=36)) > 1_000


def test_a_power_of_two_moves_no_cell() -> None:
    boxes = random_shapes(MOST_POINTS * 2)
    small, large = (points_of(boxes * factor, None, least=1) for factor in (1.0, 4.0))
    np.testing.assert_array_equal(small.wh * 4, large.wh)
    np.testing.assert_array_equal(small.weight, large.weight)


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 2000)), min_size=1, max_size=60),
       st.integers(1, 30))  # fmt: skip
def test_merging_keeps_weight_and_sums(pairs: list[tuple[int, int]], most: int) -> None:
    points = points_of(np.array(pairs), None, least=1)
    merged = points.merged_to(most)
    assert len(merged) <= max(most, len(points.merged(0)))
    assert merged.weight.sum() == pytest.approx(points.weight.sum())
    for ours, theirs in zip(_sums(merged), _sums(points), strict=True):
        assert ours == pytest.approx(theirs)


def _sums(points: Points) -> list[float]:
    return [float(each) for each in (points.wh * points.weight[:, None]).sum(axis=0)]


def test_whole_weights_are_whole_and_keep_the_proportions() -> None:
    weight = Points(np.ones((3, 2)), np.array([1.0, 2.0, 1e-15])).whole_weights()
    assert (weight == np.rint(weight)).all()
    assert weight[1] / weight[0] == pytest.approx(2, rel=1e-8)
    assert weight[2] == 1


def test_of_points_that_count_alike_some_are_taken_from_all_over_the_range() -> None:
    """Of sides 1 to 8, each once, the four heaviest are 1, 3, 5, 7, not the four narrowest."""
    alike = Points(np.array([[side, 1.0] for side in range(1, 9)]), np.ones(8))
    assert alike.heaviest(4).wh[:, 0].tolist() == [1, 3, 5, 7]
    heavier = Points(alike.wh, np.array([1.0, 1, 1, 1, 1, 2, 2, 2]))
    assert heavier.heaviest(4).wh[:, 0].tolist() == [1, 6, 7, 8]
    assert len(alike.heaviest(9)) == 8


def test_many_anchors_for_few_boxes_cover_large_ones_too() -> None:
    """1,000 boxes of all sizes and 64 anchors: candidates from the narrowest only left large ones bare."""
    rng = np.random.default_rng(0)
    boxes = np.exp(rng.uniform(np.log(8), np.log(400), (1_000, 2)))
    points = points_of(boxes, None, least=1)
    anchors, _ = best_anchors(points, 64, objective="iou", seed=0, effort=Effort(restarts=1))
    large = boxes[boxes.min(axis=1) > 100]
    assert coverage(large, anchors).mean_iou > 0.7
