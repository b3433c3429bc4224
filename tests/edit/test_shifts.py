"""The shifts of a recipe by level, or by place where the slots of a level differ."""

from __future__ import annotations

import pytest
from edit_layouts import layout_of

from headlab.edit.operations import Operation, Shift, Suppress
from headlab.edit.shifts import shifts_of
from headlab.errors import RecipeError
from headlab.heads.layout import Layout

SLOTTED = layout_of(levels=2, slots=2)


@pytest.mark.parametrize(
    ("layout", "operations", "expected"),
    [
        (layout_of(), [Shift(levels="p4", by=1)], {"P3": 0, "P4": 1, "P5": 0}),
        (layout_of(), [Shift(levels="P5/0", by=1)], {"P3": 0, "P4": 0, "P5": 1}),
        (SLOTTED, [Shift(by=2)], {"P3": 2, "P4": 2}),
        (SLOTTED, [Shift(levels="P4", by=-1)], {"P3": 0, "P4": -1}),
        (SLOTTED, [Shift(levels=("P4/0", "P4/1"), by=1)], {"P3": 0, "P4": 1}),
        (
            SLOTTED,
            [Shift(levels="P4/1", by=3), Shift(levels="P3", by=1)],
            {"P3/0": 1, "P3/1": 1, "P4/0": 0, "P4/1": 3},
        ),
    ],
)
def test_shifts_by_name(
    layout: Layout, operations: list[Operation], expected: dict[str, int]
) -> None:
    assert shifts_of(layout, operations) == expected


def test_other_operations_make_it_no_shift() -> None:
    operations = [Shift(levels="P4/1", by=3), Suppress(levels="P3/0")]
    assert shifts_of(SLOTTED, operations) is None
    with pytest.raises(RecipeError, match="more than shifts: suppress all classes at P3/0"):
        shifts_of(SLOTTED, operations, required=True)
