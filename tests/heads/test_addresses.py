"""Flat index and address convert both ways, exactly, in the order in which ultralytics lists its cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headlab.errors import InputError
from headlab.heads.addresses import Address, AddressSpace


def space(
    height: int,
    width: int,
    strides: tuple[int, ...] = (8, 16, 32),
    slots: tuple[int, ...] | None = None,
) -> AddressSpace:
    names = tuple(f"P{stride.bit_length() - 1}" for stride in strides)
    return AddressSpace.of((height, width), strides, slots or (1,) * len(strides), names)


SIZES = [(640, 640), (384, 640), (32, 32), (1280, 1280), (640, 32), (96, 1056)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("slots", [1, 3])
def test_every_index_goes_there_and_back(height: int, width: int, slots: int) -> None:
    of = space(height, width, slots=(slots,) * 3)
    every = of.address_all(np.arange(of.total))
    expected = [
        (level, row, col, slot)
        for level, (rows, cols) in enumerate(of.grids_hw)
        for row in range(rows)
        for col in range(cols)
        for slot in range(slots)
    ]
    assert list(zip(*(part.tolist() for part in every), strict=True)) == expected
    step = max(1, of.total // 500)
    for flat in {*range(0, of.total, step), of.total - 1}:
        assert of.flat(*of.address(flat)) == flat


def test_the_totals_by_hand() -> None:
    # 640 x 640: 80 * 80 + 40 * 40 + 20 * 20 = 6400 + 1600 + 400 = 8400
    assert space(640, 640).offsets == (0, 6400, 8000, 8400)
    # 384 x 640: 48 * 80 + 24 * 40 + 12 * 20 = 3840 + 960 + 240 = 5040
    assert space(384, 640).offsets == (0, 3840, 4800, 5040)
    # 32 x 32: 4 * 4 + 2 * 2 + 1 = 21
    assert space(32, 32).offsets == (0, 16, 20, 21)
    # 416 x 416 with strides 16, 32 and three slots: (26 * 26 + 13 * 13) * 3 = 2028 + 507 = 2535
    assert space(416, 416, (16, 32), (3, 3)).offsets == (0, 2028, 2535)
    # 128 x 128 with strides 4 to 32: 1024 + 256 + 64 + 16 = 1360
    assert space(128, 128, (4, 8, 16, 32)).total == 1360


def test_addresses_by_hand() -> None:
    of = space(384, 640)
    # P4 begins at 3840 and is 40 wide: 3840 + 5 * 40 + 7 = 4047
    assert of.address(4047) == Address(level=1, row=5, col=7, slot=0)
    assert of.flat(1, 5, 7) == 4047
    # P4's cells are 16 px: x from 7 * 16 = 112 to 128, y from 5 * 16 = 80 to 96
    assert of.cell_xyxy_px(of.address(4047)) == (112, 80, 128, 96)
    assert of.count(1) == 24 * 40
    # three slots, 26 wide: (3 * 26 + 4) * 3 + 2 = 248
    assert space(416, 416, (16, 32), (3, 3)).address(248) == Address(0, 3, 4, 2)


@given(
    data=st.data(),
    levels=st.integers(1, 4),
    first=st.integers(1, 4),
    cells_h=st.integers(1, 12),
    cells_w=st.integers(1, 12),
)
def test_any_size_and_slots(
    data: st.DataObject, levels: int, first: int, cells_h: int, cells_w: int
) -> None:
    strides = tuple(2 ** (first + at) for at in range(levels))
    slots = tuple(data.draw(st.integers(1, 9)) for _ in strides)
    of = space(cells_h * strides[-1], cells_w * strides[-1], strides, slots)
    assert of.total == sum(h * w * a for (h, w), a in zip(of.grids_hw, slots, strict=True))
    flat = data.draw(st.integers(0, of.total - 1))
    where = of.address(flat)
    assert of.flat(*where) == flat
    x1, y1, x2, y2 = of.cell_xyxy_px(where)
    assert 0 <= x1 < x2 <= of.input_hw_px[1]
    assert 0 <= y1 < y2 <= of.input_hw_px[0]
    assert x2 - x1 == y2 - y1 == strides[where.level]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("strides", [(16, 32), (8, 16, 32), (4, 8, 16, 32)])
def test_the_order_is_that_of_ultralytics(
    height: int, width: int, strides: tuple[int, ...]
) -> None:
    from ultralytics.utils.tal import make_anchors

    maps = [torch.zeros(1, 1, height // stride, width // stride) for stride in strides]
    centres, stride_px = make_anchors(maps, torch.tensor(strides), 0.5)
    of = space(height, width, strides)
    level, row, col, slot = of.address_all(np.arange(of.total))
    assert np.array_equal(np.array(strides)[level], stride_px.squeeze(1).numpy())
    assert np.array_equal(np.stack([col + 0.5, row + 0.5], 1), centres.numpy())
    assert not slot.any()


@pytest.mark.parametrize(
    ("height", "width", "nearest"),
    [(640, 650, "640 x 640"), (1, 32, "32 x 32"), (0, 64, "32 x 64"), (-32, 100, "32 x 96")],
)
def test_sizes_that_do_not_fit(height: int, width: int, nearest: str) -> None:
    with pytest.raises(InputError) as raised:
        space(height, width)
    assert (
        f"An input of {height} x {width} px (height x width) does not fit this head"
        in raised.value.message
    )
    assert "multiples of 32 px, the stride of P5" in raised.value.message
    assert raised.value.hint == f"The nearest size is {nearest}."


@pytest.mark.parametrize("flat", [-1, 8400, 10**9])
def test_indices_out_of_range(flat: int) -> None:
    with pytest.raises(InputError) as raised:
        space(640, 640).address(flat)
    assert raised.value.message == (
        f"There is no candidate {flat}; an input of 640 x 640 px has 8400."
    )


def test_one_wrong_index_among_many_is_named() -> None:
    with pytest.raises(InputError, match="There is no candidate 21;"):
        space(32, 32).address_all(np.array([0, 20, 21]))
    assert space(32, 32).address_all(np.array([], int)).level.shape == (0,)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ((3, 0, 0), "There is no level 3; the head has 3."),
        ((-1, 0, 0), "There is no level -1; the head has 3."),
        ((1, 24, 0), "P4 has no cell (24, 0) with slot 0."),
        ((1, 0, 40), "P4 has no cell (0, 40) with slot 0."),
        ((1, -1, 0), "P4 has no cell (-1, 0) with slot 0."),
        ((1, 0, 0, 1), "P4 has no cell (0, 0) with slot 1."),
    ],
)
def test_addresses_out_of_range(where: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError) as raised:
        space(384, 640).flat(*where)
    assert raised.value.message == message
    if "P4" in message:
        assert raised.value.hint == "Its grid is 24 x 40 with 1 slot(s) per cell."


@given(st.integers(0, 5039))
@settings(max_examples=50)
def test_every_flat_index_is_listed_after_the_one_before(flat: int) -> None:
    of = space(384, 640)
    if flat:
        assert of.address(flat - 1) < of.address(flat)
