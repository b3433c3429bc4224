"""The number of anchors: a curve, and where it bends."""

from __future__ import annotations

import numpy as np
import pytest

from anchor_boxes import random_shapes
from headlab.anchors import fit
from headlab.anchors.fitting.curve import WORTH_AN_ANCHOR, curve_over_k
from headlab.boxes.shapes import shapes_of
from headlab.errors import InputError


def test_the_curve_rises_and_bends() -> None:
    shapes = shapes_of(random_shapes(800))
    curve = curve_over_k(shapes, most=12)
    means = [point.coverage.mean_iou for point in curve.points]
    assert [point.k for point in curve.points] == list(range(1, 13))
    assert (np.diff(means) > 0).all()
    assert curve.chosen % 3 == 0
    at = curve.chosen - 1
    if curve.chosen < 12:
        assert (means[at + 3] - means[at]) / 3 < WORTH_AN_ANCHOR
    assert f"{curve.chosen} anchors" in curve.reason


def test_three_kinds_of_boxes_need_three_anchors() -> None:
    rng = np.random.default_rng(0)
    kinds = np.array([[10.0, 10.0], [60.0, 90.0], [300.0, 200.0]])[rng.integers(3, size=300)]
    made = fit(kinds * np.exp(rng.normal(0, 0.01, (300, 2))), "auto", most_k=9)
    assert made.curve is not None
    assert made.k == made.curve.chosen == 3
    assert made.curve.reason.startswith("Beyond 3 anchors, 3 more add")


def test_few_shapes_end_the_curve() -> None:
    curve = curve_over_k(shapes_of([[10, 20], [30, 40]]))
    assert [point.k for point in curve.points] == [1, 2]
    assert (curve.chosen, curve.reason) == (2, "There are only 2 distinct box shapes.")


def test_progress_is_told_after_every_number() -> None:
    steps: list[tuple[int, int | None]] = []
    curve_over_k(
        shapes_of(random_shapes(50)), most=4, progress=lambda done, of: steps.append((done, of))
    )
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_too_few_to_fill_the_levels() -> None:
    with pytest.raises(InputError, match="cannot fill 3 levels"):
        curve_over_k(shapes_of(random_shapes(9)), most=2)
    with pytest.raises(InputError, match="k is 'many'"):
        fit(random_shapes(9), "many")  # type: ignore[arg-type]
