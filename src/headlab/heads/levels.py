"""Which level of the head each anchor serves.

Levels are listed finest first here, as everywhere in headlab; `masks` lists them coarsest first, as darknet
and keras-yolo3 do. Anchors are ascending by area.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from headlab.errors import InputError, UnknownName

Method = Literal["even", "range", "split"]
METHODS: tuple[str, ...] = get_args(Method)

COARSEST_STRIDE = 32
MOST_LEVELS = 5

SUITS_FROM_STRIDES = 2
"""A level is made for boxes whose side (the square root of the area) is this many of its strides, so that an
object covers 2 x 2 cells, to twice as many; the next level is for larger ones. AlexeyAB's advice for 416 px
is the same: over 60 px for stride 32, over 30 px for stride 16."""

USEFUL_FROM_STRIDES, USEFUL_TO_STRIDES = 1, 8
"""Outside these limits a level serves boxes badly: smaller than a cell, or too large for it to see well."""


@dataclass(frozen=True)
class Levels:
    """A head's levels, finest first.

    Attributes:
        names: such as ("P3", "P4", "P5").
        strides_px: such as (8, 16, 32).
    """

    names: tuple[str, ...]
    strides_px: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    def useful_px(self, level: int) -> tuple[float, float]:
        """The least and the greatest side (square root of the area) of boxes that a level serves well.

        The finest level has no lower limit, the coarsest no upper one.
        """
        stride = self.strides_px[level]
        low = 0.0 if level == 0 else USEFUL_FROM_STRIDES * stride
        high = math.inf if level == len(self) - 1 else USEFUL_TO_STRIDES * stride
        return float(low), float(high)

    @property
    def edges_px(self) -> tuple[float, ...]:
        """The sides from which on the next level is the better one."""
        return tuple(float(SUITS_FROM_STRIDES * stride) for stride in self.strides_px[1:])


def levels_of(count: int) -> Levels:
    """The levels of a head with that many: the coarsest has stride 32, as in YOLOv3 and YOLOv3-tiny.

    Raises:
        InputError: no head has that many.
    """
    if not 1 <= count <= MOST_LEVELS:
        raise InputError(
            f"{count} levels are out of range.", f"Give 1 to {MOST_LEVELS}; YOLOv3 has 3, tiny 2."
        )
    strides = tuple(COARSEST_STRIDE >> above for above in range(count - 1, -1, -1))
    return Levels(tuple(f"P{stride.bit_length() - 1}" for stride in strides), strides)


@dataclass(frozen=True)
class Assignment:
    """Which level each anchor serves.

    Attributes:
        levels: of the head, finest first.
        level_of: for each anchor, the number of its level in `levels`.
        method: how they were assigned.
        notes: sentences on anchors that suit their level badly.
    """

    levels: Levels
    level_of: tuple[int, ...]
    method: str
    notes: tuple[str, ...]

    @property
    def masks(self) -> tuple[tuple[int, ...], ...]:
        """For each level, coarsest first, the numbers of its anchors."""
        return tuple(
            tuple(anchor for anchor, own in enumerate(self.level_of) if own == level)
            for level in range(len(self.levels) - 1, -1, -1)
        )

    @property
    def even(self) -> bool:
        """Whether every level has the same number of anchors, as keras-yolo3 needs it."""
        return len({len(mask) for mask in self.masks}) == 1


def assigned(
    anchors_wh: npt.NDArray[np.float64],
    levels: Levels,
    method: str = "even",
    served: Sequence[int] | None = None,
) -> Assignment:
    """Assign anchors to levels; no level stays empty if there are enough anchors.

    Args:
        anchors_wh: (K, 2) in input pixels, ascending by area.
        levels: of the head.
        method: "even" gives each level the same number, as keras-yolo3 and the official .cfg files do (the
            finest levels get one more if that leaves a remainder); "range" compares each anchor's side with
            the levels' strides; "split" divides the sorted anchors so that the boxes they serve are closest
            to the sizes that their levels are made for.
        served: how many boxes each anchor serves, for "split"; None counts each anchor once.

    Raises:
        UnknownName: there is no such method.
    """
    if method not in METHODS:
        raise UnknownName("level method", method, METHODS)
    sides = np.sqrt(anchors_wh[:, 0] * anchors_wh[:, 1])
    if len(sides) < len(levels):
        level_of = _nearest(sides, levels)
        short = (
            f"{len(sides)} {'anchor' if len(sides) == 1 else 'anchors'} cannot fill {len(levels)} levels: "
            "some levels have none. "
            "Fit more anchors, or use a head with fewer levels."
        )
        return Assignment(levels, level_of, method, (short, *unsuited(sides, level_of, levels)))
    if method == "even":
        parts = np.array_split(np.arange(len(sides)), len(levels))
        level_of = tuple(level for level, part in enumerate(parts) for _ in part)
    elif method == "range":
        level_of = _filled(_nearest(sides, levels), len(levels))
    else:
        level_of = _split(sides, levels, served)
    return Assignment(levels, level_of, method, unsuited(sides, level_of, levels))


def unsuited(
    sides: npt.NDArray[np.float64], level_of: Sequence[int], levels: Levels
) -> tuple[str, ...]:
    """A sentence for each level some of whose anchors are outside its useful range."""
    notes = []
    for level, name in enumerate(levels.names):
        low, high = levels.useful_px(level)
        outside = [
            anchor
            for anchor, own in enumerate(level_of)
            if own == level and not low <= float(sides[anchor]) <= high
        ]
        if not outside:
            continue
        listed = ", ".join(f"{anchor} ({sides[anchor]:.3g} px)" for anchor in outside)
        limits = f"{low:.0f} px and more" if high == math.inf else f"{low:.0f} to {high:.0f} px"
        numbers = "Anchor" if len(outside) == 1 else "Anchors"
        notes.append(
            f"{numbers} {listed} on {name} (stride {levels.strides_px[level]}): this level serves "
            f"sides of {limits} well (side: the square root of the area)."
        )
    return tuple(notes)


def _nearest(sides: npt.NDArray[np.float64], levels: Levels) -> tuple[int, ...]:
    return tuple(np.searchsorted(levels.edges_px, sides, side="right").tolist())


def _filled(level_of: tuple[int, ...], count: int) -> tuple[int, ...]:
    """The nearest assignment that leaves no level empty: boundaries move as little as needed."""
    starts = [sum(own < level for own in level_of) for level in range(count)]
    for level in range(1, count):
        starts[level] = max(starts[level], starts[level - 1] + 1)
    for level in range(count - 1, 0, -1):
        following = starts[level + 1] if level + 1 < count else len(level_of)
        starts[level] = min(starts[level], following - 1)
    ends = [*starts[1:], len(level_of)]
    return tuple(
        level for level, (a, b) in enumerate(zip(starts, ends, strict=True)) for _ in range(b - a)
    )


def _split(
    sides: npt.NDArray[np.float64], levels: Levels, served: Sequence[int] | None
) -> tuple[int, ...]:
    """The division of the sorted anchors with the least cost, by dynamic programming.

    The cost of an anchor is the squared distance, in doublings, of its side from the middle of its level's
    range (2 to 4 strides), times the boxes that it serves; sizes beyond either end of the head cost nothing.
    """
    middle = [math.sqrt(2) * SUITS_FROM_STRIDES * stride for stride in levels.strides_px]
    distance = np.log2(sides[:, None] / np.array(middle))
    distance[:, 0] = np.maximum(distance[:, 0], 0)
    distance[:, -1] = np.minimum(distance[:, -1], 0) if len(levels) > 1 else 0
    weights = np.ones(len(sides)) if served is None else np.asarray(served, np.float64) + 1e-9
    sums = np.concatenate(
        [np.zeros((1, len(levels))), np.cumsum(distance**2 * weights[:, None], 0)]
    )
    # least[n]: (cost, boundaries) of the first n anchors on the levels so far
    least: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, (0,))}
    for level in range(len(levels)):
        left = len(levels) - 1 - level
        least = {
            end: min(
                (cost + float(sums[end, level] - sums[start, level]), (*bounds, end))
                for start, (cost, bounds) in least.items()
                if start < end
            )
            for end in range(level + 1, len(sides) - left + 1)
        }
    bounds = least[len(sides)][1]
    return tuple(level for level, (a, b) in enumerate(pairwise(bounds)) for _ in range(b - a))
