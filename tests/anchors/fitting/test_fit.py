"""Fits: by hand, their properties, and their quality on VOC2007."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchor_boxes import random_shapes
from headlab.anchors.fitting.files import keras_text
from headlab.anchors.fitting.fit import fit_shapes
from headlab.boxes.overlap import coverage, iou_matrix
from headlab.boxes.shapes import Shapes, shapes_of
from headlab.errors import InputError, UnknownName
from headlab.heads.levels import levels_of


@pytest.fixture(scope="module")
def voc(shared: Path) -> Shapes:
    """VOC2007 train in original pixels."""
    return shapes_of(np.load(shared / "golden" / "kmeans_voc2007_boxes.npz")["wh"])


def test_two_kinds_of_boxes_get_two_anchors() -> None:
    boxes = np.array([[10, 20]] * 5 + [[100, 50]] * 3)
    fit = fit_shapes(shapes_of(boxes), 2, levels=2)
    assert fit.anchors_wh.tolist() == [[10, 20], [100, 50]]
    assert fit.mean_iou == 1
    assert fit.coverage.served == (5, 3)


def test_one_anchor_for_two_shapes_by_hand() -> None:
    # 10x10 three times, 10x20 once. An anchor 10xh with 10 <= h <= 20 has the sum of overlaps
    # 3 * 10 / h + h / 20, which falls from 3.5 at h = 10 to 2.5 at h = 20: h = 10 is best.
    fit = fit_shapes(shapes_of([[10, 10]] * 3 + [[10, 20]]), 1, levels=1)
    np.testing.assert_allclose(fit.anchors_wh, [[10, 10]], rtol=0.003)
    assert fit.mean_iou == pytest.approx(3.5 / 4, abs=0.003)


def test_recall_is_another_objective() -> None:
    # One anchor: at 10x10, three of five boxes overlap fully and two (10x30) by 1/3, under 0.5.
    # From 10x15 to 10x20, all of them overlap by 0.5 and more, but on average by less.
    boxes = shapes_of([[10, 10]] * 3 + [[10, 30]] * 2)
    by_iou = fit_shapes(boxes, 1, levels=1)
    by_recall = fit_shapes(boxes, 1, levels=1, objective="recall")
    assert by_iou.coverage.recall_50 == pytest.approx(3 / 5)
    assert by_recall.coverage.recall_50 == 1
    assert by_iou.mean_iou > by_recall.mean_iou


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4])
def test_quality_on_voc2007(voc: Shapes, seed: int) -> None:
    fit = fit_shapes(voc, 9, seed=seed)
    assert fit.mean_iou >= 0.6905
    assert fit.mean_iou == coverage(voc.wh, fit.anchors_wh).mean_iou
    assert fit_shapes(voc, 9, seed=seed, objective="recall").coverage.recall_50 > 0.97


def test_many_boxes_are_fitted_as_well_as_few() -> None:
    boxes = random_shapes(60_000)
    few = fit_shapes(shapes_of(boxes[:8_000]), 9)
    many = fit_shapes(shapes_of(boxes), 9)
    assert many.mean_iou > coverage(boxes, few.anchors_wh).mean_iou - 0.001


def test_the_order_of_the_boxes_does_not_matter(voc: Shapes) -> None:
    order = np.random.default_rng(0).permutation(len(voc))
    ours, theirs = fit_shapes(voc, 6), fit_shapes(voc.only(order), 6)
    np.testing.assert_array_equal(ours.anchors_wh, theirs.anchors_wh)


def test_the_same_seed_gives_the_same_anchors() -> None:
    shapes = shapes_of(random_shapes(20_000))
    one, two = fit_shapes(shapes, 7, seed=3), fit_shapes(shapes, 7, seed=3)
    np.testing.assert_array_equal(one.anchors_wh, two.anchors_wh)
    assert one.history == two.history


@pytest.mark.parametrize("count", [500, 20_000])
def test_larger_boxes_get_larger_anchors(count: int) -> None:
    boxes = random_shapes(count)
    small, large = fit_shapes(shapes_of(boxes), 6), fit_shapes(shapes_of(boxes * 8), 6)
    np.testing.assert_allclose(large.anchors_wh, small.anchors_wh * 8, rtol=1e-3)
    assert large.mean_iou == pytest.approx(small.mean_iou, abs=1e-3)


def test_float32_and_whole_numbers_are_welcome() -> None:
    boxes = np.rint(random_shapes(500))
    found = [fit_shapes(shapes_of(boxes.astype(dtype)), 4).anchors_wh for dtype in "fdil"]
    for each in found[1:]:
        np.testing.assert_array_equal(found[0], each)


def test_anchors_ascend_by_area_and_differ(voc: Shapes) -> None:
    anchors = fit_shapes(voc, 12).anchors_wh
    areas = anchors[:, 0] * anchors[:, 1]
    assert (np.diff(areas) >= 0).all()
    assert np.triu(iou_matrix(anchors, anchors), 1).max() < 0.9


def test_class_balance_helps_the_rare_class() -> None:
    boxes = np.concatenate([random_shapes(2_000), [[600, 20]] * 4, [[610, 21]] * 4])
    classes = np.array([0] * 2_000 + [1] * 8)
    plain = fit_shapes(shapes_of(boxes, classes), 3)
    balanced = fit_shapes(shapes_of(boxes, classes), 3, weights="class-balanced")
    rare = boxes[-8:]
    assert coverage(rare, balanced.anchors_wh).mean_iou > 0.95
    assert coverage(rare, plain.anchors_wh).mean_iou < 0.5
    assert any("alike in the fit" in note for note in balanced.notes)


def test_a_box_that_counts_twice_is_as_good_as_two() -> None:
    boxes = random_shapes(40)
    doubled = np.concatenate([boxes, boxes[:10]])
    weights = np.array([2.0] * 10 + [1.0] * 30)
    ours = fit_shapes(shapes_of(boxes), 3, weights=weights)
    np.testing.assert_array_equal(ours.anchors_wh, fit_shapes(shapes_of(doubled), 3).anchors_wh)


@pytest.mark.parametrize("copies", [1, 5_000])
def test_more_anchors_than_shapes(copies: int) -> None:
    shapes = shapes_of(
        np.repeat([[10, 20], [30, 30], [30, 31], [200, 100], [7, 7]], copies, axis=0)
    )
    fit = fit_shapes(shapes, 9)
    assert fit.anchors_wh.tolist() == [[7, 7], [10, 20], [30, 30], [30, 31], [200, 100]]
    assert fit.mean_iou == pytest.approx(1)
    assert "only 5 distinct box shapes" in fit.notes[0]
    assert all(fit.masks)


def test_one_box() -> None:
    fit = fit_shapes(shapes_of([[50, 60]]), 9)
    assert fit.anchors_wh.tolist() == [[50, 60]]
    assert any("cannot fill 3 levels" in note for note in fit.notes)


def test_anchors_that_rounding_would_make_the_same_keep_more_digits() -> None:
    fit = fit_shapes(shapes_of([[1000.1, 50], [1000.2, 50]]), 2, levels=1)
    assert fit.anchors_wh.tolist() == [[1000.1, 50], [1000.2, 50]]
    assert keras_text(fit) == "1000.1,50,  1000.2,50\n"


@given(
    st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 3000)), min_size=1, max_size=40),
    st.integers(1, 12),
    st.sampled_from(["iou", "recall"]),
)
@settings(max_examples=60, deadline=None)
def test_any_boxes_get_as_many_different_anchors_as_they_allow(
    boxes: list[tuple[int, int]], k: int, objective: str
) -> None:
    fit = fit_shapes(shapes_of(boxes), k, objective=objective, restarts=2)
    assert fit.k == min(k, len(set(boxes)))
    assert len(np.unique(fit.anchors_wh, axis=0)) == fit.k
    assert np.isfinite(fit.anchors_wh).all()
    assert (fit.anchors_wh > 0).all()
    if k >= len(set(boxes)):
        assert fit.mean_iou == pytest.approx(1)


def test_nearly_alike_anchors_are_named() -> None:
    fit = fit_shapes(shapes_of([[100, 100], [100, 101], [10, 10]]), 3)
    assert any("Anchors 1 and 2 are nearly alike" in note for note in fit.notes)


def test_no_boxes() -> None:
    with pytest.raises(InputError, match="There are no boxes"):
        fit_shapes(shapes_of([]), 9)


def test_only_bad_boxes_are_named() -> None:
    with pytest.raises(InputError, match="Left out: 3 with no area") as caught:
        fit_shapes(shapes_of([[0, 5], [5, 0], [-3, 4]]), 9)
    assert "headlab boxes check" in caught.value.hint


@pytest.mark.parametrize("k", [0, -1, 100_000])
def test_an_impossible_number_of_anchors(k: int) -> None:
    with pytest.raises(InputError, match="cannot be fitted"):
        fit_shapes(shapes_of([[1, 1]]), k)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"restarts": 0}, "restarts"),
        ({"objective": "speed"}, "objective"),
        ({"assign": "best"}, "way to assign anchors to levels"),
        ({"levels": 9}, "levels are out of range"),
        ({"weights": "rare"}, "weights"),
        ({"weights": np.ones(3)}, "weights do not fit"),
        ({"weights": np.zeros(20)}, "weights do not fit"),
        ({"weights": "class-balanced"}, "no classes"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises((InputError, UnknownName), match=message):
        fit_shapes(shapes_of(random_shapes(20)), 3, **arguments)  # type: ignore[arg-type]


def test_levels_can_be_given() -> None:
    fit = fit_shapes(shapes_of(random_shapes(50)), 4, levels=levels_of(2))
    assert fit.assignment.levels.names == ("P4", "P5")
    assert fit.masks == ((2, 3), (0, 1))
