"""The class-shift inference: from the change of a detection's class to the level, or the slot, it came from.

Where every level's class rows were shifted by an amount of its own, a change of the class by k points to
the level that was shifted by k; where every slot's were, to the slot as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from headlab.heads.layout import Layout


class ShiftInference:
    """What the class changes point to.

    Args:
        layout: of the first model.
        shifts: the cyclic shift of class rows by level ("P5") or place ("P5/2"), 0 where none is given.

    Raises:
        InputError: the head has no such level or slot.
    """

    def __init__(self, layout: Layout, shifts: Mapping[str, int]) -> None:
        self._layout = layout
        self._count = len(layout.class_names)
        self._by_place = dict.fromkeys(layout.places, 0)
        for name, by in shifts.items():
            self._by_place.update(dict.fromkeys(layout.places_of(name), by % self._count))

    @cached_property
    def tells_slots(self) -> bool:
        """Whether the slots of some level were shifted differently, so that slots can be inferred."""
        pairs = {(place.level, by) for place, by in self._by_place.items()}
        return len(pairs) > len(self._layout.levels)

    def columns(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A pair's `inferred_level`, `inferred_slot` and `agrees`; see `Comparison`."""
        if row["kind"] in ("lost", "new"):
            return {"inferred_level": None, "inferred_slot": None, "agrees": None}
        change = (row["after_class_id"] - row["before_class_id"]) % self._count
        places = [place for place, by in self._by_place.items() if by == change]
        levels = list(dict.fromkeys(self._layout.levels[place.level].name for place in places))
        agrees = levels == [row["before_level"]]
        slot = None
        if self.tells_slots:
            slot = places[0].slot if len(places) == 1 else None
            agrees = agrees and slot == row["before_slot"]
        return {
            "inferred_level": "/".join(levels) or None,
            "inferred_slot": slot,
            "agrees": agrees,
        }
