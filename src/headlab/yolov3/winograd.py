"""A 3x3 convolution with half the multiplications: Winograd's F(4, 3) along the rows of the grid.

Four neighbouring outputs of a row come from six inputs of each of the three rows around it. Taking sums
and differences of those six first (`INPUTS`), and of the six products afterwards (`OUTPUTS`), six
multiplications per kernel row do the work of twelve. Only one of the two directions is treated so: that
costs 2 instead of 4 times the weights, and half a digit of float32 instead of one and a half.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), section 4.3, whose
matrices B^T, G and A^T are INPUTS, KERNEL and OUTPUTS.

Letters in shapes: B batch, I channels in, O channels out, H W grid, T tiles per row.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

TILE = 4
"""Outputs per tile."""

POINTS = 6
"""Inputs per tile, and products."""

INPUTS = (
    (4.0, 0.0, -5.0, 0.0, 1.0, 0.0),
    (0.0, -4.0, -4.0, 1.0, 1.0, 0.0),
    (0.0, 4.0, -4.0, -1.0, 1.0, 0.0),
    (0.0, -2.0, -1.0, 2.0, 1.0, 0.0),
    (0.0, 2.0, -1.0, -2.0, 1.0, 0.0),
    (0.0, 4.0, 0.0, -5.0, 0.0, 1.0),
)
KERNEL = (
    (1 / 4, 0.0, 0.0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0.0, 0.0, 1.0),
)
OUTPUTS = (
    (1.0, 1.0, 1.0, 1.0, 1.0, 0.0),
    (0.0, 1.0, -1.0, 2.0, -2.0, 0.0),
    (0.0, 1.0, 1.0, 4.0, 4.0, 0.0),
    (0.0, 1.0, -1.0, 8.0, -8.0, 1.0),
)

_POINT_AT_ONE = 1
"""The product that every output of a tile contains exactly once: a bias added there is added to all."""


def tiles_in(width: int) -> int:
    """T: the tiles that a row of the grid needs."""
    return -(-width // TILE)


def transformed_kernel(weight: Tensor) -> Tensor:
    """(O, I, 3, 3) -> (6 * O, I, 3, 1): a kernel for each product, as a grouped convolution takes them."""
    kernel = weight.new_empty(POINTS, *weight.shape[:3])
    for point, factors in zip(kernel, KERNEL, strict=True):
        columns = zip(weight.unbind(-1), factors, strict=True)
        point.copy_(sum(column.double() * factor for column, factor in columns))
    return kernel.flatten(0, 1).unsqueeze(-1)


def transformed_bias(bias: Tensor) -> Tensor:
    """(O) -> (6 * O)."""
    per_point = bias.new_zeros(POINTS, bias.numel())
    per_point[_POINT_AT_ONE] = bias
    return per_point.flatten()


def transformed_input(x: Tensor) -> Tensor:
    """(B, I, H, W) -> (B, 6 * I, H, T), both in channels_last."""
    batch, channels, height, width = x.shape
    tiles = tiles_in(width)
    rows = functional.pad(x.permute(0, 2, 3, 1), (0, 0, 1, TILE * tiles + 1 - width))
    image, row, column, channel = rows.stride()
    overlapping = rows.as_strided(
        (batch, height, tiles, POINTS, channels), (image, row, TILE * column, column, channel)
    ).reshape(-1, POINTS, channels)
    matrix = x.new_tensor(INPUTS).expand(len(overlapping), -1, -1)
    products = torch.bmm(matrix, overlapping)
    return products.view(batch, height, tiles, POINTS * channels).permute(0, 3, 1, 2)


def transformed_back(products: Tensor, width: int) -> Tensor:
    """(B, 6 * O, H, T) -> (B, O, H, W), both in channels_last."""
    batch, channels, height, tiles = products.shape
    per_tile = products.permute(0, 2, 3, 1).reshape(batch * height * tiles, POINTS, -1)
    matrix = products.new_tensor(OUTPUTS).expand(len(per_tile), -1, -1)
    rows = torch.bmm(matrix, per_tile).view(batch, height, TILE * tiles, channels // POINTS)
    return rows[:, :, :width].permute(0, 3, 1, 2)
