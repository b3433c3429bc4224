"""NMS on one image's candidates, with the flat index of every survivor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.extras import ultralytics

_END_TO_END_ROWS = 6


@dataclass(frozen=True)
class Suppression:
    """Non-maximum suppression with fixed settings.

    Attributes:
        class_count: C.
        conf: candidates must score above this.
        iou: boxes of one class that overlap more are merged.
        max_det: the most detections per image.
        classes: class numbers to detect; None means all.
        agnostic: merge across classes.
        multi_label: a candidate counts for every class that scores above `conf`, not for its best only.
    """

    class_count: int
    conf: float
    iou: float
    max_det: int
    classes: tuple[int, ...] | None = None
    agnostic: bool = False
    multi_label: bool = False

    def __call__(self, candidates: Any) -> tuple[Any, NDArray[np.int64]]:
        """Merge candidates as ultralytics does.

        ultralytics mistakes predictions of exactly 6 candidates for those of an end-to-end head, by their
        shape; a seventh with score 0 prevents that.

        Args:
            candidates: x, y, w, h in input pixels, then the class scores, (4 + C + extra, N); they
                are not changed.

        Returns:
            the survivors, best first: x1, y1, x2, y2, score, class, extra, (M, 6 + extra), and their
            indices among the candidates, (M,).
        """
        import torch

        if candidates.shape[-1] == _END_TO_END_ROWS:
            candidates = torch.cat((candidates, torch.zeros_like(candidates[..., :1])), dim=-1)
        rows, indices = ultralytics("utils.nms").non_max_suppression(
            candidates[None],
            self.conf,
            self.iou,
            classes=list(self.classes) if self.classes is not None else None,
            agnostic=self.agnostic,
            multi_label=self.multi_label,
            max_det=self.max_det,
            nc=self.class_count,
            max_time_img=math.inf,  # or a busy machine would leave candidates out
            return_idxs=True,
        )
        return rows[0], indices[0].view(-1).long().cpu().numpy()
