"""COCO's figures: by hand, and equal to those of pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from scored_boxes import CLASSES, by_pycocotools, detections, drawn, truths

from headlab.errors import InputError
from headlab.evaluate.scoring import Detections, Figures, Truths, coco_figures

SQUARE = (0, 0, 100, 100)
NAMES = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large"),
)


def same_as_pycocotools(given: Truths, found: Detections, figures: Figures) -> None:
    reference = by_pycocotools(given, found, len(figures.class_names))
    ours = np.nan_to_num(list(figures.values.values()), nan=-1)
    np.testing.assert_allclose(ours, reference.stats, rtol=0, atol=1e-6)
    precision = reference.eval["precision"][:, :, :, 0, -1]
    for number in range(len(figures.class_names)):
        of_class = precision[:, :, number]
        known = (of_class > -1).all()
        assert figures.ap[number] == pytest.approx(of_class.mean(), abs=1e-6) or not known
        assert figures.ap50[number] == pytest.approx(of_class[0].mean(), abs=1e-6) or not known
        assert np.isnan(figures.ap[number]) == (not known)


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_are_those_of_pycocotools(seed: int) -> None:
    given, found = drawn(seed)
    figures = coco_figures(given, found, CLASSES)
    assert tuple(figures.values) == NAMES
    assert 0.05 < figures["AP"] < 0.9
    assert np.isnan(figures.ap[-1])
    same_as_pycocotools(given, found, figures)


@pytest.mark.parametrize("which", ["nothing found", "no truths", "crowds only", "neither"])
def test_where_there_is_nothing(which: str) -> None:
    given, found = drawn(7)
    if which in ("nothing found", "neither"):
        found = found.only(np.zeros(len(found), np.bool_))
    if which in ("no truths", "neither"):
        given = truths()
        found = found.only(found.image < len(given.image_hw))
    if which == "crowds only":
        every = np.ones(len(given.image), np.bool_)
        given = Truths(given.image_hw, given.image, given.boxes_xyxy_px, given.class_id, every)
    figures = coco_figures(given, found, CLASSES)
    same_as_pycocotools(given, found, figures)
    assert figures["AP"] == 0 if which == "nothing found" else np.isnan(figures["AP"])


def test_by_hand() -> None:
    """Two truths of one class; the best detection is right, the second wrong, the third right.

    Precision at recall 0.5 is 1/1, and at recall 1 it is 2/3. Of the 101 recalls 0, 0.01, …, 1 the
    first 51 are reached with the first detection: AP50 = (51 * 1 + 50 * 2/3) / 101. The third box has
    an IoU of 0.62 with its truth, so that it is right at the thresholds 0.50, 0.55 and 0.60.
    """
    given = truths((0, SQUARE, 1), (2, SQUARE, 1))
    found = detections(
        (0, SQUARE, 1, 0.9), (1, SQUARE, 1, 0.8), (2, (0, 0, 100, 62), 1, 0.7), (0, SQUARE, 0, 1.0)
    )
    figures = coco_figures(given, found, CLASSES)
    whole, half = (51 + 50 * 2 / 3) / 101, 51 / 101
    assert figures["AP50"] == pytest.approx(whole)
    assert figures["AP75"] == pytest.approx(half)
    assert figures["AP"] == pytest.approx((3 * whole + 7 * half) / 10)
    assert figures.ap50[1] == pytest.approx(whole)
    assert np.isnan(figures.ap50[[0, 2, 3, 4]]).all()
    assert figures["AP_large"] == pytest.approx(figures["AP"])
    assert np.isnan(figures["AP_small"])
    assert figures.named()["AP50/bee"] == pytest.approx(whole)


def test_so_many_detections_count() -> None:
    given = truths((0, SQUARE, 0))
    found = detections((0, (200, 0, 300, 100), 0, 0.9), (0, SQUARE, 0, 0.8))
    assert coco_figures(given, found, CLASSES, max_det=1)["AP50"] == 0
    assert coco_figures(given, found, CLASSES, max_det=2)["AP50"] == pytest.approx(0.5)
    names = list(coco_figures(given, found, CLASSES, max_det=5).values)
    assert names[6:8] == ["AR_1", "AR_5"]


def test_it_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    coco_figures(*drawn(0), CLASSES)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("number", "max_det", "message"),
    [(5, 100, "of class 5; there are 5 classes"), (-1, 100, "of class -1"), (0, 0, "max_det is 0")],
)
def test_what_makes_no_sense_is_refused(number: int, max_det: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        coco_figures(truths((0, SQUARE, 0)), detections((0, SQUARE, number, 0.5)), CLASSES, max_det)
