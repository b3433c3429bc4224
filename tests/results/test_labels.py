"""Label placing: no label covers another one, hides an object, or leaves the picture."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from headlab.results.pictures.labels import MOST_HIDDEN, Placed, Placing, Rect, Wanted, overlap

SIZE = (60, 12)
PICTURE = (640, 480)


def place(
    wanted: list[Wanted],
    picture_wh: tuple[int, int] = PICTURE,
    cells: tuple[Rect, ...] = (),
    rings: int = 0,
    most_hidden: float = MOST_HIDDEN,
) -> list[Placed | None]:
    placing = Placing(picture_wh, [label.box for label in wanted], cells)
    return [placing.add(label, rings=rings, most_hidden=most_hidden) for label in wanted]


def place_one(box: Rect, size: tuple[int, int] = SIZE, **options: object) -> Placed:
    (placed,) = place([Wanted(box, (size,))], **options)  # type: ignore[arg-type]
    assert placed is not None
    return placed


def test_one_label_stands_above_its_box() -> None:
    assert place_one((100, 100, 300, 300)).rect == (100, 88, 160, 100)


def test_at_the_upper_edge_it_stands_below_the_box() -> None:
    assert place_one((100, 3, 300, 300)).rect == (100, 300, 160, 312)


def test_on_a_box_that_fills_the_picture_it_stands_inside() -> None:
    assert place_one((0, 0, 640, 480)).rect == (0, 0, 60, 12)


def test_at_the_right_edge_it_ends_with_the_box() -> None:
    assert place_one((620, 100, 640, 130)).rect == (580, 88, 640, 100)


def test_it_avoids_a_cell_if_another_place_is_free() -> None:
    cell = (100, 85, 108, 93)
    placed = place_one((100, 100, 300, 300), cells=(cell,))
    assert overlap(placed.rect, cell) == 0


def test_the_longest_form_that_has_room_is_taken() -> None:
    (placed,) = place([Wanted((5, 20, 90, 90), ((120, 12), (60, 12)))], (100, 100))
    assert placed is not None
    assert placed.form == 1


def test_a_small_object_is_not_hidden_by_the_label_of_another() -> None:
    """Above the large box lies a small one, of which a label would hide all."""
    large, small = (100, 100, 300, 300), (105, 86, 150, 98)
    placing = Placing(PICTURE, [large, small])
    placed = placing.add(Wanted(large, (SIZE,)))
    assert placed is not None
    assert overlap(placed.rect, small) <= MOST_HIDDEN * 45 * 12


def test_many_labels_together_hide_no_more_than_one_may() -> None:
    """5 % of a box of 300 x 200 is 3000 px: four labels of 60 x 12."""
    placed = place([Wanted((0, 0, 300, 200), (SIZE,))] * 40, (300, 200), most_hidden=0.05)
    assert sum(label is not None for label in placed) == 4


def test_without_a_place_at_the_box_a_leader_line_leads_to_it() -> None:
    twins = [Wanted((300, 200, 312, 212), (SIZE,))] * 12
    near = [label for label in place(twins) if label is not None]
    led = [label for label in place(twins, rings=3) if label is not None]
    assert len(near) < len(led)
    for label in led:
        if label.leader is not None:
            x1, y1, x2, y2 = label.leader
            assert label.rect[0] <= x1 <= label.rect[2]
            assert label.rect[1] <= y1 <= label.rect[3]
            assert 300 <= x2 <= 312
            assert 200 <= y2 <= 212
            assert math.dist((x1, y1), (x2, y2)) > 2


def test_what_has_no_room_is_left_out() -> None:
    placed = place([Wanted((10, 12, 70, 24), (SIZE,))] * 8, (100, 40), most_hidden=math.inf)
    assert placed[0] is not None
    assert None in placed
    assert place([Wanted((0, 0, 5, 5), (SIZE,))], (30, 30)) == [None]


FIELD = (200, 150)


@st.composite
def wanted_labels(draw: st.DrawFn) -> Wanted:
    x1, y1 = draw(st.integers(0, 199)), draw(st.integers(0, 149))
    x2, y2 = draw(st.integers(x1 + 1, 200)), draw(st.integers(y1 + 1, 150))
    width = draw(st.integers(1, 220))
    return Wanted((x1, y1, x2, y2), ((width, 12), (max(width // 2, 1), 12)))


@given(st.lists(wanted_labels(), max_size=30), st.integers(0, 7), st.sampled_from([0.1, math.inf]))
def test_labels_neither_overlap_nor_leave_the_picture(
    wanted: list[Wanted], rings: int, most_hidden: float
) -> None:
    labels = place(wanted, FIELD, rings=rings, most_hidden=most_hidden)
    placed = [label for label in labels if label is not None]
    for at, label in enumerate(placed):
        x1, y1, x2, y2 = label.rect
        assert 0 <= x1 < x2 <= FIELD[0]
        assert 0 <= y1 < y2 <= FIELD[1]
        assert not any(overlap(label.rect, other.rect) for other in placed[:at])
    for other in wanted:
        hidden = sum(overlap(label.rect, other.box) for label in placed)
        x1, y1, x2, y2 = other.box
        assert hidden <= most_hidden * (x2 - x1) * (y2 - y1) + 1e-6


@given(st.lists(wanted_labels(), max_size=20))
def test_leader_lines_cross_no_label(wanted: list[Wanted]) -> None:
    placed = [label for label in place(wanted, FIELD, rings=5, most_hidden=math.inf) if label]
    for label in placed:
        if label.leader is None:
            continue
        (x1, y1), (x2, y2) = label.leader[:2], label.leader[2:]
        points = [(x1 + (x2 - x1) * k / 40, y1 + (y2 - y1) * k / 40) for k in range(1, 40)]
        for other in placed:
            if other is not label:
                left, top, right, bottom = other.rect
                inside = [left + 1 < x < right - 1 and top + 1 < y < bottom - 1 for x, y in points]
                assert sum(inside) <= 12, "a corner may touch the line, no more"


def test_hundreds_of_boxes_are_placed() -> None:
    """On a field of 20 x 15 boxes with gaps, each number of 20 x 12 px has room at its box."""
    boxes = [
        (32 * col, 32 * row, 32 * col + 28, 32 * row + 28) for row in range(15) for col in range(20)
    ]
    placed = place([Wanted(box, ((20, 12),)) for box in boxes], rings=3, most_hidden=math.inf)
    assert len(placed) == 300
    assert None not in placed
