"""The loss of YOLOv3: of positive slots, and of the background.

Letters: B batch, A slots per cell, C classes, H W grid, L levels, P positive slots, R terms.

For a slot that is responsible for a truth x, y, w, h (fractions of the input) in the cell (row, col) of a
grid, with the raw outputs t_x, t_y, t_w, t_h, t_o, t_1 … t_C, and BCE(t, z) = log(1 + exp(t)) - z * t:

    scale = 2 - w * h
    xy    = scale * (BCE(t_x, x * W - col) + BCE(t_y, y * H - row))
    wh    = scale / 2 * ((t_w - log(w_px / anchor_w))^2 + (t_h - log(h_px / anchor_h))^2)
    confidence = BCE(t_o, 1)
    class = the sum over c of BCE(t_c, 1 if the truth is of class c else 0)

and for all other slots, unless they are ignored (`headlab.yolov3.ignore`), confidence = BCE(t_o, 0). The sum
is divided by B, not by the number of truths.

Source: keras-yolo3's `yolo_loss`, with the same totals, parts and gradients (tests/yolov3/test_loss.py);
Redmon and Farhadi, "YOLOv3: An Incremental Improvement" (2018), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torchvision.ops import (
    complete_box_iou_loss,
    generalized_box_iou_loss,
    sigmoid_focal_loss,
)

from headlab.errors import InputError
from headlab.yolov3.ignore import ignored
from headlab.yolov3.loss_options import LossOptions
from headlab.yolov3.targets.places import Grid
from headlab.yolov3.targets.result import Targets

BOX_LOSSES = {"giou": generalized_box_iou_loss, "ciou": complete_box_iou_loss}


@dataclass(frozen=True)
class Loss:
    """A batch's loss and what it consists of; only `total` carries gradients.

    Attributes:
        total: the loss, ().
        terms: the names of the terms, such as "xy", "wh", "confidence", "class".
        parts: every term of every level, coarsest first, (L, R); their sum is the total.
        background: the part of the confidence term that comes from slots without a truth, (L,).
        positives: every term of every positive slot, in the order of the targets, (P, R).
        ignored: by level, the candidates that overlap a truth too well to be penalised as background, bool,
            (B, H, W, A); positive slots, which never are, may be among them.
        targets: what the outputs were compared with.
    """

    total: Tensor
    terms: tuple[str, ...]
    parts: Tensor
    background: Tensor
    positives: Tensor
    ignored: tuple[Tensor, ...]
    targets: Targets

    def by_class(self) -> Tensor:
        """Every term of every level by class, (L, R, C + 1); summed over the classes they are `parts`.

        A slot's terms count for its truth's class, in equal shares if it has several class bits. The last
        class is the background: all slots without a class.
        """
        bits = self.targets.rows[:, 5:].to(self.positives)
        shares = bits / bits.sum(1, keepdim=True).clamp_min(1)
        shares = torch.cat((shares, 1 - shares.sum(1, keepdim=True)), 1)
        levels = zip(self.targets.bounds, self.targets.bounds[1:], strict=False)
        by_class = torch.stack([self.positives[a:b].T @ shares[a:b] for a, b in levels])
        by_class[:, self.terms.index("confidence"), -1] += self.background
        return by_class


def yolo_loss(
    outputs: Sequence[Tensor], targets: Targets, options: LossOptions | None = None
) -> Loss:
    """The loss of a batch: a network's outputs against their targets.

    Args:
        outputs: raw outputs as the network gives them, coarsest level first, (B, A * (5 + C), H, W); those in
            half precision are converted to single precision.
        targets: the batch's targets, on the same device.
        options: by default those of keras-yolo3, except for `ignore_truths`.

    Raises:
        InputError: the outputs do not fit the targets, or the class weights do not fit the classes.
    """
    options = options or LossOptions()
    _check(outputs, targets, options)
    totals, backgrounds, positives, masks = [], [], [], []
    for at, (output, grid) in enumerate(zip(outputs, targets.grids, strict=True)):
        raw = output.permute(0, 2, 3, 1).unflatten(-1, (grid.slots, -1))
        index, rows = targets.level(at)
        mask = _ignored(raw, grid, index, rows, targets, options)
        terms = _positive_terms(raw, grid, index, rows, options)
        background = _background(raw[..., 4], index, mask, options)
        summed = terms.sum(0)
        totals.append(summed.sum() + background)
        backgrounds.append(background.detach())
        positives.append(terms.detach())
        masks.append(mask)
    batch = targets.batch
    background = torch.stack(backgrounds) / batch
    parts = torch.stack([terms.sum(0) for terms in positives]) / batch
    parts[:, options.terms.index("confidence")] += background
    return Loss(
        total=torch.stack(totals).sum() / batch,
        terms=options.terms,
        parts=parts,
        background=background,
        positives=torch.cat(positives) / batch,
        ignored=tuple(masks),
        targets=targets,
    )


def _check(outputs: Sequence[Tensor], targets: Targets, options: LossOptions) -> None:
    if len(outputs) != len(targets.grids):
        raise InputError(
            f"{len(outputs)} outputs were given for targets on {len(targets.grids)} levels."
        )
    count = targets.class_count
    for output, grid in zip(outputs, targets.grids, strict=True):
        expected = (targets.batch, grid.slots * (5 + count), grid.height, grid.width)
        if tuple(output.shape) != expected:
            raise InputError(
                f"{grid.name}: the output has shape {tuple(output.shape)}; for these targets {expected} was "
                "expected.",
                "Make the targets for this batch, this input size and this number of classes.",
            )
    weights = options.class_weights
    if weights is not None and len(weights) != count:
        raise InputError(f"{len(weights)} class weights were given for {count} classes.")


def _at_least_single(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()


def _ignored(
    raw: Tensor, grid: Grid, index: Tensor, rows: Tensor, targets: Targets, options: LossOptions
) -> Tensor:
    """The candidates of a level that are not penalised as background, (B, H, W, A)."""
    truths, image = targets.truths, targets.truth_image
    if options.ignore_truths == "level":
        truths, image = rows[:, :4], index // grid.candidates
    boxes = _at_least_single(raw.detach()[..., :4])
    return ignored(boxes, grid, truths, image, options.ignore_thresh)


def _positive_terms(
    raw: Tensor, grid: Grid, index: Tensor, rows: Tensor, options: LossOptions
) -> Tensor:
    """Every term of a level's positive slots, (P, R)."""
    outputs = _at_least_single(raw.reshape(-1, raw.shape[-1])[index])
    rows = rows.to(outputs.dtype)
    confidence = _confidence(outputs[:, 4], torch.ones_like(outputs[:, 4]), options)
    bits = rows[:, 5:]
    smoothed = torch.lerp(bits, torch.full_like(bits, 0.5), options.label_smoothing)
    classes = binary_cross_entropy_with_logits(outputs[:, 5:], smoothed, reduction="none").sum(1)
    if options.class_weights is not None:
        classes = classes * _weights(bits, options.class_weights)
    box = _box_terms(outputs[:, :4], rows[:, :4], grid, index, options)
    return torch.stack((*box, confidence, classes), dim=1)


