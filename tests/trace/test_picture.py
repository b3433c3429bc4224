"""Pictures: which pixel has which colour, and what is written where."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headlab.results.colours import hex_colour, ink_on, level_colour
from headlab.results.pictures.margin import PAPER
from headlab.results.pictures.marks import CELL_OPACITY
from headlab.results.style import BUSY, CROWD, style_for
from headlab.trace.picture import draw, rotated_corners
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


def test_the_photo_is_not_touched_and_keeps_its_size_on_the_sheet() -> None:
    source = photo(533, 817)
    before = source.copy()
    picture = draw(source, rows(detection((10, 20, 200, 250))), STRIDES_PX)
    assert picture.photos == ((0, 0, 817, 533),)
    assert picture.image.width == 817
    assert picture.image.height > 533
    assert (source == before).all()
    assert (np.asarray(picture.image)[:533] != GREY).any()


def test_red_and_blue_are_not_swapped() -> None:
    source = photo()
    source[:] = (255, 0, 0)  # blue, in BGR
    assert tuple(np.asarray(draw(source, rows(), STRIDES_PX).image)[240, 320]) == (0, 0, 255)


def test_a_read_only_flipped_photo_is_drawn() -> None:
    source = photo()[::-1]
    source.flags.writeable = False
    drawn = draw(source, rows(detection((10, 20, 200, 250))), STRIDES_PX)
    assert drawn.photos == ((0, 0, 640, 480),)


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


@pytest.mark.parametrize(
    ("size_wh", "drawn_wh"),
    [
        ((1, 1), (640, 640)),
        ((32, 24), (640, 480)),
        ((320, 212), (640, 424)),
        ((639, 10), (1278, 20)),
        ((640, 480), (640, 480)),
        ((1, 400), (2, 800)),
        ((4000, 3000), (4000, 3000)),
    ],
)
def test_a_small_photo_is_enlarged_by_a_whole_number(
    size_wh: tuple[int, int], drawn_wh: tuple[int, int]
) -> None:
    picture = draw(photo(*size_wh[::-1]), rows(detection((0, 0, 1, 1), "P3")), STRIDES_PX)
    assert picture.photos == ((0, 0, *drawn_wh),)
    assert picture.notes == ()


def test_boxes_and_cells_are_enlarged_with_the_photo() -> None:
    """At twice the size the left edge of the box is at x 40, its cell (5, 10) at x 320, y 160."""
    drawn = pixels(photo(240, 320), detection((20, 30, 300, 200), "P4", (5, 10)))
    assert tuple(drawn[300, 40]) == level_colour("P4")
    assert tuple(drawn[300, 39]) != level_colour("P4")
    filled = (drawn == drawn[176, 336]).all(axis=2)
    ys, xs = np.nonzero(filled)
    assert (xs.min(), ys.min(), xs.max(), ys.max()) == (320, 160, 351, 191)


CROWD_OF_60 = [
    detection((x, y, x + 30, y + 40), ("P3", "P4", "P5")[x % 3], (y // 32, x // 32), score=0.5)
    for x in range(2, 600, 60)
    for y in range(5, 430, 80)
]


def test_a_crowd_is_drawn_larger_and_named() -> None:
    assert len(CROWD_OF_60) == 60
    picture = draw(photo(), rows(*CROWD_OF_60), STRIDES_PX)
    assert picture.photos == ((0, 0, 1280, 960),)
    assert picture.notes == ()


@pytest.mark.parametrize("size_wh", [(640, 480), (480, 640)])
@pytest.mark.parametrize("found", [[], CROWD_OF_60[:3], CROWD_OF_60], ids=["none", "few", "many"])
def test_the_legend_is_outside_the_photo(
    size_wh: tuple[int, int], found: list[dict[str, object]]
) -> None:
    """The colour of a level without detections occurs in the legend, on paper, and nowhere else."""
    strides = STRIDES_PX | {"P6": 64}
    picture = draw(photo(*size_wh[::-1]), rows(*found), strides)
    drawn = np.asarray(picture.image)
    ys, xs = np.nonzero((drawn == level_colour("P6")).all(axis=2))
    ((_, _, width, height),) = picture.photos
    assert len(xs) > 100
    assert ((xs >= width) | (ys >= height)).all()
    outside = np.ones(drawn.shape[:2], bool)
    outside[:height, :width] = False
    assert (drawn[outside] == PAPER).all(axis=1).mean() > 0.5


def test_without_detections_the_photo_stays_as_it_is() -> None:
    assert (pixels(photo())[:480, :640] == GREY).all()


@pytest.mark.parametrize("size_wh", [(640, 480), (480, 640), (320, 200), (4000, 30), (30, 700)])
def test_the_frames_of_a_video_have_one_size(size_wh: tuple[int, int]) -> None:
    def size(*found: dict[str, object], **more: object) -> tuple[int, int]:
        frame = photo(*size_wh[::-1])
        picture = draw(frame, rows(*found), STRIDES_PX, (640, 640), constant_size=True)
        return picture.image.size

    crowd = [detection((2, 2, 20, 20), "P3", class_name=f"class {at}") for at in range(300)]
    sizes = {size(), size(crowd[0]), size(*crowd[:12]), size(*crowd)}
    sizes.add(size(detection((2, 2, 20, 20), "P4", anchor_w=30.0, anchor_h=40.0)))
    assert len(sizes) == 1
    assert all(side % 2 == 0 for side in sizes.pop())


def test_frames_have_no_numbers_and_a_note_instead() -> None:
    crowd = [detection((300, 200, 330, 240), "P3") for _ in range(100)]
    picture = draw(photo(), rows(*crowd), STRIDES_PX, constant_size=True)
    assert picture.notes == ("Some boxes in video frames have no label, for lack of room.",)
    assert draw(photo(), rows(*crowd), STRIDES_PX).notes == ()


def test_a_list_that_ends_is_noted() -> None:
    crowd = [detection((300, 200, 330, 240), "P3") for _ in range(400)]
    picture = draw(photo(), rows(*crowd), STRIDES_PX)
    assert picture.notes == ("A picture lists at most 300 boxes; the table has them all.",)


def test_widths_grow_with_the_photo_and_shrink_in_a_crowd() -> None:
    assert style_for((4000, 3000), 1).font_px > 4 * style_for((640, 480), 1).font_px
    fonts_px = [style_for((1600, 1200), n).font_px for n in (BUSY, BUSY + 1, CROWD + 1)]
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


def test_japanese_names_are_drawn_and_rare_ones_noted() -> None:
    birds = [detection((50, y, 300, y + 90), class_name="鳥") for y in (50, 250)]
    assert draw(photo(), rows(*birds), STRIDES_PX).notes == ()
    rare = [detection((50, y, 300, y + 90), class_name="새") for y in (50, 250)]
    assert draw(photo(), rows(*rare), STRIDES_PX).notes == (
        "No available font covers these class names; they are shown with escapes: 14 = 새.",
    )
