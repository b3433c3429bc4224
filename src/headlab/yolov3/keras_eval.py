"""How keras-yolo3 turns raw outputs into detections: its mapping of boxes to the image, and its NMS.

headlab's own detections map boxes exactly (`headlab.yolov3.letterbox`) and are chosen as in ultralytics. Use
this module to compare with results of keras-yolo3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import nms

from headlab.heads.layout import Level
from headlab.yolov3.decode import decode

MOST_PER_CLASS = 20


class KerasDetections(NamedTuple):
    """M detections, grouped by class, the best scores first within a class.

    Attributes:
        boxes_xyxy_px: in image pixels, not clipped, float32, shape (M, 4).
        scores: float32, shape (M,).
        class_ids: int64, shape (M,).
    """

    boxes_xyxy_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]


def correct_boxes(
    boxes_xywh: Tensor, input_hw_px: tuple[int, int], image_hw_px: tuple[int, int]
) -> Tensor:
    """keras-yolo3's `yolo_correct_boxes`: fractions of the input -> pixels of the image.

    It rounds the size of the resized image and halves the padding, while its own letterboxing truncates and
    pads by whole pixels; boxes are therefore up to one pixel of the input off.

    Args:
        boxes_xywh: centre and size in fractions of the input's width and height, (…, 4).
        input_hw_px: the input's height and width.
        image_hw_px: the image's height and width.

    Returns:
        (…, 4): x1, y1, x2, y2 in image pixels, not clipped.
    """
    input_wh = boxes_xywh.new_tensor(input_hw_px[::-1])
    image_wh = boxes_xywh.new_tensor(image_hw_px[::-1])
    resized_wh = (image_wh * (input_wh / image_wh).min()).round()
    offset = (input_wh - resized_wh) / 2 / input_wh
    scale = input_wh / resized_wh
    centre = (boxes_xywh[..., :2] - offset) * scale
    half = boxes_xywh[..., 2:] * scale / 2
    return torch.cat(((centre - half) * image_wh, (centre + half) * image_wh), dim=-1)


def keras_eval(
    outputs: Sequence[Tensor],
    levels: Sequence[Level],
    image_hw_px: tuple[int, int],
    *,
    score_threshold: float = 0.6,
    iou_threshold: float = 0.5,
    most_per_class: int = MOST_PER_CLASS,
) -> KerasDetections:
    """keras-yolo3's `yolo_eval` on the outputs for one image.

    A candidate counts for every class whose score reaches the threshold. In each class by itself, NMS drops
    what overlaps a better box by more than `iou_threshold`, and the best `most_per_class` are kept.

    Args:
        outputs: raw outputs, coarsest level first, each (1, A * (5 + C), H, W).
        levels: the layout's levels, finest first.
        image_hw_px: the image's height and width.
        score_threshold: the function's default; yolo.py uses 0.3.
        iou_threshold: the function's default; yolo.py uses 0.45.
        most_per_class: the most detections per class.

    Raises:
        InputError: the outputs do not belong to these levels.
    """
    candidates = decode(outputs, levels)[0].T
    stride = levels[-1].stride_px
    height, width = (side * stride for side in outputs[0].shape[2:])
    fractions = candidates[:, :4] / candidates.new_tensor((width, height, width, height))
    boxes = correct_boxes(fractions, (height, width), image_hw_px)
    chosen: list[tuple[Tensor, Tensor, Tensor]] = []
    for class_id, scores in enumerate(candidates[:, 4:].T):
        above = (scores >= score_threshold).nonzero().view(-1)
        best = above[nms(boxes[above], scores[above], iou_threshold)[:most_per_class]]
        chosen.append((boxes[best], scores[best], torch.full_like(best, class_id)))
    kept_boxes, kept_scores, class_ids = (
        torch.cat(parts).cpu().numpy() for parts in zip(*chosen, strict=True)
    )
    return KerasDetections(kept_boxes, kept_scores, class_ids)
