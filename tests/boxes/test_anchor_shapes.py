"""Boxes at the network's input: letterboxed, stretched, or left alone; bad ones are counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anchor_boxes import table_of
from headlab.boxes.input_size import InputSize
from headlab.boxes.reading import read
from headlab.boxes.shapes import box_weights, shapes_at_input, shapes_of
from headlab.errors import InputError, UnknownName
from turned_photos import write_turned

# A photo of 800x400 at an input of 416x416: letterboxed by 416 / 800 = 0.52, with (416 - 208) / 2 = 104
# pixels above and below; stretched by 0.52 and 1.04.
WIDE = table_of([(0, 1, 100, 100, 300, 200)], [(800, 400)])


def test_letterboxing() -> None:
    shapes = shapes_at_input(WIDE, (416, 416))
    np.testing.assert_allclose(shapes.wh, [[200 * 0.52, 100 * 0.52]])
    assert shapes.centres is not None
    np.testing.assert_allclose(shapes.centres, [[200 * 0.52, 150 * 0.52 + 104]])
    assert (shapes.input_hw, shapes.units, shapes.resize) == ((416, 416), "input", "letterbox")


def test_stretching() -> None:
    shapes = shapes_at_input(WIDE, InputSize((416, 416), "stretch"))
    np.testing.assert_allclose(shapes.wh, [[200 * 0.52, 100 * 1.04]])
    assert shapes.centres is not None
    np.testing.assert_allclose(shapes.centres, [[200 * 0.52, 150 * 1.04]])


def test_an_input_that_is_not_square() -> None:
    # 608 wide, 320 high: min(320 / 400, 608 / 800) = 0.76.
    np.testing.assert_allclose(shapes_at_input(WIDE, (320, 608)).wh, [[152, 76]])


def test_original_units_leave_everything() -> None:
    shapes = shapes_at_input(
        table_of([(0, 1, 100, 100, 300, 200)], [None]), InputSize(units="original")
    )
    assert shapes.wh.tolist() == [[200, 100]]
    assert (shapes.centres, shapes.scales, shapes.input_hw) == (None, None, None)


def test_photos_that_are_stored_turned_are_upright_at_the_input(tmp_path: Path) -> None:
    # Stored 64 x 48, shown 48 x 64, letterboxed to 128 x 128: twice as large, with (128 - 96) / 2 = 16
    # pixels left and right. Stored 8,16,24,40 is upright 8,8,32,24, of which the middle is 20,16.
    write_turned(tmp_path / "a.png", 6, (8, 16, 24, 40))
    (tmp_path / "train.txt").write_text("a.png 8,16,24,40,0\n")
    table = read(tmp_path / "train.txt", names=["ant"])
    shapes = shapes_at_input(table, (128, 128))
    assert shapes.wh.tolist() == [[48, 32]]
    assert shapes.centres is not None
    assert shapes.centres.tolist() == [[20 * 2 + 16, 16 * 2]]
    # keras-yolo3's kmeans.py knows no Exif
    assert shapes_at_input(table, InputSize(units="original")).wh.tolist() == [[16, 24]]


def test_unknown_sizes_are_an_error_that_says_what_to_do() -> None:
    table = table_of([(1, 0, 0, 0, 5, 5)], [(10, 10), None])
    with pytest.raises(
        InputError, match=r"sizes of 1 photos are unknown; the first is 1\.jpg"
    ) as caught:
        shapes_at_input(table)
    assert "--assume-size" in caught.value.hint
    assert "--units original" in caught.value.hint


def test_sizes_can_be_assumed() -> None:
    # 208 high and 832 wide: letterboxed by min(416 / 208, 416 / 832) = 0.5
    table = table_of([(0, 0, 0, 0, 100, 100), (1, 0, 0, 0, 100, 60)], [(416, 416), None])
    shapes = shapes_at_input(table, InputSize(assume_size=(208, 832)))
    assert shapes.wh.tolist() == [[100, 100], [50, 30]]
    stretched = shapes_at_input(table, InputSize(resize="stretch", assume_size=(208, 832)))
    assert stretched.wh.tolist() == [[100, 100], [50, 120]]


def test_an_unknown_size_without_boxes_is_no_matter() -> None:
    assert len(shapes_at_input(table_of([(0, 0, 0, 0, 5, 5)], [(10, 10), None]))) == 1


def test_crowds_are_left_out_and_counted() -> None:
    rows = [(0, 0, 0, 0, 5, 5), (0, 0, 0, 0, 50, 50)]
    shapes = shapes_at_input(table_of(rows, [(100, 100)], crowd=[False, True]), (100, 100))
    assert shapes.wh.tolist() == [[5, 5]]
    assert shapes.skipped == {"marked as a crowd": 1}


def test_bad_boxes_are_left_out_and_counted() -> None:
    nan = float("nan")
    rows = [
        (0, 0, 0, 0, 5, 5),
        (0, 0, 7, 7, 7, 9),  # no width
        (0, 0, 9, 9, 5, 5),  # swapped corners
        (0, 0, nan, 0, 5, 5),
        (0, 1, 0, 0, 1e9, 5),
        (0, 1, 0, 0, 8, 9),
    ]
    shapes = shapes_at_input(table_of(rows, [(100, 100)]), (100, 100))
    assert shapes.wh.tolist() == [[5, 5], [8, 9]]
    assert shapes.class_ids is not None
    assert shapes.class_ids.tolist() == [0, 1]
    assert shapes.skipped == {
        "with NaN or infinite sides": 1,
        "with no area (zero or negative width or height)": 2,
        "absurdly large (over 400 px)": 1,
    }


@pytest.mark.parametrize("bad", [[1, 2, 3], [["a", "b"]], [[1, 2, 3]], np.ones((2, 2, 2))])
def test_arrays_of_another_shape(bad: object) -> None:
    with pytest.raises(InputError, match="Box shapes are an array"):
        shapes_of(bad)  # type: ignore[arg-type]


def test_class_numbers_of_another_length() -> None:
    with pytest.raises(InputError, match="class_ids has the shape"):
        shapes_of([[1, 2]], [0, 1])


@pytest.mark.parametrize("options", [{"resize": "crop"}, {"units": "inches"}])
def test_unknown_words(options: dict[str, str]) -> None:
    with pytest.raises(UnknownName):
        InputSize(**options)  # type: ignore[arg-type]


def test_balanced_weights_give_every_class_the_same() -> None:
    shapes = shapes_of(np.ones((4, 2)), [5, 5, 5, 9])
    weights = box_weights(shapes, "class-balanced")
    # Two classes share 4: two each, by three boxes and by one.
    assert weights is not None
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2])
