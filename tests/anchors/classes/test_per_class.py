"""What classes lose by sharing anchors: by hand, on VOC2007, and with intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anchor_boxes import random_shapes
from headlab.anchors import AnchorsPerClass, per_class
from headlab.anchors.classes.bootstrap import Interval, interval
from headlab.anchors.classes.budget import ClassCurve, split_budget
from headlab.anchors.classes.per_class import per_class_shapes
from headlab.anchors.classes.verdicts import SHAPE_FIT_ONLY, class_verdict
from headlab.boxes.input_size import InputSize
from headlab.boxes.shapes import shapes_of
from headlab.errors import InputError

GAIN = Interval(0.1, 0.05, 0.2)


@pytest.fixture(scope="module")
def voc(shared: Path) -> AnchorsPerClass:
    return per_class(shared / "voc2007" / "2007_train.txt", imgsz=InputSize(units="original"))


def test_the_figures_of_voc2007(voc: AnchorsPerClass) -> None:
    # ../shared/data/golden/PEERS.md has these, found by another program.
    assert voc.shared_iou == pytest.approx(0.691, abs=0.001)
    assert voc.own_iou == pytest.approx(0.756, abs=0.001)
    aeroplane, bicycle = voc.classes[0], voc.classes[1]
    assert (aeroplane.shared_iou, aeroplane.own_iou) == pytest.approx((0.583, 0.779), abs=0.002)
    assert (bicycle.shared_iou, bicycle.own_iou) == pytest.approx((0.739, 0.777), abs=0.002)
    assert max(voc.classes, key=lambda row: row.gain.mean).number == 0
    assert (voc.budget.total, voc.budget.mean_iou) == (20, pytest.approx(0.393, abs=0.001))


def test_unseen_photos_gain_less(voc: AnchorsPerClass) -> None:
    assert voc.held_out_gain is not None
    assert 0 < voc.held_out_gain.mean < voc.gain.mean
    for row in voc.classes:
        for gain in (row.gain, row.recall_gain, row.held_out_gain, row.held_out_recall_gain):
            assert gain is not None
            assert gain.low <= gain.mean <= gain.high


def test_what_leads_is_the_gain_on_unseen_photos(voc: AnchorsPerClass) -> None:
    best = voc.judged[0]
    assert best.held_out_gain is not None
    assert best.held_out_gain.mean == max(row.held_out_gain.mean for row in voc.judged)  # type: ignore[union-attr]
    assert f"{best.name} {best.held_out_gain}" in voc.verdict
    assert best.verdict == (
        f"{best.name} would gain {best.held_out_gain} in mean IoU on unseen photos "
        f"({best.gain.mean:+.3f} on the boxes of the fit)."
    )
    assert "on unseen photos" in voc.summary
    columns = voc.table.columns
    assert columns.index("held_out_gain") < columns.index("gain")
    assert voc.to_dict()["held_out_gain"].keys() == {"mean", "low", "high"}


def test_on_unseen_photos_classes_of_one_kind_gain_nothing() -> None:
    """Two classes drawn alike: what 9 anchors per 60 boxes gain on the boxes of the fit is overfitting."""
    shapes = shapes_of(random_shapes(120), np.arange(120) % 2, image_ids=np.arange(120) // 2)
    found = per_class_shapes(shapes, 9)
    assert found.gain.low > 0
    assert found.held_out_gain is not None
    assert found.held_out_gain.low < 0
    assert "gain nothing on unseen photos" in found.classes[0].verdict


def test_many_photos_are_gathered_into_groups_that_vary_as_much() -> None:
    """4,000 photos of one box: the error of the mean is s / sqrt(4000), known to 1 / sqrt(2 * 500) = 3 %.

    The interval is 2 * 1.96 of it wide; its ends are quantiles of 1,000 draws, which adds a few percent.
    """
    rng = np.random.default_rng(1)
    values = rng.normal(size=4_000)
    found = interval(values, np.arange(4_000), rng)
    expected = 2 * 1.96 * values.std() / np.sqrt(4_000)
    assert found.high - found.low == pytest.approx(expected, rel=0.12)
    assert found.mean == values.mean()


def test_the_gain_is_one_of_numbers_not_of_separation(voc: AnchorsPerClass) -> None:
    assert voc.more_k == 64 < 9 * 20
    assert voc.more_iou > voc.own_iou
    assert "even 64 shared ones reach" in voc.verdict
    assert voc.verdict.endswith("more anchors, not from separating the classes.")


def test_class_only_anchors_need_many(voc: AnchorsPerClass) -> None:
    assert voc.needed is not None
    assert 40 < voc.needed.total < 90
    assert sum(voc.needed.by_class.values()) == voc.needed.total
    assert voc.needed.mean_iou >= voc.shared.mean_iou


def test_two_classes_of_one_shape_each_by_hand() -> None:
    # Shared: one anchor. Class 0 is 10x10 (three boxes), class 1 is 10x20 (one box): 10x10 is best, which
    # class 1 overlaps by 0.5. Alone, each class is covered fully.
    boxes = [[10, 10]] * 3 + [[10, 20]]
    shapes = shapes_of(boxes, [0, 0, 0, 1], image_ids=[0, 1, 2, 3], class_names=("a", "b"))
    found = per_class_shapes(shapes, 1, levels=1)
    a, b = found.classes
    assert a.shared_iou == pytest.approx(1, abs=0.005)
    assert (b.shared_iou, b.own_iou) == (pytest.approx(0.5, abs=0.005), 1)
    assert b.gain.mean == pytest.approx(0.5, abs=0.005)
    assert b.held_out_gain is None  # one photo cannot be held out
    assert (found.budget.total, found.budget.mean_iou) == (2, 1)
    assert "too few" in b.verdict


def test_classes_with_few_boxes_are_not_judged() -> None:
    # 60 boxes of class 0 and 2 of class 1: fewer than the 30 that a fit of its own needs.
    shapes = shapes_of(random_shapes(62), [0] * 60 + [1] * 2, image_ids=np.arange(62))
    found = per_class_shapes(shapes, 3)
    assert [row.number for row in found.judged] == [0]
    assert "1 class has fewer than 30 boxes: too few to say." in found.verdict
    nothing = per_class_shapes(shapes.only(np.arange(50, 62)), 3)
    assert {row.number for row in nothing.judged} == {0, 1}
    assert "No class has 30 boxes or more: too few to say." in nothing.verdict


def test_one_class_only() -> None:
    shapes = shapes_of(random_shapes(60), np.zeros(60, int), class_names=("cell",))
    found = per_class_shapes(shapes, 3)
    assert found.verdict.startswith("There is only one class, cell")
    assert found.classes[0].photos is None


def test_boxes_without_classes() -> None:
    with pytest.raises(InputError, match="no classes to compare"):
        per_class_shapes(shapes_of(random_shapes(9)), 3)


def test_the_same_seed_gives_the_same_figures() -> None:
    shapes = shapes_of(random_shapes(300), np.arange(300) % 3, image_ids=np.arange(300) // 4)
    one, two = (per_class_shapes(shapes, 3, seed=5) for _ in range(2))
    assert [row.gain for row in one.classes] == [row.gain for row in two.classes]
    assert one.verdict == two.verdict


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # Photos of five boxes that share a common part: 95 % of the intervals should hold the mean, 0.
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        values = np.repeat(rng.normal(size=60), 5) + 0.1 * rng.normal(size=300)
        found = interval(values, np.repeat(np.arange(60), 5), rng, resamples=400)
        hits += found.low <= 0 <= found.high
    assert 176 <= hits <= 199


def test_equal_values_have_no_spread() -> None:
    found = interval(np.full(6, 0.25), np.arange(6), np.random.default_rng(0))
    assert (found.mean, found.low, found.high) == (0.25, pytest.approx(0.25), pytest.approx(0.25))
    assert str(Interval(0.04, 0.03, 0.05)) == "0.040 (0.030 to 0.050)"


def test_the_budget_goes_where_it_gains_most() -> None:
    one = shapes_of([[10, 10]] * 50)
    many = shapes_of(random_shapes(200))
    curves = {0: ClassCurve(one, 5, 0), 1: ClassCurve(many, 5, 0)}
    budget, needed = split_budget(curves, {0: 50, 1: 200}, 5, goal=2.0)
    assert budget.by_class == {0: 1, 1: 4}
    whole = (50 * 1 + 200 * curves[1].mean_iou(4)) / 250
    assert budget.mean_iou == pytest.approx(whole)
    assert needed is None


@pytest.mark.parametrize(
    ("boxes", "gain", "held_out", "words"),
    [
        (10, GAIN, GAIN, "has only 10 boxes: too few"),
        (1, GAIN, None, "has only 1 box: too few"),
        (100, GAIN, Interval(-0.01, -0.02, 0.01), "would gain nothing on unseen photos: -0.010"),
        (100, GAIN, Interval(0.01, -0.02, 0.03), "may gain nothing on unseen photos: 0.010"),
        (100, GAIN, Interval(0.01, 0.005, 0.015), "next to nothing on unseen photos: 0.010"),
        (100, GAIN, None, "gain 0.100 (0.050 to 0.200) in mean IoU on the boxes of the fit"),
    ],
)
def test_verdicts(boxes: int, gain: Interval, held_out: Interval | None, words: str) -> None:
    assert words in class_verdict("cat", boxes, gain, held_out)


def test_what_it_is_about_is_said() -> None:
    assert "no anchor belongs to a class" in SHAPE_FIT_ONLY
