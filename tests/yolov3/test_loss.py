"""The loss: by hand, and against what keras-yolo3 recorded."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_truths import LOSSES, described, load_truths, outputs_of

from headlab.errors import InputError
from headlab.yolov3.loss import Loss, yolo_loss
from headlab.yolov3.loss_options import KERAS_YOLO3, LossOptions
from headlab.yolov3.targets.assigner import Assigner
from headlab.yolov3.targets.result import Targets
from yolov3_models import TINY_ANCHORS

LN2 = math.log(2)
TINY = described(TINY_ANCHORS, 2)
THRESHOLDS = [
    *((name, "") for name in LOSSES),
    ("loss_yolo9_416", "_t07"),
    ("loss_tiny6_416", "_t05"),
    ("loss_crowded_416", "_t07"),
]


def targets_of(size: int, *boxes: tuple[float, ...]) -> Targets:
    return Assigner(TINY)([torch.tensor(boxes).reshape(-1, 5)], (size, size))


def zeros(targets: Targets) -> list[torch.Tensor]:
    return [torch.zeros(targets.batch, 21, each.height, each.width) for each in targets.grids]


@pytest.fixture(params=THRESHOLDS, ids=lambda pair: "".join(pair))
def recorded(request: pytest.FixtureRequest, shared: Path) -> dict[str, object]:
    """A file's arrays, `loss`, `parts` and masks those of one of its thresholds."""
    name, suffix = request.param
    golden = load_truths(shared, name)
    for key in [key for key in golden if suffix and key.endswith(suffix)]:
        golden[key.removesuffix(suffix)] = golden[key]
    golden["objectness_only"] = bool(suffix)
    return golden


def test_totals_parts_masks_and_gradients_are_the_recorded_ones(recorded: dict) -> None:
    """Gradients cancel to nearly nothing where sigmoid(t) is nearly the truth; hence the absolute term.

    The recorded ones themselves are within 1.5e-6 of those in double precision (README of the golden data).
    """
    assign = Assigner(recorded["description"], compat="keras-yolo3")
    targets = assign(recorded["boxes"], recorded["input_hw_px"])
    outputs = outputs_of(recorded)
    options = replace(KERAS_YOLO3, ignore_thresh=float(recorded["ignore_thresh"]))
    loss = yolo_loss(outputs, targets, options)
    loss.total.backward()
    np.testing.assert_allclose(loss.total.item(), recorded["loss"], rtol=1e-6)
    np.testing.assert_allclose(loss.parts, recorded["parts"], rtol=1e-6)
    for at, (output, mask) in enumerate(zip(outputs, loss.ignored, strict=True)):
        np.testing.assert_array_equal(~mask, recorded[f"ignore_mask_{at}"][..., 0].astype(bool))
        gradient = output.grad.permute(0, 2, 3, 1)
        expected = recorded[f"grad_{at}"]
        if recorded["objectness_only"]:
            gradient = gradient.unflatten(-1, (3, -1))[..., 4]
            expected = recorded[f"grad_obj_{at}"]
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=5e-7)
        np.testing.assert_array_equal(gradient != 0, expected != 0)


@pytest.mark.parametrize("name", LOSSES)
def test_levels_and_classes_add_up(name: str, shared: Path) -> None:
    golden = load_truths(shared, name)
    targets = Assigner(golden["description"])(golden["boxes"], golden["input_hw_px"])
    loss = yolo_loss(outputs_of(golden), targets)
    by_class = loss.by_class()
    assert by_class.shape == (len(golden["levels"]), 4, targets.class_count + 1)
    torch.testing.assert_close(by_class.sum(-1), loss.parts)
    torch.testing.assert_close(loss.parts.sum(), loss.total.detach())
    present = set(targets.rows[:, 5:].argmax(1).tolist())
    assert {at for at in range(targets.class_count) if by_class[..., at].any()} == present


def test_zero_outputs_without_boxes(shared: Path) -> None:
    """10647 candidates * ln 2; 7379.9287 was recorded, the rest is how single precision adds."""
    golden = load_truths(shared, "targets_zero_416")
    targets = Assigner(golden["description"])(golden["boxes"], golden["input_hw_px"])
    outputs = [torch.zeros(2, 75, each.height, each.width) for each in targets.grids]
    loss = yolo_loss(outputs, targets)
    assert loss.total.item() == pytest.approx(10647 * LN2, rel=2e-6)
    assert loss.by_class()[..., :-1].any().item() is False


@pytest.mark.parametrize("name", ["targets_quirk_gap_row_416", "targets_quirk_zero_height_416"])
def test_quirks_that_make_the_original_infinite(name: str, shared: Path) -> None:
    golden = load_truths(shared, name)
    losses = []
    for compat in ("keras-yolo3", None):
        targets = Assigner(golden["description"], compat=compat)(
            golden["boxes"], golden["input_hw_px"]
        )
        outputs = [torch.zeros(1, 75, each.height, each.width) for each in targets.grids]
        losses.append(yolo_loss(outputs, targets).total.item())
    assert losses[0] == math.inf
    assert math.isfinite(losses[1])


def half_an_anchor() -> tuple[Targets, Loss]:
    """11.5 x 13.5 px, half of anchor 1 (23 x 27), in the middle of P4's first cell of 16 px."""
    targets = targets_of(32, (2.25, 1.25, 13.75, 14.75, 1.0))
    return targets, yolo_loss(zeros(targets), targets)


