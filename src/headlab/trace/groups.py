"""The groups of candidates whose support is measured: levels, and slots where cells have several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headlab.heads.layout import Layout


@dataclass(frozen=True)
class Groups:
    """Named sets of places; every place belongs to at least one.

    Attributes:
        names: such as "P5", or "P5_2" for its slot 2.
        members: whether a place, by its number in `Layout.places`, belongs to a group; shape (G, places).
    """

    names: tuple[str, ...]
    members: NDArray[np.bool_]


def support_groups(layout: Layout) -> Groups:
    """The levels, finest first; for heads with slots also each slot of each level."""
    place_level = np.array([place.level for place in layout.places])
    members = [place_level == level for level in range(len(layout.levels))]
    names = list(layout.level_names)
    if layout.has_slots:
        members += list(np.eye(len(layout.places), dtype=np.bool_))
        names += [slot_column(layout.place_name(place)) for place in layout.places]
    return Groups(tuple(names), np.stack(members))


def slot_column(place: str) -> str:
    """A place's name as part of a column's name: "P5/2" becomes "P5_2"."""
    return place.replace("/", "_")
