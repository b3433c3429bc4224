"""A detector's prediction for one image: the detections, and all candidates that they were chosen from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.mapping import ToImage
from headlab.detect.sources import Source


@dataclass(frozen=True)
class Prediction:
    """One image's detections and candidates, the same for every family of heads.

    Attributes:
        source: the image, or the video that it is a frame of.
        image_bgr: uint8, shape (H, W, 3).
        input_hw_px: the network's input size for this image.
        result: the detections as ultralytics' `Results`, in image pixels.
        flat: the detections' flat indices, int64, shape (M,), in the order of `result`.
        kept: the detections in input pixels, a float32 tensor of shape (M, 6 + extra): x1, y1, x2, y2
            (OBB: x, y, w, h), score, class, …; the angle of OBB comes last.
        candidates: the decoded predictions before NMS, a float32 tensor of shape (4 + C + extra, N):
            x, y, w, h in input pixels (x1, y1, x2, y2 if `corners`), then the class scores.
        corners: whether the candidates' boxes are given by corners, as those of end-to-end heads are.
        class_count: C.
        to_image: maps boxes from pixels of the input to pixels of the image.
    """

    source: Source
    image_bgr: NDArray[np.uint8]
    input_hw_px: tuple[int, int]
    result: Any
    flat: NDArray[np.int64]
    kept: Any
    candidates: Any
    corners: bool
    class_count: int
    to_image: ToImage
