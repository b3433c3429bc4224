"""Overlaps by hand, and keras-yolo3's recorded averages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from anchor_boxes import random_shapes
from headlab.boxes.overlap import best_anchor, coverage, iou_matrix


def test_overlaps_by_hand() -> None:
    # 10x20 and 20x10 share 10x10 = 100; together 200 + 200 - 100 = 300.
    # 10x20 lies in 10x40: 200 / 400. 30x30 contains 10x20: 200 / 900.
    found = iou_matrix(
        np.array([[10.0, 20.0]]), np.array([[20.0, 10.0], [10.0, 40.0], [30.0, 30.0]])
    )
    assert found.tolist() == [[100 / 300, 0.5, 200 / 900]]


def test_coverage_by_hand() -> None:
    anchors = np.array([[10.0, 10.0], [100.0, 100.0]])
    boxes = np.array([[10, 20], [50, 100], [10, 10], [2, 2], [400, 400]])
    # Best: 100/200 with 0; 5000/10000 with 1; 1 with 0; 4/100 with 0; 10000/160000 with 1.
    found = coverage(boxes, anchors)
    assert found.mean_iou == pytest.approx((0.5 + 0.5 + 1 + 0.04 + 0.0625) / 5)
    assert found.recall_50 == pytest.approx(3 / 5)
    assert found.recall_25 == pytest.approx(3 / 5)
    # 2x2 and 400x400 differ by factors of 5 and exactly 4: neither is within the limit.
    assert found.recall_ratio_4 == pytest.approx(3 / 5)
    assert found.served == (3, 2)


def test_a_ratio_within_four_needs_no_overlap_of_a_quarter() -> None:
    # 30x30 and 10x90 differ by a factor of 3 in both sides; they share 300 of 1500.
    found = coverage(np.array([[10, 90]]), np.array([[30.0, 30.0]]))
    assert found.mean_iou == pytest.approx(0.2)
    assert (found.recall_25, found.recall_ratio_4) == (0.0, 1.0)


def test_of_equals_the_first_counts() -> None:
    overlaps, numbers = best_anchor(np.array([[10, 10]]), np.array([[10.0, 20.0], [20.0, 10.0]]))
    assert (overlaps.tolist(), numbers.tolist()) == ([0.5], [0])


def test_pieces_make_no_difference() -> None:
    boxes, anchors = random_shapes(40_000), np.array([[20.0, 30.0], [90.0, 60.0], [250.0, 200.0]])
    matrix = iou_matrix(anchors, boxes)
    found = coverage(boxes, anchors)
    assert found.mean_iou == pytest.approx(matrix.max(axis=0).mean(), abs=1e-12)
    assert found.served == tuple(np.bincount(matrix.argmax(axis=0), minlength=3))
    ratio = np.maximum(anchors[:, None] / boxes, boxes / anchors[:, None]).max(axis=2).min(axis=0)
    assert found.recall_ratio_4 == pytest.approx((ratio < 4).mean(), abs=0)


def test_nothing_to_evaluate() -> None:
    with pytest.raises(ValueError, match="at least one box"):
        coverage(np.empty((0, 2)), np.array([[1.0, 1.0]]))


def test_keras_yolo3s_recorded_averages_come_out(shared: Path) -> None:
    golden = shared / "golden"
    boxes = np.load(golden / "kmeans_voc2007_boxes.npz")["wh"]
    recorded = json.loads((golden / "kmeans_voc2007.json").read_text())
    for run in recorded["runs"]:
        anchors = np.array(run["anchors_sorted_by_width"], float)
        assert coverage(boxes, anchors).mean_iou == pytest.approx(run["avg_iou"], abs=1e-12)
    stock = np.array([10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326])
    assert coverage(boxes, stock.reshape(-1, 2)).mean_iou == pytest.approx(0.645, abs=5e-4)
