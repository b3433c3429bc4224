"""YOLOv3-tiny and its loss as one would write them first, to compare headlab's step with.

Plain modules in PyTorch, channels_last, dense targets, a loss like keras-yolo3's on whole grids.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce


def block(inputs: int, outputs: int, size: int = 3) -> nn.Sequential:
    """Convolution, batch normalisation, leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
        nn.LeakyReLU(0.1),
    )


class PlainTiny(nn.Module):
    """(B, 3, H, W) -> the raw outputs of two levels."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 128, 256)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [block(before, after), nn.MaxPool2d(2)]
        self.fine = nn.Sequential(*layers[:-1])
        self.coarse = nn.Sequential(
            nn.MaxPool2d(2),
            block(256, 512),
            nn.ZeroPad2d((0, 1, 0, 1)),
            nn.MaxPool2d(2, 1),
            block(512, 1024),
            block(1024, 256, 1),
        )
        self.first = nn.Sequential(block(256, 512), nn.Conv2d(512, outputs, 1))
        self.lateral = nn.Sequential(block(256, 128, 1), nn.Upsample(scale_factor=2))
        self.second = nn.Sequential(block(384, 256), nn.Conv2d(256, outputs, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The coarser level first."""
        fine = self.fine(images)
        coarse = self.coarse(fine)
        joined = torch.cat((self.lateral(coarse), fine), 1)
        return self.first(coarse), self.second(joined)


def dense_loss(
    outputs: Sequence[Tensor],
    dense: Sequence[Tensor],
    anchors_wh_px: Sequence[Tensor],
    input_hw_px: tuple[int, int],
    ignore_thresh: float = 0.5,
) -> Tensor:
    """The loss of keras-yolo3 over whole grids, one image after the other for the ignore mask."""
    total = torch.zeros(())
    height, width = input_hw_px
    for output, wanted, anchors in zip(outputs, dense, anchors_wh_px, strict=True):
        batch, rows, columns, slots = wanted.shape[:4]
        raw = output.permute(0, 2, 3, 1).reshape(batch, rows, columns, slots, -1)
        cells = torch.tensor([columns, rows])
        size = torch.tensor([width, height])
        line, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        corner = torch.stack((column, line), -1)[:, :, None]
        centre = (raw[..., :2].sigmoid() + corner) / cells
        wh = raw[..., 2:4].exp() * anchors / size
        has = wanted[..., 4:5]
        ignored = []
        for image in range(batch):
            truths = wanted[image, ..., :4][has[image, ..., 0].bool()]
            ignored.append(best_iou(centre[image], wh[image], truths) >= ignore_thresh)
        keep = has + (1 - has) * (~torch.stack(ignored))[..., None]
        scale = has * (2 - wanted[..., 2:3] * wanted[..., 3:4])
        xy = scale * bce(raw[..., :2], wanted[..., :2] * cells - corner, reduction="none")
        log_wh = torch.where(has > 0, (wanted[..., 2:4] * size / anchors).log(), 0.0)
        apart = scale * 0.5 * (raw[..., 2:4] - log_wh).square()
        confidence = keep * bce(raw[..., 4:5], has, reduction="none")
        classes = has * bce(raw[..., 5:], wanted[..., 5:], reduction="none")
        total = total + (xy.sum() + apart.sum() + confidence.sum() + classes.sum()) / batch
    return total


def best_iou(centre: Tensor, wh: Tensor, truths: Tensor) -> Tensor:
    """The best IoU of every candidate with the truths of its image, (H, W, A)."""
    if not len(truths):
        return torch.zeros(centre.shape[:-1])
    with torch.no_grad():
        low, high = (centre - wh / 2)[..., None, :], (centre + wh / 2)[..., None, :]
        from_, to = truths[:, :2] - truths[:, 2:] / 2, truths[:, :2] + truths[:, 2:] / 2
        both = (torch.minimum(high, to) - torch.maximum(low, from_)).clamp(min=0).prod(-1)
        union = wh.prod(-1)[..., None] + truths[:, 2:].prod(-1) - both
        return (both / union).amax(-1)