def test_one_truth_by_hand() -> None:
    """All outputs are 0, so that every BCE is ln 2, and scale = 2 - 11.5 * 13.5 / 32^2.

    P5 has 1 * 3 slots, all background. P4 has 4 * 3: confidence 12 ln 2, xy = scale * 2 ln 2,
    wh = scale / 2 * 2 * ln(1 / 2)^2, class 2 ln 2.
    """
    _, loss = half_an_anchor()
    scale = 2 - 11.5 * 13.5 / 32**2
    expected = [[0, 0, 3 * LN2, 0], [scale * 2 * LN2, scale * LN2**2, 12 * LN2, 2 * LN2]]
    torch.testing.assert_close(loss.parts, torch.tensor(expected))
    assert loss.terms == ("xy", "wh", "confidence", "class")
    # Of P4's confidence, 1 slot is class 1's and 11 are background.
    torch.testing.assert_close(
        loss.by_class()[1, 2], torch.tensor([0, 1, 11], dtype=torch.float32) * LN2
    )


def test_the_batch_divides() -> None:
    box = torch.tensor([[2.25, 1.25, 13.75, 14.75, 1.0]])
    targets = Assigner(TINY)([box, box, box[:0]], (32, 32))
    one, empty = half_an_anchor()[1].total, 15 * LN2
    assert yolo_loss(zeros(targets), targets).total == pytest.approx((2 * one + empty) / 3)


def test_ignored_are_those_that_overlap_any_truth_of_the_image_or_only_of_the_level() -> None:
    """The truth is anchor 3 (81 x 82) on P5's middle cell; outputs of 0 are the anchors on their cells.

    P4/2 has anchor 3 too. The four cells around the middle are 8 px away in x and y: the overlap is
    73 * 74 = 5402 of 2 * 6642 - 5402, 0.685. The next are 24 px away in one: 57 * 74 = 4218, 0.465.
    """
    targets = targets_of(96, (7.5, 7.0, 88.5, 89.0, 0.0))
    for options, expected in (
        (LossOptions(), [[0, row, col, 2] for row in (2, 3) for col in (2, 3)]),
        (LossOptions(ignore_truths="level"), []),
        (LossOptions(ignore_thresh=0.69), []),
    ):
        coarse, fine = yolo_loss(zeros(targets), targets, options).ignored
        assert coarse.nonzero().tolist() == [[0, 1, 1, 0]]
        assert fine.nonzero().tolist() == expected


def test_what_is_ignored_costs_nothing_unless_it_answers_for_a_truth() -> None:
    """P5: 27 slots, one positive. P4: 108 slots, 4 of them ignored."""
    targets = targets_of(96, (7.5, 7.0, 88.5, 89.0, 0.0))
    loss = yolo_loss(zeros(targets), targets)
    torch.testing.assert_close(loss.parts[:, 2], torch.tensor([27 * LN2, 104 * LN2]))
    torch.testing.assert_close(loss.background, torch.tensor([26 * LN2, 104 * LN2]))


def test_truths_of_other_images_do_not_matter() -> None:
    box = torch.tensor([[7.5, 7.0, 88.5, 89.0, 0.0]])
    targets = Assigner(TINY)([box[:0], box], (96, 96))
    coarse, fine = yolo_loss(zeros(targets), targets).ignored
    assert not coarse[0].any()
    assert not fine[0].any()
    assert fine[1].sum() == 4


def test_truths_in_several_portions_give_the_same_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    golden = torch.Generator().manual_seed(0)
    corners = torch.rand(40, 2, generator=golden) * 60
    sizes = 4 + torch.rand(40, 2, generator=golden) * 60
    boxes = torch.cat((corners, corners + sizes, torch.zeros(40, 1)), 1)
    targets = Assigner(TINY)([boxes[:25], boxes[25:]], (96, 96))
    outputs = [torch.randn(each.shape, generator=golden) / 4 for each in zeros(targets)]
    whole = yolo_loss(outputs, targets).ignored
    assert whole[1].any()
    monkeypatch.setattr("headlab.yolov3.ignore.PAIRS_AT_ONCE", 500)
    portions = yolo_loss(outputs, targets).ignored
    assert all(torch.equal(a, b) for a, b in zip(whole, portions, strict=True))


def test_memory_format_and_half_precision_are_no_matter() -> None:
    targets = targets_of(96, (7.5, 7.0, 88.5, 89.0, 0.0), (2.25, 1.25, 13.75, 14.75, 1.0))
    seed = torch.Generator().manual_seed(0)
    half = [torch.randn(each.shape, generator=seed).bfloat16() for each in zeros(targets)]
    expected = yolo_loss([each.float() for each in half], targets)
    for outputs in (half, [each.to(memory_format=torch.channels_last) for each in half]):
        leaves = [each.detach().requires_grad_() for each in outputs]
        loss = yolo_loss(leaves, targets)
        torch.testing.assert_close(loss.total.detach(), expected.total)
        assert loss.total.dtype == torch.float32
        loss.total.backward()
        assert all(each.grad.dtype == torch.bfloat16 for each in leaves)


def test_outputs_of_another_batch_or_model_are_refused() -> None:
    targets = targets_of(96, (7.5, 7.0, 88.5, 89.0, 0.0))
    coarse, fine = zeros(targets)
    with pytest.raises(InputError, match="1 outputs were given for targets on 2 levels"):
        yolo_loss([coarse], targets)
    with pytest.raises(InputError, match=r"P4: the output has shape \(1, 21, 3, 3\)"):
        yolo_loss([coarse, coarse], targets)
    with pytest.raises(InputError, match="P5"):
        yolo_loss([coarse[:, :18], fine], targets)
    with pytest.raises(InputError, match="P5"):
        yolo_loss([torch.cat((coarse, coarse)), torch.cat((fine, fine))], targets)
