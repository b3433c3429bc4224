"""Shifts and detections by place: a level, or a slot of a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlab.errors import InputError
from headlab.heads.layout import Layout, Place

if TYPE_CHECKING:
    from headlab.trace.trace import Trace


def shifts_by_place(layout: Layout) -> dict[str, int]:
    """A different shift for every place, 0 for the first; by level where there are too few classes.

    Raises:
        InputError: there are fewer classes than levels.
    """
    places = [layout.place_name(place) for place in layout.places]
    for names in (places, list(layout.level_names)):
        if len(names) <= len(layout.class_names):
            return {name: by for by, name in enumerate(names)}
    raise InputError(
        f"The model has {len(layout.class_names)} class(es) on {len(layout.levels)} levels; the demo shifts "
        "each level by a number of its own.",
        f"Give a model with at least {len(layout.levels)} classes.",
    )


def shift_words(shifts: dict[str, int]) -> str:
    """Such as "P4 by 1, P5 by 2"."""
    return ", ".join(f"{name} by {by}" for name, by in shifts.items() if by)


def classes_by_place(before: Trace) -> list[tuple[str, dict[str, int]]]:
    """How many detections of each class come from each place, in the order of the class numbers."""
    layout = before.layout
    names = [layout.place_name(place) for place in layout.places]
    table: dict[int, dict[str, int]] = {}
    for row in before.detections.select("class_id", "level", "slot").iter_rows(named=True):
        place = Place(layout.level_index(row["level"]), row["slot"])
        table.setdefault(row["class_id"], dict.fromkeys(names, 0))[layout.place_name(place)] += 1
    return [(layout.class_names[number], table[number]) for number in sorted(table)]
