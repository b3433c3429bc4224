"""Losses as numbers: a mean that is weighted, and terms that add up."""

from __future__ import annotations

import pytest
import torch

from headlab.train.engine.totals import MeanLoss, terms_of
from headlab.yolov3.loss import Loss, yolo_loss
from headlab.yolov3.loss_options import LossOptions
from headlab.yolov3.targets.assigner import Assigner
from yolov3_models import CLASS_NAMES, description

DESCRIBED = description()
BOXES = (
    torch.tensor([[10.0, 20.0, 50.0, 70.0, 1.0], [60.0, 5.0, 80.0, 30.0, 0.0]]),
    torch.tensor([[30.0, 30.0, 60.0, 90.0, 2.0]]),
    torch.zeros(0, 5),
)


def loss_of(part: slice, options: LossOptions | None = None) -> Loss:
    """Of some of three images, with outputs drawn for all of them."""
    generator = torch.Generator().manual_seed(0)
    outputs = [torch.randn(3, 24, side, side, generator=generator) for side in (3, 6)]
    targets = Assigner(DESCRIBED)(BOXES[part], (96, 96))
    return yolo_loss([each[part] for each in outputs], targets, options or LossOptions())


def test_batches_count_by_their_photos() -> None:
    # The loss of a batch is divided by its photos: 2/3 of the loss of two and 1/3 of that of one are the
    # loss of all three.
    mean = MeanLoss(CLASS_NAMES)
    mean.add(loss_of(slice(0, 2)), 2)
    mean.add(loss_of(slice(2, 3)), 1)
    found, whole = mean.terms(), loss_of(slice(0, 3))
    assert found is not None
    assert found.total == pytest.approx(float(whole.total), rel=1e-6)
    torch.testing.assert_close(
        torch.from_numpy(found.by_class), whole.by_class().double(), rtol=1e-5, atol=1e-6
    )


def test_terms_add_up_and_are_named() -> None:
    loss = loss_of(slice(0, 3))
    terms = terms_of(loss, CLASS_NAMES)
    assert terms.levels == ("P5", "P4")
    assert terms.classes == (*CLASS_NAMES, "background")
    assert terms.names == ("xy", "wh", "confidence", "class")
    assert terms.by_class.shape == (2, 4, 4)
    assert terms.total == pytest.approx(float(loss.total), rel=1e-6)
    assert sum(terms.by_term().values()) == pytest.approx(terms.total, rel=1e-12)
    for at, name in enumerate(terms.names):
        assert terms.by_term()[name] == pytest.approx(float(loss.parts[:, at].sum()), rel=1e-5)


def test_other_losses_have_other_terms() -> None:
    terms = terms_of(loss_of(slice(0, 2), LossOptions(box="ciou")), CLASS_NAMES)
    assert terms.names == ("ciou", "confidence", "class")


def test_of_nothing_there_is_no_mean() -> None:
    assert MeanLoss(CLASS_NAMES).terms() is None
