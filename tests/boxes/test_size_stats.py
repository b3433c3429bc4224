"""Sizes of boxes at the network's input, by class, size and level, against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from anchor_boxes import table_of
from headlab.boxes import stats
from headlab.boxes.input_size import InputSize
from headlab.errors import InputError
from headlab.heads.anchor_set import anchor_set

# Photos of 832 x 832 at an input of 416 x 416: everything is halved. Four photos, the last without boxes.
#   at the input      side  size    level (P3 under 32, P4 under 64, P5)
#   cat  20 x 20        20  small   P3
#   cat  64 x 16        32  medium  P4
#   cat  40 x 90        60  medium  P4
#   dog  96 x 96        96  large   P5
#   dog 100 x 64        80  medium  P5
TABLE = table_of(
    [
        (0, 0, 0, 0, 40, 40),
        (0, 0, 0, 0, 128, 32),
        (1, 0, 0, 0, 80, 180),
        (1, 1, 0, 0, 192, 192),
        (2, 1, 0, 0, 200, 128),
    ],
    [(832, 832)] * 4,
)


def test_everything_by_class() -> None:
    made = stats(TABLE)
    cat, dog = made.classes
    assert (cat.number, cat.name, cat.boxes, cat.share, cat.images) == (0, "cat", 3, 0.6, 2)
    assert (dog.number, dog.name, dog.boxes, dog.share, dog.images) == (1, "dog", 2, 0.4, 2)
    # widths 20, 40, 64: the 5th of a hundred lies a tenth of the way from the first to the second.
    assert (cat.width.low, cat.width.median, cat.width.high) == pytest.approx((22, 40, 61.6))
    assert (cat.side.low, cat.side.median, cat.side.high) == pytest.approx((21.2, 32, 57.2))
    assert cat.aspect.median == pytest.approx(1)  # 1, 4, 40 / 90
    assert dog.height.median == pytest.approx(80)  # 96, 64
    assert cat.area_share is not None
    assert cat.area_share.median == pytest.approx(64 * 16 / 416**2)
    assert (cat.by_size, cat.by_level) == ((1, 2, 0), (1, 2, 0))
    assert (dog.by_size, dog.by_level) == ((0, 1, 1), (0, 0, 2))


def test_all_boxes_and_images() -> None:
    made = stats(TABLE)
    assert (made.all.boxes, made.all.share, made.all.images) == (5, 1.0, 3)
    assert (made.all.by_size, made.all.by_level) == ((1, 3, 1), (1, 2, 2))
    per = made.per_image
    # 2, 2, 1 and 0 boxes
    assert (per.images, per.without_boxes, per.mean, per.median, per.most) == (4, 1, 1.25, 1.5, 2)
    assert (made.levels.names, made.unserved, made.input_hw) == (("P3", "P4", "P5"), 0, (416, 416))


def test_two_levels_of_the_tiny_network() -> None:
    made = stats(TABLE, levels=2)
    assert made.levels.names == ("P4", "P5")
    assert made.all.by_level == (3, 2)


def test_the_original_photos_pixels() -> None:
    made = stats(TABLE, imgsz=InputSize(units="original"))
    assert made.classes[0].width.median == 80
    assert made.all.area_share is None
    assert made.all.by_level == (0, 1, 4)  # sides 40, 64, 120, 192, 160


def test_levels_by_the_best_anchor() -> None:
    # 20 x 20 fits 18 x 18 and 64 x 16 fits 60 x 20, both on P4; 40 x 90 and the dogs fit 95 x 95, on P5:
    # IoU of 40 x 90 is 3600 / 9025 = 0.40 with it, 40 * 20 / 4000 = 0.20 with 60 x 20, and 0.09.
    anchors = anchor_set([[18, 18], [60, 20], [95, 95]], [[2], [0, 1]])
    made = stats(TABLE, anchors=anchors)
    assert made.levels.names == ("P4", "P5")
    assert made.all.by_level == (2, 3)
    assert [row.by_level for row in made.classes] == [(2, 1), (0, 2)]


def test_an_anchor_on_two_levels_and_one_on_none() -> None:
    anchors = anchor_set([[18, 18], [60, 20], [95, 95]], [[2], [1, 2]])
    made = stats(TABLE, anchors=anchors)
    assert made.all.by_level == (4, 3), "the three boxes of anchor 2 count on both levels"
    assert made.unserved == 1, "no level has anchor 0"


def test_what_is_left_out_is_counted() -> None:
    table = table_of(
        [(0, 0, 5, 5, 5, 9), (0, 0, 0, 0, 9, 9), (1, 0, 0, 0, 9, 9)],
        [(416, 416)] * 2,
        crowd=(False, False, True),
    )
    made = stats(table)
    assert made.skipped == {
        "marked as a crowd": 1,
        "with no area (zero or negative width or height)": 1,
    }
    assert (made.all.boxes, made.per_image.without_boxes) == (1, 1)


def test_unknown_sizes_and_no_boxes_are_errors() -> None:
    with pytest.raises(InputError, match="sizes of 1 photos are unknown") as caught:
        stats(table_of([(0, 0, 0, 0, 5, 5)], [None]))
    assert "--assume-size" in caught.value.hint
    with pytest.raises(InputError, match="There are no boxes"):
        stats(table_of([], [(10, 10)]))
    with pytest.raises(InputError, match="not annotations"):
        stats(np.ones((3, 2)))  # type: ignore[arg-type]
