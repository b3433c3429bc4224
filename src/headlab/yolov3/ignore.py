"""Which candidates overlap a truth so well that they are not penalised as background.

Letters: B batch, A slots per cell, H W grid, N candidates of a level of one image (H * W * A), K truths.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headlab.yolov3.targets.places import Grid

PAIRS_AT_ONCE = 1 << 18
"""How many pairs of a truth and a candidate are compared at once: what fits into a processor's cache."""


def ignored(raw: Tensor, grid: Grid, truths: Tensor, image: Tensor, threshold: float) -> Tensor:
    """The candidates of a level whose best IoU with a truth of their image reaches a threshold.

    Args:
        raw: raw outputs without a gradient, (B, H, W, A, 4 or more), float32 or float64.
        grid: the level.
        truths: x, y, w, h as fractions of the input, (K, 4).
        image: the image of each truth, (K,).
        threshold: the least IoU at which a candidate is ignored.

    Returns:
        bool, (B, H, W, A).

    Source: Redmon and Farhadi, "YOLOv3: An Incremental Improvement" (2018), section 2.1.
    """
    batch = len(raw)
    found = torch.zeros(batch, grid.candidates, dtype=torch.bool, device=raw.device)
    low_x, low_y, high_x, high_y = _corners(raw, grid)
    area = (high_x - low_x) * (high_y - low_y)
    for some in torch.arange(len(truths), device=raw.device).split(
        max(1, PAIRS_AT_ONCE // grid.candidates)
    ):
        of = image[some]
        x, y, width, height = truths[some].to(raw.dtype)[:, :, None].unbind(1)
        across = torch.minimum(high_x[of], x + width / 2).sub_(
            torch.maximum(low_x[of], x - width / 2)
        )
        down = torch.minimum(high_y[of], y + height / 2).sub_(
            torch.maximum(low_y[of], y - height / 2)
        )
        both = across.clamp_(min=0).mul_(down.clamp_(min=0))
        union = area[of].add_(width * height).sub_(both)
        pair, candidate = (both.div_(union) >= threshold).nonzero().unbind(1)
        found[of[pair], candidate] = True
    return found.view(raw.shape[:-1])


def _corners(raw: Tensor, grid: Grid) -> tuple[Tensor, ...]:
    """x1, y1, x2, y2 of the decoded boxes as fractions of the input, (B, N) each."""
    kind = {"device": raw.device, "dtype": raw.dtype}
    anchors = torch.tensor(grid.anchors_wh_px, **kind) / grid.stride_px
    sides = []
    for axis, cells in enumerate((grid.width, grid.height)):
        at = torch.arange(cells, **kind)
        at = at[:, None] if axis == 0 else at[:, None, None]
        centre = raw[..., axis].sigmoid().add_(at).div_(cells)
        half = raw[..., 2 + axis].exp().mul_(anchors[:, axis]).div_(2 * cells)
        sides.append((centre - half, centre + half))
    (low_x, high_x), (low_y, high_y) = sides
    return tuple(side.reshape(len(raw), -1) for side in (low_x, low_y, high_x, high_y))
