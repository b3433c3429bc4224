"""Which detection found which truth: by hand, and equal to COCO's decisions and figures."""

from __future__ import annotations

import numpy as np
import pytest
from scored_boxes import CLASSES, all_fates, by_pycocotools, detections, drawn, truths

from headlab.evaluate.matching import FOUND, NOT_COUNTED, Fates, average_precision
from headlab.evaluate.scoring import coco_figures

SQUARE = (0, 0, 100, 100)


@pytest.mark.parametrize("max_det", [100, 3])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_that_of_coco(seed: int, max_det: int) -> None:
    given, found = drawn(seed)
    counts = np.bincount(given.class_id[~given.crowd], minlength=len(CLASSES))
    ours = average_precision(all_fates(found, given, max_det), counts)
    figures = coco_figures(given, found, CLASSES, max_det)
    np.testing.assert_allclose(ours.mean(0), figures.ap, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours[0], figures.ap50, rtol=0, atol=1e-9)


def test_every_decision_is_that_of_pycocotools() -> None:
    given, found = drawn(11)
    ours = all_fates(found, given)
    right = {(at, int(flat)) for at in range(10) for flat in ours.place[ours.fate[:, at] == FOUND]}
    on_crowd = {
        (at, int(flat)) for at in range(10) for flat in ours.place[ours.fate[:, at] == NOT_COUNTED]
    }
    theirs: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    reference = by_pycocotools(given, found, len(CLASSES))
    for each in reference.evalImgs:
        if each is None or each["aRng"] != [0, 1e10]:
            continue
        for at in range(10):
            rows = zip(each["dtIds"], each["dtMatches"][at], each["dtIgnore"][at], strict=True)
            for number, truth, ignored in rows:
                if truth:
                    theirs[bool(ignored)].add((at, number - 1))
    assert right == theirs[False]
    assert on_crowd == theirs[True]
    assert len(right) > 100
    assert len(on_crowd) > 10


def test_by_hand() -> None:
    """The second detection overlaps the first truth most, but that is taken, and finds the second."""
    given = truths(
        (0, SQUARE, 0), (0, (0, 40, 100, 140), 0), (0, (300, 0, 400, 100), 0), crowd=(2,)
    )
    found = detections(
        (0, SQUARE, 0, 0.9),
        (0, (0, 15, 100, 115), 0, 0.8),  # IoU with the second truth: 75 / 125 = 0.6
        (0, (0, 10, 100, 110), 0, 0.7),  # both are taken
        (0, (300, 0, 320, 20), 0, 0.6),  # within the crowd
        (0, (300, 0, 320, 20), 0, 0.5),  # again
        (0, SQUARE, 1, 0.4),  # of another class
    )
    ours = all_fates(found, given)
    assert ours.fate[:, 0].tolist() == [1, 1, 0, 2, 2, 0]
    assert ours.fate[:, 3].tolist() == [1, 0, 0, 2, 2, 0]  # threshold 0.65
    # Precision 1, 1, then 2/3: both truths are found before the mistake.
    assert average_precision(ours, np.array([2, 0]))[0].tolist() == [
        pytest.approx(1),
        pytest.approx(np.nan, nan_ok=True),
    ]


def test_infinite_boxes_find_nothing_and_say_nothing() -> None:
    """As exp() makes them early in a training; the warnings of the tests are errors."""
    far = np.inf
    given = truths((0, SQUARE, 0), (0, (200, 0, 300, 100), 0), crowd=(1,))
    found = detections(
        (0, (-far, -far, far, far), 0, 0.9), (0, (0, 0, far, 100), 0, 0.8), (0, SQUARE, 0, 0.7)
    )
    with np.errstate(all="raise"):
        assert all_fates(found, given).fate[:, 0].tolist() == [0, 0, 1]


def test_nothing_found() -> None:
    given, found = drawn(0)
    none = all_fates(found.only(np.zeros(len(found), np.bool_)), given)
    assert len(none.score) == 0
    assert average_precision(none, np.array([3, 0])).mean(0)[0] == 0
    assert Fates.joined([]).fate.shape == (0, 10)
