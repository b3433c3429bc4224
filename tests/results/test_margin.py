"""The paper around a photo: nothing of it lies on the photo, nothing is cut off."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from headlab.results.fonts import line_height
from headlab.results.pictures.margin import (
    PAPER,
    Block,
    Entry,
    Margin,
    Sheet,
    flowing,
    in_columns,
    rows_for_width,
)

GREEN, BLUE = (0, 158, 115), (86, 180, 233)
FONT_PX = 14
LEGEND = tuple(Entry(f"P{n}, stride {2**n} px: 12 found", GREEN) for n in (3, 4, 5))
LISTED = tuple(Entry(f"bird 0.{n:02} P3 (4,5)", BLUE, str(n)) for n in range(60))
SIZES = [(640, 480), (480, 640), (640, 640), (4000, 30), (30, 4000), (640, 1), (1, 640)]


def grey(size_wh: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size_wh, (100, 100, 100))


def framed(size_wh: tuple[int, int], listed: tuple[Entry, ...] = ()) -> np.ndarray:
    margin = Margin(FONT_PX, LEGEND, (Entry("solid: box"),), listed, "number, class")
    return np.asarray(Sheet(size_wh, FONT_PX).framed(grey(size_wh), margin))


@pytest.mark.parametrize("size_wh", SIZES)
@pytest.mark.parametrize("listed", [(), LISTED], ids=["legend", "list"])
def test_the_photo_stays_as_it_is_and_the_edge_is_paper(
    size_wh: tuple[int, int], listed: tuple[Entry, ...]
) -> None:
    width, height = size_wh
    sheet = framed(size_wh, listed)
    assert (sheet[:height, :width] == 100).all()
    below, right = sheet[height:, :], sheet[:, width:]
    assert ((below != PAPER).any(axis=2)).any() or ((right != PAPER).any(axis=2)).any()
    for edge in (sheet[-1, width:], sheet[height:, -1], sheet[-1, : width * (height < width)]):
        assert (edge == PAPER).all(), "nothing is cut off"


def test_the_margin_of_an_upright_photo_is_on_its_right() -> None:
    assert framed((480, 640)).shape[0] == 640
    assert framed((640, 480)).shape[1] == 640
    assert framed((640, 640)).shape[1] == 640


@pytest.mark.parametrize("size_wh", [(640, 480), (480, 640)])
def test_a_list_grows_in_both_directions(size_wh: tuple[int, int]) -> None:
    height, width = framed(size_wh, LISTED * 5).shape[:2]
    assert max(height, width) / min(height, width) < 4


def test_a_narrow_photo_has_paper_for_labels_next_to_it() -> None:
    assert Sheet((640, 480), FONT_PX).field_wh == (640, 480)
    wide, high = Sheet((30, 4000), FONT_PX).field_wh
    assert (wide > 150, high) == (True, 4000)
    wide, high = Sheet((4000, 30), FONT_PX).field_wh
    assert (wide, high > 80) == (4000, True)


def test_paper_that_labels_do_not_need_is_cut_off_but_not_from_video_frames() -> None:
    sheet, photo = Sheet((31, 4000), FONT_PX), grey((31, 4000))
    margin = Margin(FONT_PX, LEGEND)
    narrow, one, fixed = (
        sheet.framed(photo, margin),
        sheet.framed(photo, margin, [(31, 100, 91, 120)]),
        sheet.framed(photo, margin, constant_size=True),
    )
    assert one.width == narrow.width + 60
    assert fixed.width > one.width
    assert fixed.width % 2 == fixed.height % 2 == 0
    assert fixed.size == sheet.framed(photo, margin, [(31, 9, 91, 29)], constant_size=True).size


def places(block: Block) -> list[tuple[int, int]]:
    return [(x, y) for x, y, _, _ in block.items]


def test_entries_flow_into_lines() -> None:
    one_line = flowing(LEGEND, 10_000, FONT_PX)
    assert {y for _, y in places(one_line)} == {0}
    assert one_line.size_wh[1] == line_height(FONT_PX)
    narrow = flowing(LEGEND, one_line.size_wh[0] - 1, FONT_PX)
    assert [x for x, _ in places(narrow)][::2] == [0, 0]
    assert narrow.size_wh[0] < one_line.size_wh[0]
    assert [x for x, _ in places(flowing(LEGEND, 1, FONT_PX))] == [0, 0, 0]


def test_columns_are_filled_from_top_to_bottom() -> None:
    block = in_columns(LISTED[:7], 3, FONT_PX)
    xs, ys = zip(*places(block), strict=True)
    assert [sorted(set(xs)).index(x) for x in xs] == [0, 0, 0, 1, 1, 1, 2]
    assert ys[0] == ys[3] == ys[6] == 0
    assert xs[6] < block.size_wh[0]
    three_columns = in_columns(LISTED, 20, FONT_PX).size_wh[0]
    assert rows_for_width(LISTED, three_columns, FONT_PX) == 20
    assert rows_for_width(LISTED, three_columns - 1, FONT_PX) == 30


def test_tags_of_a_list_are_equally_wide() -> None:
    swatches = {swatch for _, _, swatch, _ in in_columns(LISTED, 60, FONT_PX).items}
    assert len(swatches) == 1
