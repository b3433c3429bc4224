"""The building blocks of YOLOv3's networks.

Letters in shapes: B batch, I channels in, O channels out, F filters, H W grid, A slots, C classes.

Sources: Redmon and Farhadi, "YOLOv3: An Incremental Improvement" (2018), section 2; darknet's cfg files
and keras-yolo3's model.py for what the paper leaves open (padding, epsilon, slope).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAKY_SLOPE = 0.1

_NORM_MOMENTUM = 0.01
"""The weight of a new batch in the running statistics: Keras' momentum of 0.99, darknet's `.99f`."""


class Convolution(nn.Module):
    """Convolution, batch normalisation, leaky ReLU of slope 0.1: the paper's "convolutional" row.

    (B, I, H, W) -> (B, O, H, W), or (B, O, H/2, W/2) with stride 2. The padding is the same on all four
    sides, as in darknet. With stride 2 keras-yolo3 pads only above and to the left, which for an even grid
    is equivalent: the kernel never reaches beyond the last row and column.
    """

    def __init__(
        self, in_channels: int, out_channels: int, size: int, stride: int = 1, *, epsilon: float
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, size, stride, padding=size // 2, bias=False
        )
        self.norm = nn.BatchNorm2d(out_channels, epsilon, _NORM_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return functional.leaky_relu(self.norm(self.conv(x)), LEAKY_SLOPE, inplace=True)


class Residual(nn.Module):
    """x + 3x3(1x1(x)), with half the channels in between: the paper's boxed pair with "Residual".

    (B, O, H, W) -> (B, O, H, W)
    """

    def __init__(self, channels: int, *, epsilon: float) -> None:
        super().__init__()
        self.reduce = Convolution(channels, channels // 2, 1, epsilon=epsilon)
        self.expand = Convolution(channels // 2, channels, 3, epsilon=epsilon)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return x + cast(Tensor, self.expand(self.reduce(x)))


class Stage(nn.Sequential):
    """A convolution that halves the grid and doubles the channels, then residual blocks.

    (B, O/2, 2H, 2W) -> (B, O, H, W)
    """

    def __init__(self, out_channels: int, blocks: int, *, epsilon: float) -> None:
        super().__init__()
        self.down = Convolution(out_channels // 2, out_channels, 3, 2, epsilon=epsilon)
        for number in range(1, blocks + 1):
            self.add_module(f"residual{number}", Residual(out_channels, epsilon=epsilon))


def joined(coarse: Tensor, fine: Tensor) -> Tensor:
    """Upsample a coarser level's features by repeating cells, and append the finer features.

    (B, I, H/2, W/2) and (B, J, H, W) -> (B, I + J, H, W)
    """
    return torch.cat((functional.interpolate(coarse, scale_factor=2.0, mode="nearest"), fine), 1)


def shrinking_pool(x: Tensor) -> Tensor:
    """The maxima of 2 x 2 cells without overlap: (B, I, H, W) -> (B, I, H/2, W/2)."""
    return functional.max_pool2d(x, 2)


def keeping_pool(x: Tensor) -> Tensor:
    """The maxima of each cell and its neighbours to the right and below; the grid keeps its size.

    Padded with minus infinity, as in darknet and in Keras' "same" padding.
    """
    return functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), value=float("-inf")), 2, 1)


def pyramid_pool(x: Tensor) -> Tensor:
    """Spatial pyramid pooling: maxima over 13, 9 and 5 cells, then the features themselves.

    (B, F, H, W) -> (B, 4F, H, W). Source: He et al., "Spatial Pyramid Pooling in Deep Convolutional
    Networks" (2014), in the form of darknet's yolov3-spp.cfg.
    """
    pooled = [functional.max_pool2d(x, size, 1, padding=size // 2) for size in (13, 9, 5)]
    return torch.cat((*pooled, x), 1)
