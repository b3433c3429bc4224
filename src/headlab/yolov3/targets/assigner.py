"""Make targets from the boxes of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from headlab.checkpoint.yolov3.description import Description
from headlab.errors import InputError
from headlab.yolov3.targets.keras import assign_like_keras_yolo3
from headlab.yolov3.targets.nearest import Allowed, assign_nearest, shared
from headlab.yolov3.targets.places import Places
from headlab.yolov3.targets.result import Targets
from headlab.yolov3.targets.truths import truth_rows

Compat = Literal["keras-yolo3"]


class Assigner:
    """Makes targets for one model, at any input size.

    Args:
        description: the model: its anchors, masks and classes.
        compat: "keras-yolo3" for the targets of that project, quirks included
            (`headlab.yolov3.targets.keras`); by default no truth is lost silently
            (`headlab.yolov3.targets.nearest`).
        allowed: which place may serve which class; by default every place may serve every class.

    Raises:
        InputError: `compat` is unknown, or `allowed` is given as well.
    """

    def __init__(
        self, description: Description, *, compat: Compat | None = None, allowed: Allowed = shared
    ) -> None:
        if compat not in (None, "keras-yolo3"):
            raise InputError(f"compat={compat!r} is unknown.", 'Give "keras-yolo3", or None.')
        if compat and allowed is not shared:
            raise InputError(
                f"compat={compat!r} chooses slots in its own way, but `allowed` was given as well.",
                "Leave one of them out.",
            )
        self.description = description
        self.compat = compat
        self.allowed = allowed
        self._places: dict[tuple[int, int], Places] = {}

    def places(self, input_hw_px: tuple[int, int]) -> Places:
        """The model's places at an input size.

        Raises:
            InputError: height or width is not a multiple of the largest stride.
        """
        if input_hw_px not in self._places:
            self._places[input_hw_px] = Places.of(self.description, input_hw_px)
        return self._places[input_hw_px]

    def __call__(self, boxes: Tensor | Sequence[Tensor], input_hw_px: tuple[int, int]) -> Targets:
        """Make the targets of a batch.

        Args:
            boxes: x1, y1, x2, y2 in input pixels and the class number: (B, T, 5), padded with rows of
                zeros, or a list of (T, 5), one for each image.
            input_hw_px: the input's height and width.

        Raises:
            InputError: the boxes do not have the shape of a batch, or one of them cannot be used.
        """
        places, rows = self.places(input_hw_px), truth_rows(boxes)
        if self.compat:
            return assign_like_keras_yolo3(rows, places)
        return assign_nearest(rows, places, self.allowed)
