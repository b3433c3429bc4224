"""What the loss can be asked for beyond keras-yolo3's: by hand, and against numeric gradients."""

from __future__ import annotations

import math

import pytest
import torch
from golden_truths import described

from headlab.errors import InputError
from headlab.yolov3.loss import yolo_loss
from headlab.yolov3.loss_options import LossOptions
from headlab.yolov3.targets.assigner import Assigner
from headlab.yolov3.targets.result import Targets
from yolov3_models import TINY_ANCHORS

LN2 = math.log(2)
HALF_AN_ANCHOR = (2.25, 1.25, 13.75, 14.75, 1.0)
SCALE = 2 - 11.5 * 13.5 / 32**2


@pytest.fixture
def targets() -> Targets:
    """11.5 x 13.5 px, half of anchor 1 (23 x 27), in the middle of P4's first cell of 16 px; class 1 of 2."""
    boxes = torch.tensor([[HALF_AN_ANCHOR]])
    return Assigner(described(TINY_ANCHORS, 2))(boxes, (32, 32))


def zeros() -> list[torch.Tensor]:
    return [torch.zeros(1, 21, side, side) for side in (1, 2)]


def parts(
    targets: Targets, options: LossOptions, outputs: list[torch.Tensor] | None = None
) -> dict:
    loss = yolo_loss(outputs or zeros(), targets, options)
    torch.testing.assert_close(loss.parts.sum(), loss.total)
    torch.testing.assert_close(loss.by_class().sum(-1), loss.parts)
    return dict(zip(loss.terms, loss.parts.T.tolist(), strict=True))


@pytest.mark.parametrize("box", ["giou", "ciou"])
def test_the_iou_of_concentric_boxes(targets: Targets, box: str) -> None:
    """A quarter of the decoded box's area, of the same shape, centre and hull: the loss is 1 - 1 / 4."""
    made = parts(targets, LossOptions(box=box, box_weight=2.0))
    assert list(made) == [box, "confidence", "class"]
    assert made[box] == pytest.approx([0, 2 * SCALE * 0.75], rel=1e-6)


def test_the_giou_of_boxes_side_by_side(targets: Targets) -> None:
    """t_x = -ln 15 and t_y = 0 move the centre from x = 8 to x = 1; t_w, t_h = -ln 2 give the truth's size.

    Overlap (11.5 - 7) of 11.5: IoU = 4.5 / 18.5. The hull is 18.5 wide, all of which is covered.
    """
    outputs = zeros()
    outputs[1][0, :4, 0, 0] = torch.tensor([-math.log(15), 0, -LN2, -LN2])
    made = parts(targets, LossOptions(box="giou"), outputs)
    assert made["giou"][1] == pytest.approx(SCALE * (1 - 4.5 / 18.5), rel=1e-6)
    # CIoU adds the squared distance of the centres over that of the hull's corners.
    made = parts(targets, LossOptions(box="ciou"), outputs)
    distance = 7**2 / (18.5**2 + 13.5**2)
    assert made["ciou"][1] == pytest.approx(SCALE * (1 - 4.5 / 18.5 + distance), rel=1e-6)


def test_the_box_weight_is_for_the_box_alone(targets: Targets) -> None:
    plain, weighted = parts(targets, LossOptions()), parts(targets, LossOptions(box_weight=3.0))
    for term, factor in (("xy", 3), ("wh", 3), ("confidence", 1), ("class", 1)):
        assert weighted[term] == pytest.approx([factor * each for each in plain[term]])


def test_focal_confidence(targets: Targets) -> None:
    """At t = 0 the weight is (1 - 1/2)^2; with alpha 1/4 for the 1 positive, 3/4 for 3 and 11 others."""
    made = parts(targets, LossOptions(focal_gamma=2.0))
    assert made["confidence"] == pytest.approx([3 * LN2 / 4, 12 * LN2 / 4])
    made = parts(targets, LossOptions(focal_gamma=2.0, focal_alpha=0.25))
    others = 0.75 * LN2 / 4
    assert made["confidence"] == pytest.approx([3 * others, 11 * others + 0.25 * LN2 / 4])
    made = parts(targets, LossOptions(focal_alpha=0.25))
    assert made["confidence"] == pytest.approx([3 * 0.75 * LN2, (11 * 0.75 + 0.25) * LN2])


def test_label_smoothing(targets: Targets) -> None:
    """Classes t = (1, 2), truths 0 and 1 become 0.05 and 0.95: softplus(1) - 0.05 + softplus(2) - 1.9."""
    outputs = zeros()
    outputs[1][0, 5:7, 0, 0] = torch.tensor([1.0, 2.0])
    expected = math.log1p(math.e) - 0.05 + math.log1p(math.e**2) - 1.9
    made = parts(targets, LossOptions(label_smoothing=0.1), outputs)
    assert made["class"][1] == pytest.approx(expected)


