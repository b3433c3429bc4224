"""Anchors as a model uses them: their sizes, and which of them each level has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headlab.errors import InputError
from headlab.heads.detection import Resize
from headlab.heads.levels import Levels, assigned, levels_of

KERAS_TINY_MASKS = ((3, 4, 5), (1, 2, 3))
"""The masks of keras-yolo3 for the tiny network: anchor 0 is unused, anchor 3 used twice."""

TINY_MASKS = ((3, 4, 5), (0, 1, 2))
"""The masks of the tiny network in headlab's training and in darknet's yolov3-tiny.cfg."""


@dataclass(frozen=True)
class AnchorSet:
    """Anchors and the levels that they serve.

    Attributes:
        wh: widths and heights (K, 2), in the order of their file.
        levels: the head's levels, finest first.
        by_level: for each level, finest first, the numbers of its anchors, slot by slot.
        source: the file, for messages; empty if there is none.
        input_hw: height and width of the network's input, if the file says so, else None.
        resize: how photos are brought to it, if the file says so, else None.
        masks_said: the file says which anchor serves which level; an anchors.txt does not.
    """

    wh: npt.NDArray[np.float64]
    levels: Levels
    by_level: tuple[tuple[int, ...], ...]
    source: str = ""
    input_hw: tuple[int, int] | None = None
    resize: Resize | None = None
    masks_said: bool = True

    def __len__(self) -> int:
        return len(self.wh)

    @property
    def masks(self) -> tuple[tuple[int, ...], ...]:
        """For each level, coarsest first, the numbers of its anchors, as in a darknet .cfg."""
        return self.by_level[::-1]

    @property
    def sides(self) -> npt.NDArray[np.float64]:
        """The square root of each anchor's area (K,)."""
        return np.asarray(np.sqrt(self.wh[:, 0] * self.wh[:, 1]), np.float64)

    def check_pixels(self) -> None:
        """Refuse anchors that are shares of the input: taken as pixels, their boxes would be 0 x 0.

        Raises:
            InputError: no side is above 1.
        """
        largest = float(self.wh.max())
        if largest <= 1:
            raise InputError(
                f"{_in(self.source)}the largest side is {largest:g}: these are shares of the input, where "
                "pixels were expected.",
                "Multiply the widths by the input's width and the heights by its height, such as 416.",
            )

    def levels_with(self, anchor: int) -> tuple[int, ...]:
        """The numbers of the levels that have an anchor, finest first; usually one."""
        return tuple(level for level, numbers in enumerate(self.by_level) if anchor in numbers)


def anchor_set(
    wh: npt.ArrayLike,
    masks: Sequence[Sequence[int]] | None = None,
    *,
    strides_px: Sequence[int] | None = None,
    source: str = "",
    input_hw: tuple[int, int] | None = None,
    resize: Resize | None = None,
) -> AnchorSet:
    """Anchors from numbers.

    Args:
        wh: widths and heights (K, 2), or 2 K numbers in a row.
        masks: for each level, coarsest first, the numbers of its anchors. None does as headlab's training:
            six anchors get the tiny network's masks; others are shared out evenly among three levels (or as
            many as there are anchors), the smallest on the finest.
        strides_px: the levels' strides in the order of the masks; None: 32, 16, 8, …
        source: the file, for messages.
        input_hw: height and width of the network's input.
        resize: how photos are brought to it.

    Raises:
        InputError: these are not anchors, or a mask names one that does not exist.
    """
    try:
        sides = np.asarray(wh, np.float64).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{_in(source)}the anchors are not pairs of numbers.", _PAIRS) from None
    if not len(sides) or not (np.isfinite(sides) & (sides > 0)).all():
        raise InputError(f"{_in(source)}not all anchors are sizes above 0.", _PAIRS)
    said = masks is not None
    if masks is None:
        masks = _usual_masks(sides)
    numbers = [number for mask in masks for number in mask]
    if not masks or not all(0 <= number < len(sides) for number in numbers):
        raise InputError(
            f"{_in(source)}the masks {[list(mask) for mask in masks]} do not fit {len(sides)} anchors.",
            f"A mask names anchors by their numbers, 0 to {len(sides) - 1}.",
        )
    levels = levels_of(len(masks))
    by_level = tuple(tuple(int(number) for number in mask) for mask in masks)[::-1]
    if strides_px is not None:
        order = sorted(range(len(masks)), key=lambda mask: strides_px[mask])
        strides = tuple(int(strides_px[mask]) for mask in order)
        levels = Levels(tuple(f"P{stride.bit_length() - 1}" for stride in strides), strides)
        by_level = tuple(tuple(int(number) for number in masks[mask]) for mask in order)
    return AnchorSet(sides, levels, by_level, source, input_hw, resize, said)


_PAIRS = "Give widths and heights in pixels of the network's input: 10,13,  16,30,  33,23, …"


def _usual_masks(sides: npt.NDArray[np.float64]) -> tuple[tuple[int, ...], ...]:
    if len(sides) == 6:
        return TINY_MASKS
    return assigned(sides, levels_of(min(3, len(sides))), "even").masks


def _in(source: str) -> str:
    return f"{source}: " if source else "In these anchors, "
