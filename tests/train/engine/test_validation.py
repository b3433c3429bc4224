"""The validation after an epoch: its figures and its loss, against those computed another way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from headlab.evaluate.scoring import Detections, Truths, coco_figures
from headlab.train.configuration.config import TrainConfig
from headlab.train.data.batch import Batch, Collate, Sample
from headlab.train.engine.fabric import launched
from headlab.train.engine.validation import Validation, validate
from headlab.yolov3.loss import yolo_loss
from headlab.yolov3.loss_options import LossOptions
from headlab.yolov3.targets.assigner import Assigner
from yolov3_models import CLASS_NAMES, description

DESCRIBED = description()
OPTIONS = LossOptions()
ASSIGNER = Assigner(DESCRIBED)
SIDE_PX = 96
# Of P4: stride 16, slots with the anchors 1, 2, 3.
STRIDE_PX = 16
ANCHORS = {1: (23, 27), 2: (37, 58), 3: (81, 82)}
PHOTOS = (
    [(16, 16, 48, 64, 0), (60, 40, 84, 80, 1)],
    [(30, 20, 70, 90, 1)],
    [],
    [(8, 8, 40, 40, 2), (50, 50, 90, 90, 0)],
    [(20, 30, 60, 80, 2)],
)
"""x1, y1, x2, y2, class of the truths of each photo."""

DETECTED: tuple[list[tuple[float, ...]], ...] = (
    [(18, 14, 50, 60, 0, 0.9), (60, 40, 84, 80, 0, 0.4)],
    [(30, 20, 70, 90, 1, 0.7), (2, 2, 30, 30, 1, 0.8)],
    [(10, 10, 60, 60, 2, 0.3)],
    [(8, 8, 40, 40, 2, 0.6), (40, 45, 92, 90, 0, 0.5)],
    [],
)
"""x1, y1, x2, y2, class, score of what is detected in each."""


def logit(value: float) -> float:
    value = max(value, 1e-7)
    return float(np.log(value / (1 - value)))


def outputs_of(photos: Sequence[int]) -> list[Tensor]:
    """What a network says that detects just DETECTED: raw outputs of P5 (3 x 3) and P4 (6 x 6).

    The centre is (cell + sigmoid(t)) * stride, the size anchor * exp(t), the score the product of two
    sigmoids; everything else scores sigmoid(-20) squared, 4e-18.
    """
    p5 = torch.full((len(photos), 24, 3, 3), -20.0)
    p4 = torch.full((len(photos), 3, 8, 6, 6), -20.0)
    for at, photo in enumerate(photos):
        for x1, y1, x2, y2, number, score in DETECTED[photo]:
            x, y = (x1 + x2) / 2 / STRIDE_PX, (y1 + y2) / 2 / STRIDE_PX
            column, row = int(x), int(y)
            width, height = ANCHORS[2]
            said = p4[at, 1, :, row, column]
            said[0], said[1] = logit(x - column), logit(y - row)
            said[2], said[3] = np.log((x2 - x1) / width), np.log((y2 - y1) / height)
            said[4], said[5 + int(number)] = logit(0.99), logit(score / 0.99)
    return [p5, p4.flatten(1, 2)]


def batch_of(photos: Sequence[int]) -> Batch:
    samples = [
        Sample(
            torch.full((3, SIDE_PX, SIDE_PX), photo, dtype=torch.uint8),
            torch.tensor(PHOTOS[photo], dtype=torch.float32).reshape(-1, 5),
            photo,
            ((f"p{photo}.jpg", "is no image"),) if photo == 2 else (),
        )
        for photo in photos
    ]
    return Collate(ASSIGNER)(samples)


def network(images: Tensor) -> list[Tensor]:
    """Knows the photos by their colour."""
    return outputs_of((images[:, 0, 0, 0] * 255).round().int().tolist())


def validated(*, figures: bool) -> Validation:
    batches = [batch_of((0, 1)), batch_of((2, 3)), batch_of((4,))]
    with launched(TrainConfig(device="cpu")) as fabric:
        return validate(network, batches, fabric, OPTIONS, DESCRIBED, figures=figures)


def test_figures_are_those_of_the_boxes() -> None:
    found = validated(figures=True).figures
    truths = [(at, *each) for at, boxes in enumerate(PHOTOS) for each in boxes]
    rows = [(at, *each) for at, boxes in enumerate(DETECTED) for each in boxes]
    given, said = np.array(truths, np.float64), np.array(rows, np.float64)
    expected = coco_figures(
        Truths(
            np.full((5, 2), SIDE_PX),
            given[:, 0].astype(int),
            given[:, 1:5],
            given[:, 5].astype(int),
            np.zeros(len(given), bool),
        ),
        Detections(
            said[:, 0].astype(int),
            said[:, 1:5],
            said[:, 5].astype(int),
            said[:, 6],
            np.arange(len(said)),
        ),
        CLASS_NAMES,
    )
    assert found["AP50"] == pytest.approx(expected["AP50"], abs=1e-6)
    for name in ("AP", "AP75"):
        assert found[name] == pytest.approx(expected[name], abs=1e-6)
    for at, name in enumerate(CLASS_NAMES):
        assert found[f"AP50/{name}"] == pytest.approx(expected.ap50[at], abs=1e-6)


def test_average_precision_by_hand() -> None:
    """At IoU 0.5, of 101 recalls 0, 0.01, ... 1.

    ant: truths 2, detections by score right 0.9 (IoU 32*48 over: 1320/1688 = 0.78), right 0.5, wrong 0.4:
    precision is 1 up to recall 1. bee: truths 2, wrong 0.8, right 0.7: precision 1/2 up to recall 1/2,
    51 of 101. cat: truths 2, right 0.6, wrong 0.3: precision 1 up to recall 1/2, 51 of 101.
    """
    found = validated(figures=True).figures
    expected = {"ant": 1.0, "bee": 0.5 * 51 / 101, "cat": 51 / 101}
    for name, value in expected.items():
        assert found[f"AP50/{name}"] == pytest.approx(value, abs=1e-6)
    assert found["AP50"] == pytest.approx(sum(expected.values()) / 3, abs=1e-6)


def test_the_loss_is_that_of_all_photos_in_one_batch() -> None:
    found = validated(figures=False)
    whole = batch_of(range(5))
    loss = yolo_loss(network(whole.images()), whole.targets, OPTIONS)
    assert found.terms.total == pytest.approx(float(loss.total), rel=1e-6)
    torch.testing.assert_close(
        torch.from_numpy(found.terms.by_class), loss.by_class().double(), rtol=1e-5, atol=1e-6
    )
    assert found.figures == {}
    assert found.failed == {"p2.jpg": "is no image"}


def test_without_a_truth_there_is_no_figure() -> None:
    with launched(TrainConfig(device="cpu")) as fabric:
        found: Any = validate(network, [batch_of((2,))], fabric, OPTIONS, DESCRIBED, figures=True)
    assert np.isnan(found.figures["AP50"])
    assert np.isfinite(found.terms.total)
