"""Checks name what is wrong with anchors: units, order, masks, duplicates, empty levels, collisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anchor_boxes import random_shapes, table_of
from headlab.anchors import AnchorCheck, check, fit
from headlab.anchors.checking.check import check_shapes, with_levels
from headlab.anchors.fitting.fit import fit_shapes
from headlab.boxes.input_size import InputSize
from headlab.boxes.overlap import best_anchor
from headlab.boxes.shapes import Shapes, shapes_at_input, shapes_of
from headlab.errors import InputError
from headlab.heads.anchor_set import AnchorSet, anchor_set


@pytest.fixture(scope="module")
def shapes() -> Shapes:
    return shapes_of(random_shapes(3_000), np.arange(3_000) % 3, input_hw=(416, 416))


@pytest.fixture(scope="module")
def good(shapes: Shapes) -> np.ndarray:
    return fit_shapes(shapes, 9).anchors_wh


def kinds(found: AnchorCheck, severity: str = "problem") -> list[str]:
    return [each.kind for each in found.findings if each.severity == severity]


def message(found: AnchorCheck, kind: str) -> str:
    return next(each.message for each in found.findings if each.kind == kind)


def test_fitted_anchors_have_no_problem(shapes: Shapes, good: np.ndarray) -> None:
    found = check_shapes(shapes, anchor_set(good))
    assert found.ok
    assert kinds(found) == []
    assert "sizes fit this data" in message(found, "fit")
    assert found.coverage == found.reachable


@pytest.mark.parametrize(
    ("factor", "cause"),
    [
        (1 / 416, "fractions of the input"),
        (1 / 32, "cells of 32 px"),
        (608 / 416, "an input of about 608 px, not of 416"),
        (3.0, "an input of about 1248 px"),
        (50.0, "photos or of an input of another size"),
    ],
)
def test_other_units(shapes: Shapes, good: np.ndarray, factor: float, cause: str) -> None:
    found = check_shapes(shapes, anchor_set(good * factor))
    assert kinds(found)[0] == "units"
    assert cause in message(found, "units")
    assert found.rescaling.factor == pytest.approx(1 / factor, rel=0.03)
    assert found.rescaling.mean_iou == pytest.approx(found.reachable.mean_iou, abs=0.003)
    assert "level range" not in kinds(found, "warning")


def test_anchors_in_pixels_of_the_photos() -> None:
    rng = np.random.default_rng(0)
    wh = random_shapes(300) * 3
    corners = np.minimum(np.concatenate([rng.uniform(0, 200, (300, 2)), wh + 200], 1), 1600)
    table = table_of([(0, 0, *row) for row in corners], [(1600, 1600)])
    original = fit_shapes(shapes_at_input(table, InputSize(units="original")), 9)
    found = check(original.anchors_wh, table)
    assert "pixels of the original photos, which are 3.85 times as large" in message(found, "units")


def test_stretched_photos_are_recognised() -> None:
    # Photos of 1600x400: letterboxed, a box of 160x160 is 41.6x41.6; stretched, 41.6x166.4.
    rng = np.random.default_rng(0)
    wh = rng.uniform(40, 200, (200, 2))
    corners = np.concatenate([np.zeros((200, 2)), wh], 1)
    table = table_of([(0, 0, *row) for row in corners], [(1600, 400)])
    stretched = fit_shapes(shapes_at_input(table, InputSize(resize="stretch")), 9)
    assert "stretched to the input" in message(check(stretched.anchors_wh, table), "resize")
    as_trained = check(stretched.anchors_wh, table, imgsz=InputSize(resize="stretch"))
    assert "resize" not in kinds(as_trained, "warning")


def test_sorted_by_width(shapes: Shapes) -> None:
    # By width, the slender 20x300 (area 6,000, root 77) comes before 30x30 (900, 30).
    anchors = anchor_set([[10, 10], [15, 20], [20, 300], [30, 30], [60, 60], [100, 90]])
    even = with_levels(anchors, 2)
    found = check_shapes(shapes, even)
    assert "sorted by width instead of area" in message(found, "order")
    assert "anchor 2 (77.46 px, the root of its area) is on P4" in message(found, "order")
    assert "order" in kinds(found)


def test_an_order_that_mixes_no_levels_is_only_noted(shapes: Shapes, good: np.ndarray) -> None:
    swapped = good[[1, 0, 2, 3, 4, 5, 6, 7, 8]]
    found = check_shapes(shapes, anchor_set(swapped))
    assert "order" in kinds(found, "note")
    assert found.ok


def test_anchors_in_the_wrong_mask(shapes: Shapes, good: np.ndarray) -> None:
    found = check_shapes(shapes, anchor_set(good, [[0, 1, 2], [3, 4, 5], [6, 7, 8]]))
    assert "wrong mask" in message(found, "masks")
    assert "6,7,8; 3,4,5; 0,1,2" in next(e.advice for e in found.findings if e.kind == "masks")


def test_duplicates(shapes: Shapes, good: np.ndarray) -> None:
    twice = np.concatenate([good[:3], good[2:8]])
    found = check_shapes(shapes, anchor_set(twice))
    assert "Anchors 2 and 3 are the same" in message(found, "duplicates")
    near = good.copy()
    near[3] = near[2] * 1.03  # overlap 1 / 1.03 ** 2 = 0.943
    found = check_shapes(shapes, anchor_set(near))
    assert "duplicates" in kinds(found, "warning")


def test_tinys_masks(shapes: Shapes) -> None:
    anchors = fit_shapes(shapes, 6).anchors_wh
    found = check_shapes(shapes, anchor_set(anchors, [[3, 4, 5], [1, 2, 3]]))
    assert "Anchor 0 is in no mask" in message(found, "masks")
    assert "The tiny network's second mask is 1,2,3." in message(found, "masks")
    assert found.by_anchor[0].levels == ()
    assert found.by_anchor[3].levels == ("P4", "P5")
    assert not found.ok


def test_what_fit_writes_check_reads_as_it_was_fitted(tmp_path: Path, shapes: Shapes) -> None:
    """An anchors.txt does not say its masks: six are judged as headlab trains them, not as keras-yolo3."""
    fitted = fit_shapes(shapes, 6, levels=2)
    for name in ("six.txt", "six.yaml", "six.json", "six.cfg"):
        fitted.save(tmp_path / name)
        found = check(tmp_path / name, shapes)
        assert found.anchors.masks == fitted.masks == ((3, 4, 5), (0, 1, 2))
        assert "masks" not in kinds(found, "problem"), name
        assert "masks" not in kinds(found, "warning"), name
    said = message(check(tmp_path / "six.txt", shapes), "masks")
    share = np.mean(best_anchor(shapes.wh, fitted.anchors_wh)[1] == 0)
    assert f"keras-yolo3 takes 3,4,5; 1,2,3: the boxes that fit anchor 0 best ({share:.1%})" in said
    assert "masks" not in kinds(check(tmp_path / "six.yaml", shapes), "note")


def test_other_numbers_without_masks_are_judged_with_masks_that_are_said(
    tmp_path: Path, shapes: Shapes
) -> None:
    fit_shapes(shapes, 8, levels=2).save(tmp_path / "eight.txt")
    assert "judged with the masks 6,7; 3,4,5; 0,1,2" in message(
        check(tmp_path / "eight.txt", shapes), "masks"
    )
    assert "masks" not in kinds(check(tmp_path / "eight.txt", shapes, levels=2), "note")
    fit_shapes(shapes, 9).save(tmp_path / "nine.txt")
    assert "masks" not in kinds(check(tmp_path / "nine.txt", shapes), "note")


def test_a_fit_for_stretched_photos_is_checked_on_stretched_photos(tmp_path: Path) -> None:
    """Photos of 1600 x 400: letterboxed, a box of 160 x 160 is 41.6 x 41.6; stretched, 41.6 x 166.4."""
    table = table_of([(0, 0, 0, 0, 160, 160)], [(1600, 400)])
    fitted = fit(table, 1, imgsz=InputSize(resize="stretch"), levels=1)
    for name in ("a.yaml", "a.json"):
        fitted.save(tmp_path / name)
        found = check(tmp_path / name, table)
        assert found.shapes.resize == "stretch"
        assert found.coverage.mean_iou == pytest.approx(1, abs=0.01)
        asked = check(tmp_path / name, table, imgsz=InputSize(resize="letterbox"))
        assert asked.shapes.resize == "letterbox"


def test_a_level_without_boxes(good: np.ndarray) -> None:
    large = shapes_of(np.full((100, 2), 300.0) + np.arange(100)[:, None])
    found = check_shapes(large, anchor_set(good * [[1.0, 1.0]]))
    assert "level without boxes" in kinds(found)
    assert "P3 (stride 8) gets 0 of 100 boxes" in message(found, "level without boxes")


def test_boxes_by_anchor_level_and_class_by_hand() -> None:
    # Anchors 10x10 (P4) and 100x100 (P5); classes 0 and 4.
    shapes = shapes_of(
        [[10, 10], [10, 20], [100, 50], [100, 100]], [0, 4, 4, 4], class_names=("cat",)
    )
    found = check_shapes(shapes, anchor_set([[10, 10], [100, 100]]))
    assert [(row.boxes, row.mean_iou) for row in found.by_anchor] == [(2, 0.75), (2, 0.75)]
    assert [(row.name, row.boxes, row.suited) for row in found.by_level] == [
        ("P4", 2, 2),
        ("P5", 2, 2),
    ]
    assert [(row.name, row.boxes) for row in found.by_class] == [("cat", 1), ("class 4", 3)]
    assert found.by_class[1].mean_iou == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert found.overlaps.tolist() == [1, 0.5, 0.5, 1]


def test_collisions_by_hand() -> None:
    # At 416 px without resizing. Anchor 20x20 on P4 (stride 16), 200x200 on P5 (stride 32).
    rows = [
        (0, 0, 0, 0, 20, 20),  # centre 10, 10: P4, cell 0, 0
        (0, 0, 5, 5, 25, 25),  # centre 15, 15: the same cell: lost
        (0, 1, 6, 5, 26, 25),  # centre 16, 15: the next cell
        (1, 0, 0, 0, 20, 20),  # another photo
        (0, 0, 0, 0, 200, 200),  # centre 100, 100: P5, cell 3, 3
        (0, 1, 20, 0, 220, 200),  # centre 120, 100: P5, cell 3, 3: lost
    ]
    table = table_of(rows, [(416, 416), (416, 416)])
    found = check([[20, 20], [200, 200]], table)
    assert [row.collided for row in found.by_level] == [1, 1]
    assert found.collided == 2
    assert "2 boxes (33.3%) share cell and anchor" in message(found, "collisions")


def test_collisions_need_places(shapes: Shapes, good: np.ndarray) -> None:
    found = check_shapes(shapes, anchor_set(good))
    assert found.collided is None
    assert any("Collisions are not counted" in note for note in found.notes)


def test_poor_anchors_and_uncovered_boxes(shapes: Shapes) -> None:
    found = check_shapes(shapes, anchor_set([[300, 10], [10, 300], [301, 300]]))
    assert "fit" in kinds(found)
    assert "boxes without an anchor" in [each.kind for each in found.findings] or not found.ok


def test_anchors_for_another_input_are_mentioned(shapes: Shapes, good: np.ndarray) -> None:
    found = check_shapes(shapes, anchor_set(good, source="a.cfg", input_hw=(608, 608)))
    assert found.notes[-1] == (
        "a.cfg is for an input of 608 x 608 px (height x width); the boxes are at an input of "
        "416 x 416 px (height x width)."
    )


def test_nothing_to_check(good: np.ndarray) -> None:
    with pytest.raises(InputError, match="There are no boxes"):
        check_shapes(shapes_of([]), anchor_set(good))


def test_one_box(good: np.ndarray) -> None:
    assert check_shapes(shapes_of([[20, 30]]), anchor_set(good)).coverage.boxes == 1


def test_levels_can_be_set(good: np.ndarray) -> None:
    assert with_levels(anchor_set(good), 2).masks == ((5, 6, 7, 8), (0, 1, 2, 3, 4))
    with pytest.raises(InputError, match="cannot be shared out"):
        with_levels(anchor_set(good[:2]), 3)


def test_the_stock_anchors_on_voc2007(shared: Path) -> None:
    boxes = np.load(shared / "golden" / "kmeans_voc2007_boxes.npz")["wh"]
    stock = [10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326]
    found = check(stock, boxes, imgsz=InputSize(units="original"))
    assert found.coverage.mean_iou == pytest.approx(0.645, abs=5e-4)
    assert kinds(found, "warning") == ["fit"]
    assert isinstance(found.anchors, AnchorSet)
