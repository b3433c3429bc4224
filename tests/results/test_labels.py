"""Label placing: no label covers another or leaves the picture, as long as there is room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headlab.results.pictures.labels import Wanted, overlap, place

SIZE = (60, 12)


def test_one_label_stands_above_its_box() -> None:
    (placed,) = place([Wanted((100, 100, 300, 300), (SIZE,))], (640, 480))
    assert placed is not None
    assert placed.rect == (100, 88, 160, 100)


def test_at_the_upper_edge_it_stands_inside_the_box() -> None:
    (placed,) = place([Wanted((100, 3, 300, 300), (SIZE,))], (640, 480))
    assert placed is not None
    assert placed.rect == (100, 3, 160, 15)


def test_at_the_right_edge_it_is_pushed_into_the_picture() -> None:
    (placed,) = place([Wanted((620, 100, 640, 130), (SIZE,))], (640, 480))
    assert placed is not None
    assert placed.rect == (580, 88, 640, 100)


def test_it_avoids_a_cell_if_another_place_is_free() -> None:
    cell = (100, 85, 108, 93)
    (placed,) = place([Wanted((100, 100, 300, 300), (SIZE,))], (640, 480), [cell])
    assert placed is not None
    assert overlap(placed.rect, cell) == 0


def test_the_longest_form_that_fits_the_picture_is_taken() -> None:
    (placed,) = place([Wanted((5, 20, 90, 90), ((120, 12), (60, 12)))], (100, 100))
    assert placed is not None
    assert placed.form == 1


def test_without_a_free_place_it_covers_least_or_is_left_out() -> None:
    twins = [Wanted((10, 12, 70, 24), (SIZE,))] * 8
    kept = place(twins, (100, 40))
    assert all(kept)
    omitted = place(twins, (100, 40), omit=True)
    assert omitted[0] is not None
    assert None in omitted


def test_a_label_wider_than_the_picture_is_left_out() -> None:
    assert place([Wanted((0, 0, 5, 5), (SIZE,))], (30, 30)) == [None]


PICTURE = (200, 150)


@st.composite
def wanted_labels(draw: st.DrawFn) -> Wanted:
    x1, y1 = draw(st.integers(0, 199)), draw(st.integers(0, 149))
    x2, y2 = draw(st.integers(x1 + 1, 200)), draw(st.integers(y1 + 1, 150))
    width = draw(st.integers(1, 220))
    return Wanted((x1, y1, x2, y2), ((width, 12), (max(width // 2, 1), 12)))


@given(st.lists(wanted_labels(), max_size=30))
def test_labels_neither_overlap_nor_leave_the_picture(wanted: list[Wanted]) -> None:
    placed = [each.rect for each in place(wanted, PICTURE, omit=True) if each is not None]
    for at, rect in enumerate(placed):
        x1, y1, x2, y2 = rect
        assert 0 <= x1 < x2 <= PICTURE[0]
        assert 0 <= y1 < y2 <= PICTURE[1]
        assert not any(overlap(rect, other) for other in placed[:at])
