"""NMS on one image's candidates, with the flat index of every survivor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.offline import ultralytics

_END_TO_END_ROWS = 6


@dataclass(frozen=True)
class Suppression:
    """What NMS goes by.

    Attributes:
        class_count: C.
        conf: candidates must score above this.
        iou: boxes of one class that overlap more are merged.
        max_det: detections at most.
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

        ultralytics takes predictions of exactly 6 candidates for end-to-end ones, by their shape; a
        seventh that scores nothing keeps it from that.

        Args:
            candidates: x, y, w, h in input pixels, then the class scores, (4 + C + extra, N); they stay
                as they are.

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
            max_time_img=math.inf,  # however busy the machine is, nothing is left out
            return_idxs=True,
        )
        return rows[0], indices[0].view(-1).long().cpu().numpy()
