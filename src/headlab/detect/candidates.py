"""The candidates of one image that score high enough, once for each of their classes that does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headlab.detect.mapping import ToImage
from headlab.detect.prediction import Prediction


@dataclass(frozen=True)
class Candidates:
    """What one forward pass made of one image, as far as it scores above some floor.

    A candidate has a row for each class that scores above the floor. Rows are in the order of the flat index,
    then of the class.

    Attributes:
        flat: the candidate's flat index, int64, (N,).
        class_id: int64, (N,).
        score: float32, (N,).
        boxes_px: as the network gives them, in pixels of its input, float32, (N, 4): x, y, w, h of the centre
            and the sides, or x1, y1, x2, y2 if `corners`.
        corners: whether boxes are given by corners, as those of end-to-end heads are.
        input_hw_px: height and width of the network's input.
        to_image: maps boxes to pixels of the image.
    """

    flat: NDArray[np.int64]
    class_id: NDArray[np.int64]
    score: NDArray[np.float32]
    boxes_px: NDArray[np.float32]
    corners: bool
    input_hw_px: tuple[int, int]
    to_image: ToImage

    @classmethod
    def of(cls, prediction: Prediction, above: float) -> Candidates:
        """The candidates of a prediction, with the classes that score above a floor."""
        scores = prediction.candidates[4 : 4 + prediction.class_count]
        chosen = (scores.amax(0) > above).nonzero().view(-1)
        each_score = scores[:, chosen].T.contiguous().cpu().numpy()
        row, class_id = np.nonzero(each_score > np.float32(above))
        boxes = prediction.candidates[:4, chosen].T.contiguous().cpu().numpy()
        return cls(
            chosen.cpu().numpy()[row],
            class_id,
            each_score[row, class_id],
            boxes[row],
            prediction.corners,
            prediction.input_hw_px,
            prediction.to_image,
        )

    @property
    def boxes_xyxy_px(self) -> NDArray[np.float32]:
        """The boxes as x1, y1, x2, y2 in pixels of the input, in ultralytics' float32 arithmetic, (N, 4)."""
        if self.corners:
            return self.boxes_px
        centre, half = self.boxes_px[:, :2], self.boxes_px[:, 2:] / 2
        return np.concatenate((centre - half, centre + half), axis=1)

    def only(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Candidates:
        """Some of the rows: by a mask, (N,), or by numbers."""
        return replace(
            self,
            flat=self.flat[rows],
            class_id=self.class_id[rows],
            score=self.score[rows],
            boxes_px=self.boxes_px[rows],
        )

    def best_class(self) -> Candidates:
        """Each candidate with its best class only; of equal scores the lower class number."""
        order = np.lexsort((self.class_id, -self.score, self.flat))
        first = np.diff(self.flat[order], prepend=-1) != 0
        best = np.zeros(len(order), np.bool_)
        best[order[first]] = True
        return self.only(best)