def _box_terms(
    outputs: Tensor, boxes: Tensor, grid: Grid, index: Tensor, options: LossOptions
) -> tuple[Tensor, ...]:
    """The terms xy and wh, or the one that replaces them, (P,) each."""
    cell = index // grid.slots
    cells_xy = outputs.new_tensor((grid.width, grid.height))
    corner = torch.stack((cell % grid.width, cell // grid.width % grid.height), 1)
    anchors_px = outputs.new_tensor(grid.anchors_wh_px)[index % grid.slots]
    sizes_px = boxes[:, 2:] * cells_xy * grid.stride_px
    weight = options.box_weight * (2 - boxes[:, 2] * boxes[:, 3])
    if options.box == "xywh":
        offsets = boxes[:, :2] * cells_xy - corner
        xy = binary_cross_entropy_with_logits(outputs[:, :2], offsets, reduction="none")
        wh = (outputs[:, 2:] - (sizes_px / anchors_px).log()).square() / 2
        return weight * xy.sum(1), weight * wh.sum(1)
    centres_px = (outputs[:, :2].sigmoid() + corner) * grid.stride_px
    decoded = _corners(centres_px, outputs[:, 2:].exp() * anchors_px)
    truths = _corners(boxes[:, :2] * cells_xy * grid.stride_px, sizes_px)
    return (weight * BOX_LOSSES[options.box](decoded, truths),)


def _corners(centres: Tensor, sizes: Tensor) -> Tensor:
    return torch.cat((centres - sizes / 2, centres + sizes / 2), dim=1)


def _weights(bits: Tensor, class_weights: Sequence[float]) -> Tensor:
    """The weight of each positive slot's class, their mean if it has several and 1 if it has none, (P,)."""
    count = bits.sum(1)
    mean = bits @ bits.new_tensor(class_weights) / count.clamp_min(1)
    return torch.where(count > 0, mean, 1.0)


def _background(objectness: Tensor, index: Tensor, mask: Tensor, options: LossOptions) -> Tensor:
    """The confidence term of all slots of a level that are neither positive nor ignored, ()."""
    logits = _at_least_single(objectness)
    penalised = ~mask
    penalised.view(-1)[index] = False
    return (_confidence(logits, torch.zeros_like(logits), options) * penalised).sum()


def _confidence(logits: Tensor, truth: Tensor, options: LossOptions) -> Tensor:
    """The confidence term of slots, elementwise."""
    if options.focal_gamma or options.focal_alpha is not None:
        alpha = -1.0 if options.focal_alpha is None else options.focal_alpha
        return sigmoid_focal_loss(logits, truth, alpha=alpha, gamma=options.focal_gamma)
    return binary_cross_entropy_with_logits(logits, truth, reduction="none")
