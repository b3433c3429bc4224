"""Raw outputs of YOLOv3 -> candidates in input pixels, in the flat order of the addresses.

Letters: B batch, A slots per cell, C classes, H W grid, N candidates of all levels.

For a slot with the anchor (anchor_w, anchor_h) in the cell (row, col) of a level, and its raw outputs
t_x, t_y, t_w, t_h, t_o (objectness), t_1 … t_C (classes):

    x = (sigmoid(t_x) + col) * stride        w = anchor_w * exp(t_w)
    y = (sigmoid(t_y) + row) * stride        h = anchor_h * exp(t_h)
    score of class c = sigmoid(t_o) * sigmoid(t_c)

Source: Redmon and Farhadi, "YOLOv3: An Incremental Improvement" (2018), section 2.1 and figure 2, with
the offset of the cell in pixels; keras-yolo3's `yolo_head` computes the same in fractions of the input.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS
from headlab.errors import InputError
from headlab.heads.layout import Level


def decode(outputs: Sequence[Tensor], levels: Sequence[Level]) -> Tensor:
    """Decode the outputs of every level.

    Args:
        outputs: as the network gives them, coarsest level first, each of shape (B, A * (5 + C), H, W).
        levels: the layout's levels, finest first, with their anchors.

    Returns:
        (B, 4 + C, N), float32: x, y, w, h in input pixels, then the class scores. Candidate n is the one
        at `AddressSpace.address(n)`: finest level first, then row, column and slot. The numbers of one
        candidate are contiguous in memory.

    Raises:
        InputError: the outputs do not belong to these levels.
    """
    if len(outputs) != len(levels):
        raise InputError(f"{len(outputs)} outputs were given for {len(levels)} levels.")
    finest_first = reversed(outputs)
    decoded = [_decoded(output, level) for output, level in zip(finest_first, levels, strict=True)]
    return torch.cat(decoded, dim=1).transpose(1, 2)


def _decoded(output: Tensor, level: Level) -> Tensor:
    """One level's candidates, (B, H * W * A, 4 + C)."""
    batch, channels, height, width = output.shape
    per_slot, rest = divmod(channels, level.slots)
    if rest or per_slot <= BOX_NUMBERS or len(level.anchors_wh_px) != level.slots:
        raise InputError(
            f"{level.name}: {channels} channels do not fit {level.slots} slots with "
            f"{len(level.anchors_wh_px)} anchors.",
            "A * (5 + C) channels were expected: tx, ty, tw, th, objectness and C classes per slot.",
        )
    raw = output.float().permute(0, 2, 3, 1).reshape(batch, height, width, level.slots, per_slot)
    cells = torch.stack(
        torch.meshgrid(
            torch.arange(width, device=raw.device, dtype=raw.dtype),
            torch.arange(height, device=raw.device, dtype=raw.dtype),
            indexing="xy",
        ),
        dim=-1,
    ).view(height, width, 1, 2)
    xy = (raw[..., :2].sigmoid() + cells) * level.stride_px
    wh = raw[..., 2:4].exp() * raw.new_tensor(level.anchors_wh_px)
    scores = raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
    candidates = torch.cat((xy, wh, scores), dim=-1)
    return candidates.view(batch, -1, per_slot - 1)
