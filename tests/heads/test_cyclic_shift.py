"""A cyclic shift of class rows is recognised."""

from __future__ import annotations

import pytest

from headlab.heads.cyclic_shift import shift_of


@pytest.mark.parametrize(
    ("sources", "by"),
    [
        ((3, 0, 1, 2), 1),
        ((1, 2, 3, 0), -1),
        ((2, 3, 0, 1), 2),
        ((0, 1, 2, 3), None),
        ((1, 0, 2, 3), None),
        ((3, 0, None, 2), None),
        ((None, 0, 1, 2), None),
        ((0,), None),
        ((), None),
    ],
)
def test_shift_of(sources: tuple[int | None, ...], by: int | None) -> None:
    assert shift_of(sources) == by
