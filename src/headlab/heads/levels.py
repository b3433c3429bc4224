"""Which level of the head each anchor serves.

Levels are listed finest first, as everywhere in headlab; only `masks` lists them coarsest first, as darknet
and keras-yolo3 do. Anchors are in ascending order of area.
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
from headlab.plain_text import counted

Assign = Literal["even", "range", "split"]
METHODS: tuple[Assign, ...] = get_args(Assign)

COARSEST_STRIDE = 32
MOST_LEVELS = 5

SUITS_FROM_STRIDES = 2
"""A level is made for boxes whose side (the root of the area) is at least this many of its strides, so that
an object covers 2 x 2 cells, and at most twice as many; larger ones are for the next level. AlexeyAB gives
the same advice for 416 px: over 60 px for stride 32, over 30 px for stride 16."""

USEFUL_FROM_STRIDES, USEFUL_TO_STRIDES = 1, 8
"""Outside these limits a level serves boxes badly: smaller than one cell, or larger than it sees well."""


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
        """The range of sides (roots of areas) that a level serves well; the head's ends have no limit."""
        stride = self.strides_px[level]
        low = 0.0 if level == 0 else USEFUL_FROM_STRIDES * stride
        high = math.inf if level == len(self) - 1 else USEFUL_TO_STRIDES * stride
        return float(low), float(high)

    @property
    def edges_px(self) -> tuple[float, ...]:
        """The sides from which on the next level is the better one."""
        return tuple(float(SUITS_FROM_STRIDES * stride) for stride in self.strides_px[1:])


def levels_of(count: int) -> Levels:
    """The levels of a head with this many: the coarsest has stride 32, as in YOLOv3 and its tiny version.

    Raises:
        InputError: no head has this many.
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
        levels: the head's levels, finest first.
        level_of: for each anchor, the number of its level in `levels`.
        method: how they were shared out.
        notes: a sentence for each level with anchors that do not suit it.
    """

    levels: Levels
    level_of: tuple[int, ...]
    method: str
    notes: tuple[str, ...]

    @property
    def masks(self) -> tuple[tuple[int, ...], ...]:
        """For each level, coarsest first, the numbers of its anchors."""
        return tuple(
            tuple(anchor for anchor, its_level in enumerate(self.level_of) if its_level == level)
            for level in range(len(self.levels) - 1, -1, -1)
        )

    @property
    def even(self) -> bool:
        """Every level has the same number of anchors, as keras-yolo3 requires."""
        return len({len(mask) for mask in self.masks}) == 1


def assigned(
    anchors_wh: npt.NDArray[np.float64],
    levels: Levels,
    method: Assign = "even",
    served: Sequence[int] | None = None,
) -> Assignment:
    """Share anchors out among levels; no level stays empty if there are enough anchors.

    Args:
        anchors_wh: (K, 2) in input pixels, in ascending order of area.
        levels: the head's levels.
        method: "even" gives each level the same number, as keras-yolo3 and the stock .cfg files do (the
            finest levels get one more where the division leaves a remainder); "range" goes by each anchor's
            side and the levels' strides; "split" divides the sorted anchors so that the boxes that they
            serve are closest to their levels' sizes.
        served: how many boxes each anchor serves, for "split"; None counts each anchor once.

    Raises:
        UnknownName: there is no such method.
    """
    if method not in METHODS:
        raise UnknownName("way to assign anchors to levels", method, METHODS)
    sides = np.sqrt(anchors_wh[:, 0] * anchors_wh[:, 1])
    if len(sides) < len(levels):
        level_of = _nearest(sides, levels)
        short = (
            f"{counted(len(sides), 'anchor')} cannot fill {len(levels)} levels: some levels have none. "
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


SLACK = 1.25
"""Sides outside the limits by no more than this factor are not worth a word: the limits are rough."""


def unsuited(
    sides: npt.NDArray[np.float64], level_of: Sequence[int], levels: Levels
) -> tuple[str, ...]:
    """A sentence for each level with anchors far outside the range of sides that it serves well."""
    notes = []
    for level, name in enumerate(levels.names):
        low, high = levels.useful_px(level)
        outside = [
            anchor
            for anchor, its_level in enumerate(level_of)
            if its_level == level and not low / SLACK <= float(sides[anchor]) <= high * SLACK
        ]
        if not outside:
            continue
        listed = ", ".join(f"{anchor} ({sides[anchor]:.3g} px)" for anchor in outside)
        limits = f"{low:.0f} px and more" if high == math.inf else f"{low:.0f} to {high:.0f} px"
        numbers = "Anchor" if len(outside) == 1 else "Anchors"
        notes.append(
            f"{numbers} {listed} on {name} (stride {levels.strides_px[level]}): this level serves "
            f"sides of {limits} well (a side is the root of the area)."
        )
    return tuple(notes)


def _nearest(sides: npt.NDArray[np.float64], levels: Levels) -> tuple[int, ...]:
    return tuple(np.searchsorted(levels.edges_px, sides, side="right").tolist())


def _filled(level_of: tuple[int, ...], count: int) -> tuple[int, ...]:
    """The closest assignment without an empty level: boundaries move as little as possible."""
    starts = [sum(its_level < level for its_level in level_of) for level in range(count)]
    for level in range(1, count):
        starts[level] = max(starts[level], starts[level - 1] + 1)
    for level in range(count - 1, 0, -1):
        following = starts[level + 1] if level + 1 < count else len(level_of)
        starts[level] = min(starts[level], following - 1)
    ends = [*starts[1:], len(level_of)]
    return tuple(
        level
        for level, (start, end) in enumerate(zip(starts, ends, strict=True))
        for _ in range(end - start)
    )


def _split(
    sides: npt.NDArray[np.float64], levels: Levels, served: Sequence[int] | None
) -> tuple[int, ...]:
    """The division of the sorted anchors with the least cost, by dynamic programming.

    It is the distance of an anchor's side from the middle of its level's range (2 to 4 strides), in
    doublings, counted for each box that the anchor serves. Sizes beyond either end of the head cost nothing.
    """
    middle = [math.sqrt(2) * SUITS_FROM_STRIDES * stride for stride in levels.strides_px]
    distance = np.log2(sides[:, None] / np.array(middle))
    distance[:, 0] = np.maximum(distance[:, 0], 0)
    distance[:, -1] = np.minimum(distance[:, -1], 0) if len(levels) > 1 else 0
    weight = np.ones(len(sides)) if served is None else np.asarray(served, np.float64) + 1e-9
    sums = np.concatenate([np.zeros((1, len(levels))), np.cumsum(distance**2 * weight[:, None], 0)])
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
    return tuple(
        level for level, (start, end) in enumerate(pairwise(bounds)) for _ in range(end - start)
    )
