"""NMS of many images at once: the survivors of ultralytics' own, in its order."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headlab.detect.nms import Suppression
from headlab.detect.suppression import CLASS_OFFSET_PX, Suppressor
from headlab.extras import ultralytics


def drawn(rng: np.random.Generator, classes: int, count: int, spread: float) -> torch.Tensor:
    """Candidates x, y, w, h and scores with ties, (4 + C, N)."""
    rows = np.zeros((4 + classes, count), np.float32)
    rows[:2] = rng.uniform(0, spread, (2, count))
    rows[2:4] = rng.uniform(5, spread / 2.5, (2, count))
    rows[4:] = np.round(rng.uniform(0, 1, (classes, count)) ** 4, 2)
    return torch.from_numpy(rows)


def pairs(candidates: torch.Tensor, conf: float) -> tuple[np.ndarray, ...]:
    """Flat index, class, score and corners of every class above the threshold."""
    scores = candidates[4:].numpy().T
    flat, class_id = np.nonzero(scores > np.float32(conf))
    corners = ultralytics("utils.ops").xywh2xyxy(candidates[:4].T.numpy())
    return flat, class_id, scores[flat, class_id], corners[flat]


@pytest.mark.parametrize("agnostic", [False, True])
@pytest.mark.parametrize("iou", [0.0, 0.45, 0.7, 1.0])
@pytest.mark.parametrize("spread", [300.0, 3 * CLASS_OFFSET_PX])
def test_the_survivors_of_ultralytics(agnostic: bool, iou: float, spread: float) -> None:
    """Several images together give what each gives alone; huge boxes reach into other classes' room."""
    import torchvision  # noqa: F401 - ultralytics then uses its NMS

    rng = np.random.default_rng(int(10 * iou) + agnostic)
    images = [drawn(rng, 3, int(rng.integers(7, 200)), spread) for _ in range(6)]
    for max_det in (5, 300):
        suppression = Suppression(
            3, conf=0.01, iou=iou, max_det=max_det, agnostic=agnostic, multi_label=True
        )
        parts = [pairs(image, 0.01) for image in images]
        flat, class_id, score, corners = (np.concatenate(each) for each in zip(*parts, strict=True))
        image = np.repeat(np.arange(6), [len(part[0]) for part in parts])
        kept = Suppressor(iou, max_det, agnostic)(image, class_id, score, corners)[0]
        for at, candidates in enumerate(images):
            rows, expected = suppression(candidates)
            mine = kept[image[kept] == at]
            assert np.array_equal(flat[mine], expected)
            assert np.array_equal(class_id[mine], rows[:, 5].numpy())
            assert np.array_equal(score[mine], rows[:, 4].numpy())


def test_each_set_by_itself() -> None:
    """Two boxes of 10 x 10 overlap by 8 / 12; without the better one the other survives."""
    boxes = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]], np.float32)
    score = np.array([0.9, 0.8, 0.7], np.float32)
    zeros = np.zeros(3, np.int64)
    without_first = np.array([False, True, True])
    kept = Suppressor(0.6, 300)(zeros, zeros, score, boxes, [~zeros.astype(bool), without_first])
    assert [rows.tolist() for rows in kept] == [[0, 2], [1, 2]]
    assert Suppressor(0.7, 300)(zeros, zeros, score, boxes)[0].tolist() == [0, 1, 2]


def test_a_long_chain_is_undone_from_its_best() -> None:
    """Each box overlaps its neighbours only: the first is kept, the second goes, the third is kept, ..."""
    left = np.arange(9) * 4.0
    boxes = np.stack([left, left * 0, left + 10, left * 0 + 10], 1).astype(np.float32)
    score = np.linspace(0.9, 0.1, 9).astype(np.float32)
    zeros = np.zeros(9, np.int64)
    kept = Suppressor(0.4, 300)(zeros, zeros, score, boxes)[
        0
    ]  # 6 / 14 = 0.43; two apart 2 / 18 = 0.11
    assert kept.tolist() == [0, 2, 4, 6, 8]


def test_nothing_survives_of_nothing() -> None:
    nothing = np.empty(0, np.int64)
    kept = Suppressor(0.5, 300)(
        nothing, nothing, np.empty(0, np.float32), np.empty((0, 4), np.float32)
    )
    assert [rows.tolist() for rows in kept] == [[]]
