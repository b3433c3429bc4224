"""Support, by hand: one class, boxes on a line, three levels of which each gives one candidate or two."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source
from headlab.heads.layout import ClassRows, Layout, Level
from headlab.trace.support import support

_ROWS = (ClassRows("one2many", "w", "b", 0, 2),)
LAYOUT = Layout(
    head="Detect",
    task="detect",
    levels=tuple(Level(f"P{n}", 2**n, 1, _ROWS) for n in (3, 4, 5)),
    class_names=("ant", "bee"),
    end_to_end=False,
    rotated=False,
)
SPACE = LAYOUT.addresses(32, 32)  # 16 candidates of P3, 4 of P4 (16..19), 1 of P5 (20)


def _prediction(
    boxes: dict[int, tuple[float, float, float, float, int, float]],
    found: list[int],
    *,
    corners: bool = False,
) -> Prediction:
    """Candidates by flat index as x1, y1, x2, y2, class, score; the indices that NMS kept."""
    candidates = torch.zeros(6, SPACE.total)
    kept = []
    for flat, (x1, y1, x2, y2, class_id, score) in boxes.items():
        box = (x1, y1, x2, y2) if corners else ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
        candidates[:4, flat] = torch.tensor(box)
        candidates[4 + class_id, flat] = score
    for flat in found:
        x1, y1, x2, y2, class_id, score = boxes[flat]
        kept.append([x1, y1, x2, y2, score, class_id])
    return Prediction(
        source=Source("drawn.png"),
        image_bgr=np.zeros((32, 32, 3), np.uint8),
        input_hw_px=(32, 32),
        result=None,
        flat=np.array(found, np.int64),
        kept=torch.tensor(kept, dtype=torch.float32).reshape(-1, 6),
        candidates=candidates,
        corners=corners,
        class_count=2,
        to_image=lambda boxes: boxes,
    )


# One object seen by two candidates of P3 and one of P4; another seen by P5 alone.
# IoU(0, 1) = 90 / 110 = 0.82 and IoU(0, 16) = 80 / 120 = 0.67: with iou 0.6 NMS merges both into 0.
OBJECTS = {
    0: (0.0, 0.0, 10.0, 10.0, 0, 0.9),
    1: (1.0, 0.0, 11.0, 10.0, 0, 0.5),
    16: (2.0, 0.0, 12.0, 10.0, 0, 0.8),
    20: (0.0, 20.0, 30.0, 32.0, 1, 0.7),
}


def test_merged_counts_and_best_scores() -> None:
    behind = support(_prediction(OBJECTS, [0, 20]), SPACE, LAYOUT, Settings(iou=0.6))
    assert behind.merged.tolist() == [[2, 1, 0], [0, 0, 1]]
    np.testing.assert_allclose(behind.best, [[0.9, 0.8, np.nan], [np.nan, np.nan, 0.7]], rtol=1e-6)


def test_levels_alone_and_left_out() -> None:
    """P4's own box overlaps the first detection by 0.67 >= 0.5: it would still have been found."""
    behind = support(_prediction(OBJECTS, [0, 20]), SPACE, LAYOUT, Settings(iou=0.6))
    assert behind.alone.tolist() == [[True, True, False], [False, False, True]]
    assert behind.without.tolist() == [[True, True, True], [True, True, False]]


def test_a_candidate_belongs_to_the_best_detection_that_covers_it() -> None:
    """With iou 0.7, 16 is kept: IoU(0, 16) = 0.67. Candidate 1 overlaps both (0.82, 90 / 110 = 0.82)
    and goes to the better one, 0."""
    behind = support(_prediction(OBJECTS, [0, 16, 20]), SPACE, LAYOUT, Settings(iou=0.7))
    assert behind.merged.tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_candidates_below_conf_or_of_other_classes_do_not_count() -> None:
    boxes = {**OBJECTS, 1: (1.0, 0.0, 11.0, 10.0, 1, 0.5)}
    settings = Settings(iou=0.6)
    behind = support(_prediction(boxes, [0, 20, 1]), SPACE, LAYOUT, settings)
    assert behind.merged[0].tolist() == [1, 1, 0]
    behind = support(_prediction(OBJECTS, [0, 20]), SPACE, LAYOUT, Settings(iou=0.6, conf=0.6))
    assert behind.merged.tolist() == [[1, 1, 0], [0, 0, 1]]


def test_class_agnostic_nms_merges_across_classes() -> None:
    boxes = {**OBJECTS, 1: (1.0, 0.0, 11.0, 10.0, 1, 0.5)}
    settings = Settings(iou=0.6, agnostic_nms=True)
    behind = support(_prediction(boxes, [0, 20]), SPACE, LAYOUT, settings)
    assert behind.merged[0].tolist() == [2, 1, 0]


def test_class_filter_hides_other_candidates() -> None:
    behind = support(_prediction(OBJECTS, [20]), SPACE, LAYOUT, Settings(classes=(1,)))
    assert behind.merged.tolist() == [[0, 0, 1]]


def test_end_to_end_needs_no_nms() -> None:
    """All three of the first object are detections; each stands for itself."""
    prediction = _prediction(OBJECTS, [0, 16, 20, 1], corners=True)
    behind = support(prediction, SPACE, LAYOUT, Settings(iou=0.6))
    assert behind.merged.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert behind.alone[:, 0].tolist() == [True, True, False, True]


def test_an_end_to_end_cell_may_be_chosen_with_two_classes() -> None:
    """Candidate 0 scores 0.9 as ant and 0.6 as bee: two detections of one cell, each with its own."""
    prediction = _prediction({**OBJECTS, 20: OBJECTS[20]}, [0, 0, 20], corners=True)
    prediction.candidates[4 + 1, 0] = 0.6
    prediction.kept[1, 4], prediction.kept[1, 5] = 0.6, 1
    for settings in (Settings(iou=0.95), Settings(iou=0.95, classes=(0, 1))):
        behind = support(prediction, SPACE, LAYOUT, settings)
        assert behind.merged.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
        np.testing.assert_allclose(behind.best[:2, 0], [0.9, 0.6], rtol=1e-6)
    only_bees = _prediction(OBJECTS, [20], corners=True)
    only_bees.candidates[4 + 1, 0] = 0.6
    only_bees.kept[0] = torch.tensor([0, 0, 10, 10, 0.6, 1])
    only_bees.flat[0] = 0
    behind = support(only_bees, SPACE, LAYOUT, Settings(iou=0.95, classes=(1,)))
    assert behind.merged.tolist() == [[1, 0, 0]], "its best class is filtered out, it is not"


@pytest.mark.parametrize("count", range(1, 9))
def test_any_number_of_candidates(count: int) -> None:
    """Also six, which ultralytics' NMS takes for the rows of an end-to-end model."""
    boxes = {at: (at * 100.0, 0.0, at * 100.0 + 10, 10.0, 0, 0.9) for at in range(count)}
    behind = support(_prediction(boxes, list(range(count))), SPACE, LAYOUT, Settings())
    assert behind.alone[:, 0].all()
    assert not behind.without[:, 0].any()
    assert behind.without[:, 1].all()


def test_no_detections() -> None:
    behind = support(_prediction({}, []), SPACE, LAYOUT, Settings())
    assert behind.merged.shape == behind.best.shape == behind.alone.shape == (0, 3)
