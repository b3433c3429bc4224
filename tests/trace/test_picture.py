"""Pictures: which pixel has which colour, and what is written where."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from headlab.results import fonts
from headlab.results.colours import hex_colour, ink_on, level_colour
from headlab.results.pictures.marks import CELL_OPACITY, rotated_corners
from headlab.results.style import BUSY, CROWD, style_for
from headlab.trace.picture import draw
from traced_rows import STRIDES_PX, detection, rows

GREY = 100


def photo(height: int = 480, width: int = 640) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def pixels(picture_bgr: np.ndarray, *detections: dict[str, object]) -> np.ndarray:
    """The drawn picture as RGB, shape (H, W, 3)."""
    return np.asarray(draw(picture_bgr, rows(*detections), STRIDES_PX).image)


@pytest.mark.parametrize("level", ["P3", "P4", "P5"])
def test_the_cell_is_filled_with_the_colour_of_the_level(level: str) -> None:
    # Cell (10, 12) of P4 is x 192..208, y 160..176; its middle is (200, 168).
    stride = STRIDES_PX[level]
    drawn = pixels(photo(), detection((50, 50, 600, 400), level, (10, 12)))
    middle = drawn[10 * stride + stride // 2, 12 * stride + stride // 2].astype(int)
    share = round(255 * CELL_OPACITY) / 255
    expected = [share * c + (1 - share) * GREY for c in level_colour(level)]
    assert np.abs(middle - expected).max() <= 1


def test_the_filled_part_is_exactly_the_cell() -> None:
    drawn = pixels(photo(), detection((50, 50, 600, 400), "P5", (4, 10)))
    # Rows 128 to 159 and columns 320 to 351 belong to cell (4, 10) of stride 32.
    filled = drawn[144, 336]
    same = (drawn == filled).all(axis=2)
    ys, xs = np.nonzero(same)
    assert (xs.min(), ys.min(), xs.max(), ys.max()) == (320, 128, 351, 159)
    assert same.sum() == 32 * 32


def test_the_edge_of_the_box_has_the_colour_of_the_level() -> None:
    drawn = pixels(photo(), detection((100, 120, 500, 360), "P4", (14, 18)))
    colour = level_colour("P4")
    line = style_for((640, 480), 1).line_px
    for inside in range(line):
        assert tuple(drawn[300, 100 + inside]) == colour  # left edge
        assert tuple(drawn[300, 499 - inside]) == colour  # right edge: x2 lies outside
        assert tuple(drawn[359 - inside, 300]) == colour  # bottom edge
    assert tuple(drawn[300, 100 + line + 1]) == (GREY, GREY, GREY)
    assert tuple(drawn[300, 98]) == (GREY, GREY, GREY)


def test_size_is_kept_and_the_photo_is_not_touched() -> None:
    source = photo(333, 517)
    before = source.copy()
    picture = draw(source, rows(detection((10, 20, 200, 250))), STRIDES_PX)
    assert picture.image.size == (517, 333)
    assert (source == before).all()
    assert (np.asarray(picture.image) != GREY).any()


def test_red_and_blue_are_not_swapped() -> None:
    source = photo()
    source[:] = (255, 0, 0)  # blue, in BGR
    assert tuple(np.asarray(draw(source, rows(), STRIDES_PX).image)[240, 320]) == (0, 0, 255)


def test_a_read_only_flipped_photo_is_drawn() -> None:
    source = photo()[::-1]
    source.flags.writeable = False
    assert draw(source, rows(detection((10, 20, 200, 250))), STRIDES_PX).image.size == (640, 480)


@pytest.mark.parametrize(
    "box",
    [
        (-50.0, -50.0, 700.0, 500.0),
        (639.6, 479.6, 639.9, 479.9),
        (0.0, 0.0, 0.2, 0.2),
        (700.0, 10.0, 800.0, 20.0),
        (100.0, 100.0, 103.0, 102.0),
    ],
)
def test_odd_boxes_are_drawn(box: tuple[float, float, float, float]) -> None:
    assert (pixels(photo(), detection(box)) != GREY).any()


def test_a_cell_in_the_padding_is_not_drawn() -> None:
    outside = {"cell_x1": 0.0, "cell_y1": -40.0, "cell_x2": 16.0, "cell_y2": -24.0}
    drawn = pixels(photo(), detection((200, 200, 400, 400), **outside))
    assert tuple(drawn[2, 2]) == (GREY, GREY, GREY)


@pytest.mark.parametrize("size", [(1, 1), (32, 24), (24, 32), (150, 159)])
def test_a_tiny_picture_has_boxes_but_no_text(size: tuple[int, int]) -> None:
    height, width = size
    picture = draw(photo(height, width), rows(detection((2, 2, 20, 20), "P3")), STRIDES_PX)
    assert picture.image.size == (width, height)
    assert picture.notes == ("The picture is too small for labels and a legend.",)


def test_a_crowd_is_drawn() -> None:
    crowd = [detection((x, 200, x + 30, 240), "P3", (25, 5)) for x in range(0, 600, 5)]
    picture = draw(photo(), rows(*crowd), STRIDES_PX)
    assert picture.notes == ("Some labels found no place and were left out.",)


def test_no_detections_leave_the_photo_as_it_is_below_the_legend() -> None:
    drawn = pixels(photo())
    changed = (drawn != GREY).any(axis=2)
    ys, xs = np.nonzero(changed)
    assert xs.min() > 320  # the legend stands in the upper right corner
    assert ys.max() < 240


def test_widths_grow_with_the_photo_and_shrink_in_a_crowd() -> None:
    assert style_for((4000, 3000), 1).font_px > 4 * style_for((640, 480), 1).font_px
    fonts_px = [style_for((640, 480), n).font_px for n in (BUSY, BUSY + 1, CROWD + 1)]
    assert fonts_px == sorted(fonts_px, reverse=True)
    assert len(set(fonts_px)) == 3


@pytest.mark.parametrize("degrees", [0, 30, 44, 45, 46, 90, 135])
def test_the_corners_of_a_rotated_box(degrees: int) -> None:
    """Those of a box of 80 x 20 around (100, 60); at 45 degrees the box around it is a square."""
    angle = math.radians(degrees)
    c, s = abs(math.cos(angle)), abs(math.sin(angle))
    half_w, half_h = (80 * c + 20 * s) / 2, (80 * s + 20 * c) / 2
    around = (100 - half_w, 60 - half_h, 100 + half_w, 60 + half_h)
    corners = rotated_corners(detection(around, angle_rad=angle, obb_w=80.0, obb_h=20.0))
    assert corners is not None
    first, second, third, fourth = corners
    sides = [(first, second), (third, fourth), (second, third), (fourth, first)]
    assert [math.dist(*side) for side in sides] == pytest.approx([80, 80, 20, 20])
    xs, ys = zip(*corners, strict=True)
    assert (min(xs), min(ys), max(xs), max(ys)) == pytest.approx(around)
    long_side = math.atan2(first[1] - second[1], first[0] - second[0])
    assert math.sin(long_side - angle) == pytest.approx(0, abs=1e-9)


def test_an_upright_box_has_no_rotated_corners() -> None:
    assert rotated_corners(detection((0, 0, 50, 50))) is None


def test_a_box_at_45_degrees_is_drawn_as_it_lies() -> None:
    """The corners of the upright box around it stay as they are."""
    side = 100 / math.sqrt(2)  # (80 + 20) / sqrt(2)
    box = (320 - side / 2, 240 - side / 2, 320 + side / 2, 240 + side / 2)
    row = detection(box, cell=(2, 2), angle_rad=math.pi / 4, obb_w=80.0, obb_h=20.0)
    image = draw(np.full((480, 640, 3), 128, np.uint8), rows(row), STRIDES_PX).image
    drawn = (np.asarray(image) != 128).any(axis=2)
    x, y = 320 + 40 / math.sqrt(2), 240 + 40 / math.sqrt(2)  # the middle of a short side
    assert drawn[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].any()
    assert not drawn[240 + 30 : 240 + 34, 320 - 34 : 320 - 30].any()


def test_colours_differ_and_ink_contrasts() -> None:
    colours = [level_colour(f"P{n}") for n in range(1, 8)]
    assert len(set(colours)) == 7
    assert hex_colour(level_colour("P3")) == "#56b4e9"
    assert ink_on((255, 255, 255)) == (0, 0, 0)
    assert ink_on((0, 0, 0)) == (255, 255, 255)
    assert level_colour("P99") not in colours


def test_latin_names_have_a_font() -> None:
    assert fonts.font_for("bird ÄéŠ", 14) is not None


@pytest.fixture
def no_system_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fonts, "_system_fonts", lambda: ())
    fonts._path_for.cache_clear()
    yield
    fonts._path_for.cache_clear()


@pytest.mark.usefixtures("no_system_fonts")
def test_a_name_that_no_font_draws_becomes_its_number() -> None:
    twice = [detection((50, y, 300, y + 90), class_name="鳥") for y in (50, 250)]
    picture = draw(photo(), rows(*twice), STRIDES_PX)
    assert picture.notes == (
        "No font on this machine draws these class names; their numbers are: 14 = 鳥.",
    )


@pytest.mark.usefixtures("no_system_fonts")
def test_a_system_font_is_taken_where_the_default_has_no_glyph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawable = {"": "bird", "notes-cjk.ttf": "bird鳥"}
    monkeypatch.setattr(fonts, "_default_path", lambda: "")
    monkeypatch.setattr(fonts, "_system_fonts", lambda: ("notes-cjk.ttf",))
    monkeypatch.setattr(fonts, "_draws", lambda path, text: set(text) <= set(drawable[path]))
    assert fonts._path_for(frozenset("bird")) == ""
    assert fonts._path_for(frozenset("鳥")) == "notes-cjk.ttf"
    assert fonts._path_for(frozenset("새")) is None
