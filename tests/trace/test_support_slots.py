"""Support by slot, and several classes per candidate, by hand: two levels of two slots."""

from __future__ import annotations

import numpy as np
import torch

from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source
from headlab.heads.detection import DetectionRules
from headlab.heads.layout import ClassRows, Layout, Level
from headlab.trace.groups import support_groups
from headlab.trace.support import Support, support

_ROWS = (ClassRows("one2many", "w", "b", 5, 7),)
_ANCHORS = ((10.0, 10.0), (20.0, 20.0))
LAYOUT = Layout(
    head="YOLOv3-tiny",
    task="detect",
    levels=tuple(Level(f"P{n}", 2**n, 2, _ROWS, _ANCHORS) for n in (4, 5)),
    class_names=("ant", "bee"),
    end_to_end=False,
    rotated=False,
    detection=DetectionRules(iou=0.45),
)
# 8 candidates of P4: cell 0 has slots 0 and 1 at 0 and 1, cell 1 at 2 and 3, …; P5's one cell at 8 and 9.
SPACE = LAYOUT.addresses(32, 32)
ANT, BEE = 0, 1

# IoU(0, 3) = 90 / 110 = 0.82, IoU(0, 9) = 80 / 120 = 0.67, IoU(3, 9) = 90 / 110: all merge at 0.45.
OBJECT = {
    0: (0.0, 0.0, 10.0, 10.0, {ANT: 0.9}),
    3: (1.0, 0.0, 11.0, 10.0, {ANT: 0.5}),
    9: (2.0, 0.0, 12.0, 10.0, {ANT: 0.8}),
}


def _support(
    boxes: dict[int, tuple[float, float, float, float, dict[int, float]]],
    found: list[tuple[int, int]],
    settings: Settings | None = None,
) -> Support:
    """Candidates by flat index as x1, y1, x2, y2, scores by class; flat index and class of detections."""
    candidates = torch.zeros(6, SPACE.total)
    for flat, (x1, y1, x2, y2, scores) in boxes.items():
        candidates[:4, flat] = torch.tensor([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])
        for class_id, score in scores.items():
            candidates[4 + class_id, flat] = score
    kept = [[*boxes[flat][:4], boxes[flat][4][class_id], class_id] for flat, class_id in found]
    prediction = Prediction(
        source=Source("drawn.png"),
        image_bgr=np.zeros((32, 32, 3), np.uint8),
        input_hw_px=(32, 32),
        result=None,
        flat=np.array([flat for flat, _ in found], np.int64),
        kept=torch.tensor(kept, dtype=torch.float32).reshape(-1, 6),
        candidates=candidates,
        corners=False,
        class_count=2,
        to_image=lambda boxes: boxes,
    )
    return support(prediction, SPACE, LAYOUT, settings or Settings())


def test_groups_are_levels_then_slots() -> None:
    groups = support_groups(LAYOUT)
    assert groups.names == ("P4", "P5", "P4_0", "P4_1", "P5_0", "P5_1")
    assert groups.members.astype(int).tolist() == [
        [1, 1, 0, 0],
        [0, 0, 1, 1],
        *np.eye(4, dtype=int).tolist(),
    ]


def test_merged_and_best_by_slot() -> None:
    behind = _support(OBJECT, [(0, ANT)])
    assert behind.groups == ("P4", "P5", "P4_0", "P4_1", "P5_0", "P5_1")
    assert behind.merged.tolist() == [[2, 1, 1, 1, 0, 1]]
    np.testing.assert_allclose(behind.best, [[0.9, 0.8, 0.9, 0.5, np.nan, 0.8]], rtol=1e-6)


def test_slots_alone_and_left_out() -> None:
    """Without slot 0 of P4, candidate 9 of P5 is the best and overlaps the detection by 0.67."""
    behind = _support(OBJECT, [(0, ANT)])
    assert behind.alone.tolist() == [[True, True, True, True, False, True]]
    assert behind.without.tolist() == [[True] * 6]


def test_a_slot_that_everything_hangs_on() -> None:
    """IoU(0, 9) = 60 / 140 = 0.43: two detections, neither of which is found at the other's place."""
    boxes = {0: OBJECT[0], 9: (4.0, 0.0, 14.0, 10.0, {ANT: 0.8})}
    behind = _support(boxes, [(0, ANT), (9, ANT)])
    assert behind.merged[:, 2:].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert behind.without[0].tolist() == [False, True, False, True, True, True]
    assert behind.without[1].tolist() == [True, False, True, True, True, False]


def test_a_candidate_supports_every_class_it_counts_for() -> None:
    """Candidate 0 is an ant of 0.9 and a bee of 0.6, candidate 3 a bee of 0.5 and an ant of 0.4."""
    boxes = {
        0: (*OBJECT[0][:4], {ANT: 0.9, BEE: 0.6}),
        3: (*OBJECT[3][:4], {BEE: 0.5, ANT: 0.4}),
    }
    both = _support(boxes, [(0, ANT), (0, BEE)], Settings(multi_label=True))
    assert both.merged[:, 2:].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0]]
    np.testing.assert_allclose(both.best[:, 2:4], [[0.9, 0.4], [0.6, 0.5]], rtol=1e-6)
    assert both.alone[:, 2:4].all()
    assert not both.without[:, 0].any(), "both candidates are of P4"
    assert both.without[:, 1:].all(), "either slot finds both classes without the other"
    best_only = _support(boxes, [(0, ANT), (3, BEE)])
    assert best_only.merged[:, 2:].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


def test_class_agnostic_nms_merges_the_classes_of_one_candidate() -> None:
    boxes = {0: (*OBJECT[0][:4], {ANT: 0.9, BEE: 0.6})}
    behind = _support(boxes, [(0, ANT)], Settings(multi_label=True, agnostic_nms=True))
    assert behind.merged[0].tolist() == [2, 0, 2, 0, 0, 0]


def test_the_threshold_is_that_of_the_head() -> None:
    """IoU(0, 9) = 60 / 140 = 0.43: above 0.4, below YOLOv3's 0.45."""
    boxes = {0: OBJECT[0], 9: (4.0, 0.0, 14.0, 10.0, {ANT: 0.8})}
    apart = _support(boxes, [(0, ANT), (9, ANT)])
    assert apart.merged[:, :2].tolist() == [[1, 0], [0, 1]]
    assert _support(boxes, [(0, ANT)], Settings(iou=0.4)).merged[0, :2].tolist() == [1, 1]


def test_no_detections() -> None:
    behind = _support({}, [])
    assert behind.merged.shape == behind.best.shape == behind.alone.shape == (0, 6)
