"""What is shown of a head with anchors besides: slots, anchors beside boxes, support by slot."""

from __future__ import annotations

import numpy as np
import pytest

from anchored_rows import LEVELS, STRIDES_PX, anchored, anchored_rows, anchored_trace
from headlab.results.colours import level_colour
from headlab.results.style import BUSY
from headlab.results.tables import show
from headlab.trace.html import trace_html
from headlab.trace.picture import _image_px, anchor_outline, draw
from headlab.trace.row_words import box_and_anchor, merged_by_slot, slot_behind
from headlab.trace.text import detection_table, summary_text
from traced_rows import detection, rows

GREY = 100
TWO = (
    anchored((100, 110, 340.4, 290.6), merged_P5_2=2, merged_P5=5, merged_P4_1=1, merged_P4=1),
    anchored((5, 6, 40, 60), "P4", 0, (1, 2), class_name="cat"),
)
PLACE = "# class score level cell slot box w x h / anchor"
SUPPORT = "merged by slot alone needs"
ROWS_PLACE = (
    "0 bird 0.83 P5/32 6,6 1 100,110,340,291 240x181 / 135x169",
    "1 cat 0.83 P4/16 1,2 0 5,6,40,60 35x54 / 10x14",
)
ROWS_SUPPORT = ("1/5 P4 0/1/0 P5 0/3/2 P5 P5", "3/0 P4 3/0/0 P4 P4")


def printed(capsys: pytest.CaptureFixture[str], *parts: object) -> list[str]:
    """The printed lines, runs of blanks as one."""
    show(*parts)  # type: ignore[arg-type]
    return [" ".join(each.split()) for each in capsys.readouterr().out.splitlines()]


