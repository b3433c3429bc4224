"""Anchors on levels: evenly, by stride, by the boxes' sizes; no level stays empty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.errors import InputError, UnknownName
from headlab.heads.levels import METHODS, Assign, assigned, levels_of


def squares(*sides: float) -> np.ndarray:
    return np.array([[side, side] for side in sides], float)


def test_levels_by_number() -> None:
    assert levels_of(3).names == ("P3", "P4", "P5")
    assert levels_of(3).strides_px == (8, 16, 32)
    assert levels_of(2).names == ("P4", "P5")
    assert levels_of(1).names == ("P5",)
    with pytest.raises(InputError, match="0 levels"):
        levels_of(0)


def test_even_is_what_yolov3_does() -> None:
    found = assigned(squares(*range(10, 100, 10)), levels_of(3), "even")
    assert found.masks == ((6, 7, 8), (3, 4, 5), (0, 1, 2))
    assert found.even


def test_an_uneven_rest_goes_to_the_finest() -> None:
    found = assigned(squares(*range(10, 90, 10)), levels_of(3), "even")
    assert found.masks == ((6, 7), (3, 4, 5), (0, 1, 2))
    assert not found.even


def test_range_goes_by_stride() -> None:
    # P4 begins at 2 * 16 = 32 px, P5 at 2 * 32 = 64 px.
    found = assigned(squares(5, 31, 32, 63, 64, 300), levels_of(3), "range")
    assert found.level_of == (0, 0, 1, 1, 2, 2)


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ((100, 200, 300, 400), (0, 1, 2, 2)),  # all would be on P5
        ((5, 6, 7, 8), (0, 0, 1, 2)),  # all would be on P3
        ((5, 6, 300, 400), (0, 1, 2, 2)),  # none would be on P4; moving either neighbour is as good
    ],
)
def test_range_leaves_no_level_empty(sides: tuple[float, ...], expected: tuple[int, ...]) -> None:
    found = assigned(squares(*sides), levels_of(3), "range")
    assert found.level_of in (expected, (0, 0, 1, 2))
    assert set(found.level_of) == {0, 1, 2}


def test_split_follows_the_boxes() -> None:
    # 50 px lies between the middles of P3 (about 23 px) and P4 (about 45 px), nearer to P4.
    sides = squares(10, 20, 50, 55, 150, 300)
    found = assigned(sides, levels_of(3), "split", served=[9, 9, 9, 9, 9, 9])
    assert found.level_of == (0, 0, 1, 1, 2, 2)


@given(
    st.lists(st.floats(1, 2000), min_size=1, max_size=15),
    st.integers(1, 4),
    st.sampled_from(METHODS),
)
def test_levels_ascend_and_none_is_empty(sides: list[float], count: int, method: Assign) -> None:
    found = assigned(squares(*sorted(sides)), levels_of(count), method)
    assert list(found.level_of) == sorted(found.level_of)
    assert len(found.level_of) == len(sides)
    if len(sides) >= count:
        assert set(found.level_of) == set(range(count))
    else:
        assert "cannot fill" in found.notes[0]


def test_anchors_beyond_a_levels_range_are_named() -> None:
    found = assigned(squares(100, 110, 120), levels_of(3), "even")
    # P3 (stride 8) serves sides up to 64 px; 110 on P4 (16 to 128) and 120 on P5 (32 and more) are fine.
    assert len(found.notes) == 1
    assert found.notes[0].startswith(
        "Anchor 0 (100 px) on P3 (stride 8): this level serves sides of 0 to 64"
    )


def test_an_unknown_method() -> None:
    with pytest.raises(UnknownName, match="way to assign anchors to levels 'evenly'"):
        assigned(squares(1), levels_of(1), "evenly")  # type: ignore[arg-type]
