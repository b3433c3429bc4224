"""The plain way to make targets, which is keras-yolo3's: a loop over images, boxes and levels.

The recorded time of that project's own loop (shared/data/golden/timings.json) is for the same work.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def dense_targets(
    boxes: np.ndarray,
    input_hw_px: tuple[int, int],
    anchors_wh_px: Sequence[tuple[float, float]],
    masks: Sequence[Sequence[int]],
    class_count: int,
) -> list[np.ndarray]:
    """(B, T, 5) x1, y1, x2, y2, class, padded with zeros -> (B, H, W, A, 5 + C) by level."""
    boxes = np.array(boxes, np.float32)
    height, width = input_hw_px
    strides = [32 >> level for level in range(len(masks))]
    made = [
        np.zeros(
            (len(boxes), height // stride, width // stride, len(mask), 5 + class_count), np.float32
        )
        for stride, mask in zip(strides, masks, strict=True)
    ]
    corners = boxes[..., :4]
    centres = (corners[..., :2] + corners[..., 2:]) // 2
    sizes = corners[..., 2:] - corners[..., :2]
    inputs = np.array((width, height) * 2)
    fractions = (np.concatenate((centres, sizes), axis=-1) / inputs).astype(np.float32)
    anchors = np.array(anchors_wh_px)[None]
    for image in range(len(boxes)):
        wh = sizes[image][sizes[image][:, 0] > 0]
        if not len(wh):
            continue
        smaller = np.minimum(wh[:, None], anchors)
        both = smaller[..., 0] * smaller[..., 1]
        iou = both / (wh.prod(1)[:, None] + anchors.prod(2) - both)
        for row, best in enumerate(iou.argmax(1)):
            for level, mask in enumerate(masks):
                if best not in mask:
                    continue
                rows, columns = made[level].shape[1:3]
                centre = fractions[image, row, :2].astype(np.float64) * (columns, rows)
                column, line = np.floor(centre).astype(np.int32)
                cell = made[level][image, line, column, list(mask).index(best)]
                cell[:4] = fractions[image, row]
                cell[4] = 1
                cell[5 + boxes[image, row, 4].astype(np.int32)] = 1
    return made