def test_one_table_where_there_is_room(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = printed(capsys, detection_table(anchored_rows(*TWO), LEVELS))
    both = [" ".join(each) for each in zip(ROWS_PLACE, ROWS_SUPPORT, strict=True)]
    assert lines == [f"{PLACE} {SUPPORT}", *both]


def test_two_tables_in_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(capsys, detection_table(anchored_rows(*TWO), LEVELS))
    numbered = [f"{at} {each}" for at, each in enumerate(ROWS_SUPPORT)]
    assert lines == [PLACE, *ROWS_PLACE, "", f"# {SUPPORT}", *numbered]


def test_the_summary_counts_by_slot_with_its_anchor(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, *summary_text(anchored_trace(*TWO)))
    at = lines.index("slot anchor w x h detections share found alone lost without")
    assert lines[at + 1 : at + 7] == [
        "P4/0 10x14 1 50% 1 1",
        "P4/1 23x27 0 0% 0 0",
        "P4/2 37x58 0 0% 0 0",
        "P5/0 81x82 0 0% 0 0",
        "P5/1 135x169 1 50% 1 1",
        "P5/2 344x319 0 0% 0 0",
    ]


def test_words() -> None:
    assert box_and_anchor(anchored((0, 0, 30.4, 50.6), "P4", 2)) == "30x51 / 37x58"
    assert slot_behind(anchored((0, 0, 9, 9), slot=0)) == "/0"
    assert slot_behind(detection((0, 0, 9, 9))) == ""
    assert merged_by_slot(anchored((0, 0, 9, 9), "P4", 2), LEVELS) == "P4 0/0/3"
    assert merged_by_slot(detection((0, 0, 9, 9)), ("P3", "P4", "P5")) == ""


def test_a_notebook_page_has_the_anchors() -> None:
    page = trace_html(anchored_trace(*TWO))
    for heading in ("slot", "w x h / anchor", "by slot"):
        assert f"<th>{heading}</th>" in page
    assert "<td>240x181 / 135x169</td>" in page
    assert "<td>P4 0/1/0 P5 0/3/2</td>" in page


def test_the_json_document_has_the_anchors() -> None:
    document = anchored_trace(*TWO).to_dict()
    assert document["levels"][1] == {
        "name": "P5",
        "stride_px": 32,
        "slots": 3,
        "anchors_wh_px": [[81.0, 82.0], [135.0, 169.0], [344.0, 319.0]],
    }
    assert document["settings"]["iou"] == 0.45


def test_the_anchor_lies_in_the_middle_of_its_cell() -> None:
    """Cell (6, 6) of P5 is 192 to 224, its middle 208; the anchor 135 x 169 reaches 67.5 and 84.5 from it.

    On an image of twice the input's size all of it is doubled.
    """
    row = anchored((0, 0, 9, 9))
    assert anchor_outline(row, (192, 192, 224, 224), (1, 1)) == (140.5, 123.5, 275.5, 292.5)
    assert anchor_outline(row, (384, 384, 448, 448), (2, 2)) == (281, 247, 551, 585)


def test_on_a_stretched_photo_the_anchor_is_stretched_too() -> None:
    """Twice as wide, and as high: the cell is 384 to 448 and 192 to 224, its middle 416, 208.

    The anchor of 135 x 169 reaches 135 and 84.5 from it.
    """
    row = anchored((0, 0, 9, 9))
    assert anchor_outline(row, (384, 192, 448, 224), (2, 1)) == (281, 123.5, 551, 292.5)
    assert _image_px((832, 416), (416, 416), "stretch") == (2, 1)
    assert _image_px((832, 416), (416, 416), "letterbox") == (2, 2)


def test_a_cell_half_in_the_padding_keeps_its_middle() -> None:
    """The image begins 12 px into the cell: of y -12 to 20 the table has 0 to 20; the middle is 4."""
    row = anchored((0, 0, 9, 9))
    assert anchor_outline(row, (192, 0, 224, 20), (1, 1))[1::2] == (4 - 84.5, 4 + 84.5)


def drawn(*detections: dict[str, object], input_hw_px: tuple[int, int] | None) -> np.ndarray:
    photo = np.full((416, 416, 3), GREY, np.uint8)
    return np.asarray(draw(photo, anchored_rows(*detections), STRIDES_PX, input_hw_px).image)


def test_the_anchor_is_dashed_in_the_colour_of_the_level() -> None:
    """Its left edge is at x 140.5, from y 123.5 to 292.5, and the photo is drawn twice as large.

    Some of the edge is coloured, some is not.
    """
    row = anchored((20, 30, 400, 410))
    edge = drawn(row, input_hw_px=(416, 416))[260:560, 278:286]
    coloured = (edge == level_colour("P5")).all(axis=2).any(axis=1)
    assert 0.3 < coloured.mean() < 0.8
    starts = np.flatnonzero(np.diff(coloured.astype(int)) == 1)
    assert len(starts) > 5
    assert (drawn(row, input_hw_px=None)[260:560, 278:286] == GREY).all()


def test_the_legend_explains_the_dashes() -> None:
    with_anchor, without = (
        drawn(anchored((20, 100, 400, 410)), input_hw_px=size) for size in ((416, 416), None)
    )
    keys = [each[832 + 24 :, :].min(axis=2) < 150 for each in (with_anchor, without)]
    assert keys[0].sum() > 1.2 * keys[1].sum(), "the key has one more entry"


def test_among_many_boxes_anchors_are_left_out() -> None:
    crowd = [anchored((x, 200, x + 30, 240), "P4", 0, (13, 1)) for x in range(0, 330, 30)]
    assert len(crowd) > BUSY
    assert (drawn(*crowd, input_hw_px=(416, 416)) == drawn(*crowd, input_hw_px=None)).all()


def test_anchor_free_heads_have_no_dashes() -> None:
    photo = np.full((416, 416, 3), GREY, np.uint8)
    found = rows(detection((100, 110, 300, 310), "P5", (6, 6)))
    one, other = (draw(photo, found, STRIDES_PX, size).image for size in ((416, 416), None))
    assert (np.asarray(one) == np.asarray(other)).all()