def test_class_weights(targets: Targets) -> None:
    """The truth's class is 1; its class term is 2 ln 2."""
    made = parts(targets, LossOptions(class_weights=(5.0, 3.0)))
    assert made["class"] == pytest.approx([0, 3 * 2 * LN2])


def test_several_class_bits_share_their_weights_and_none_weighs_one() -> None:
    """keras-yolo3's targets: two boxes in one slot leave two bits, class -1 leaves none."""
    assign = Assigner(described(TINY_ANCHORS, 2), compat="keras-yolo3")
    box = (-3.5, -5.5, 19.5, 21.5)
    options = LossOptions(class_weights=(5.0, 2.0))
    several = assign(torch.tensor([[(*box, 0.0), (*box, 1.0)]]), (32, 32))
    assert parts(several, options)["class"] == pytest.approx([0, 3.5 * 2 * LN2])
    none = assign(torch.tensor([[(*box, -1.0)]]), (32, 32))
    assert parts(none, options)["class"] == pytest.approx([0, 2 * LN2])
    assert yolo_loss(zeros(), none).by_class()[1, 3].tolist() == pytest.approx([0, 0, 2 * LN2])


@pytest.mark.parametrize(
    "options",
    [
        LossOptions(),
        LossOptions(ignore_truths="level"),
        LossOptions(box="giou", box_weight=0.5),
        LossOptions(focal_gamma=1.5),
        LossOptions(focal_gamma=2.0, focal_alpha=0.25),
        LossOptions(label_smoothing=0.1, class_weights=(0.5, 2.0)),
    ],
    ids=str,
)
def test_gradients_are_the_numeric_ones(options: LossOptions) -> None:
    boxes = torch.tensor([[HALF_AN_ANCHOR, (0.0, 3.0, 31.0, 30.0, 0.0)], [(0.0,) * 5] * 2])
    targets = Assigner(described(TINY_ANCHORS, 2))(boxes, (32, 32))
    seed = torch.Generator().manual_seed(0)
    outputs = [
        (torch.randn(2, 21, side, side, generator=seed, dtype=torch.float64) / 2).requires_grad_()
        for side in (1, 2)
    ]
    assert torch.autograd.gradcheck(lambda *each: yolo_loss(each, targets, options).total, outputs)


def test_the_gradient_of_ciou_holds_the_weight_of_the_aspect_constant(targets: Targets) -> None:
    """1 - IoU + d^2 / c^2 + a * v of one box, a without a gradient, in the truth's slot."""
    raw = torch.tensor([0.3, -0.4, 0.5, -0.2], dtype=torch.float64, requires_grad=True)
    outputs = [each.double() for each in zeros()]
    outputs[1][0, :4, 0, 0] = raw.detach()
    outputs[1].requires_grad_()
    loss = yolo_loss(outputs, targets, LossOptions(box="ciou"))
    loss.total.backward()

    centre, size = raw[:2].sigmoid() * 16, raw[2:].exp() * torch.tensor([23.0, 27.0])
    low, high = centre - size / 2, centre + size / 2
    true_low, true_high = torch.tensor(HALF_AN_ANCHOR[:4]).split(2)
    both = (torch.minimum(high, true_high) - torch.maximum(low, true_low)).prod()
    iou = both / (size.prod() + 11.5 * 13.5 - both)
    hull = torch.maximum(high, true_high) - torch.minimum(low, true_low)
    distance = (centre - 8).square().sum() / hull.square().sum()
    aspect = 4 / math.pi**2 * (math.atan(11.5 / 13.5) - (size[0] / size[1]).atan()) ** 2
    weight = (aspect / (1 - iou + aspect)).detach()
    expected = SCALE * (1 - iou + distance + weight * aspect)
    expected.backward()
    assert loss.parts[1, 0].item() == pytest.approx(expected.item(), rel=1e-6)
    torch.testing.assert_close(outputs[1].grad[0, :4, 0, 0], raw.grad, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"box": "diou"}, "box='diou' is unknown"),
        ({"ignore_truths": "none"}, "ignore_truths='none' is unknown"),
        ({"ignore_thresh": 1.5}, "ignore_thresh=1.5 is not from 0 to 1"),
        ({"ignore_thresh": math.nan}, "ignore_thresh"),
        ({"box_weight": -1.0}, "box_weight"),
        ({"box_weight": math.inf}, "box_weight"),
        ({"focal_gamma": -1.0}, "focal_gamma"),
        ({"focal_alpha": 2.0}, "focal_alpha"),
        ({"label_smoothing": -0.1}, "label_smoothing"),
        ({"class_weights": (1.0, -1.0)}, "class_weights"),
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LossOptions(**wrong)


def test_class_weights_of_another_number_of_classes_are_refused(targets: Targets) -> None:
    with pytest.raises(InputError, match="3 class weights were given for 2 classes"):
        yolo_loss(zeros(), targets, LossOptions(class_weights=(1.0, 1.0, 1.0)))
