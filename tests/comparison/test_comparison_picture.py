"""Two models' detections side by side: two photos alike, each under its title and with its legend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headlab.comparison.picture import side_by_side
from headlab.results.colours import level_colour
from headlab.results.pictures.margin import PAPER
from headlab.results.pictures.picture import Picture
from traced_rows import STRIDES_PX, detection, rows

STRIDES = (STRIDES_PX, STRIDES_PX)
PHOTO = np.full((480, 640, 3), 100, np.uint8)


def both(
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
    photo: np.ndarray = PHOTO,
    **more: Any,
) -> Picture:
    titles = more.pop("titles", ("one", "two"))
    return side_by_side(photo, rows(*before), rows(*after), STRIDES, titles, **more)


def test_side_by_side_by_pixel() -> None:
    picture = both([detection((20, 30, 90, 120), "P4")], [detection((20, 30, 90, 120), "P5")])
    (x, y, right, bottom), (second, top, *_) = picture.photos
    assert (x, right - x, bottom - y) == (0, 640, 480)
    assert (top, second > 640) == (y, True)
    assert picture.image.getpixel((20, y + 60)) == level_colour("P4")
    assert picture.image.getpixel((second + 20, y + 60)) == level_colour("P5")
    assert picture.image.getpixel((640 + (second - 640) // 2, 200)) == PAPER
    title = np.asarray(picture.image)[:y, :640]
    assert title.min() < 100 < PAPER[0] == title.max()


@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (212, 320), (700, 30)])
def test_both_photos_are_drawn_alike(shape: tuple[int, int]) -> None:
    """Only one side is a crowd, for which small photos are enlarged."""
    crowd = [detection((2, 2, 20, 20), "P3")] * 60
    picture = both(crowd, crowd[:1], np.full((*shape, 3), 100, np.uint8))
    (x1, y1, x2, y2), (left, top, right, bottom) = picture.photos
    assert (x2 - x1, y2 - y1) == (right - left, bottom - top)
    assert y1 == top
    assert left > x2


def test_a_long_title_stays_above_its_own_photo() -> None:
    long = "after: " + "class rows shifted " * 20
    picture = both([], [], titles=(long, long))
    first, second = picture.photos
    gap = np.asarray(picture.image)[: first[1], first[2] : second[0]]
    assert (gap == PAPER).all()


def test_the_frames_of_a_video_have_one_size() -> None:
    crowd = [detection((2, 2, 20, 20), "P3")] * 60
    sizes = {
        both(*found, constant_size=True).image.size
        for found in (([], []), (crowd, []), (crowd[:3], crowd))
    }
    assert len(sizes) == 1
    assert all(side % 2 == 0 for side in sizes.pop())


def test_notes_are_told_once() -> None:
    rare = [detection((50, 50, 300, 300), class_name="새")]
    assert len(both(rare, rare).notes) == 1
