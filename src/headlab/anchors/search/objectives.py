"""What a fit maximises: the worth of an overlap, as a whole number.

Whole numbers (in float64) have exact weighted sums, so that the same boxes and the same seed give the same
anchors on every machine, in whatever order it adds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from headlab.errors import UnknownName

Objective = Literal["iou", "recall"]
Worth: TypeAlias = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]

OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
RECALL_AT = 0.5

_UNIT = 2.0**20
_SHARE_OF_IOU = 1 / 16


def worth_of(objective: Objective) -> Worth:
    """The function from overlaps (any shape) to their worths.

    "iou" is the overlap itself. "recall" is 1 for an overlap of at least 0.5, plus a sixteenth of the
    overlap, which ranks sets of equal recall and guides the search where recall is flat.

    Raises:
        UnknownName: there is no such objective.
    """
    if objective not in OBJECTIVES:
        raise UnknownName("objective", objective, OBJECTIVES)
    return _iou if objective == "iou" else _recall


def _iou(overlap: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.rint(overlap * _UNIT)


def _recall(overlap: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.rint(overlap * (_UNIT * _SHARE_OF_IOU)) + np.where(overlap >= RECALL_AT, _UNIT, 0.0)
