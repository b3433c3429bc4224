"""The network's input as one value: its size, how photos are brought to it, what replaces a default."""

from __future__ import annotations

import pytest

import headlab
from headlab.boxes.input_size import InputSize, size_text
from headlab.errors import InputError, UnknownName


@pytest.mark.parametrize(
    ("imgsz", "hw_px"), [(None, (416, 416)), (320, (320, 320)), ((320, 608), (320, 608))]
)
def test_a_side_or_height_and_width(
    imgsz: int | tuple[int, int] | None, hw_px: tuple[int, int]
) -> None:
    assert InputSize.of(imgsz).hw_px == hw_px
    assert headlab.InputSize(imgsz).hw_px == hw_px


def test_a_value_stays_as_it_is() -> None:
    value = InputSize(608, "stretch", "original", (375, 500))
    assert InputSize.of(value) is value


def test_a_file_of_anchors_decides_only_where_nothing_was_chosen() -> None:
    stretched = InputSize(resize="stretch", assume_size=(375, 500))
    assert stretched.or_of((320, 608)) == InputSize((320, 608), "stretch", "input", (375, 500))
    assert stretched.or_of(None).hw_px == (416, 416)
    assert InputSize(416).or_of((320, 608)).hw_px == (416, 416)


def test_so_does_a_file_that_says_how_photos_are_resized() -> None:
    assert InputSize().or_of(None, "stretch").resize_used == "stretch"
    assert InputSize(resize="letterbox").or_of(None, "stretch").resize_used == "letterbox"
    assert InputSize().or_of(None, None).resize_used == "letterbox"


def test_sizes_are_written_height_first() -> None:
    assert size_text((320, 608)) == "320 x 608 px (height x width)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"imgsz": 0}, "An input of 0 x 0 px (height x width) has no area."),
        ({"imgsz": (416, -1)}, "An input of 416 x -1 px (height x width) has no area."),
        ({"assume_size": (0, 500)}, "A photo of 0 x 500 px (height x width) has no area."),
        ({"imgsz": 416.5}, "imgsz is 416.5; positive pixels were expected."),
        ({"imgsz": "416"}, "imgsz is 416; positive pixels were expected."),
        ({"imgsz": (1, 2, 3)}, "imgsz is (1, 2, 3); positive pixels were expected."),
        ({"imgsz": 10**400}, f"imgsz is 1{'0' * 39}…: at most 32768 px are allowed."),
        (
            {"assume_size": (float("nan"), 500)},
            "assume_size is (nan, 500); positive pixels were expected.",
        ),
        ({"resize": "crop"}, "There is no way to resize 'crop'."),
        ({"units": "inches"}, "There is no unit 'inches'."),
    ],
)
def test_what_is_no_input_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises((InputError, UnknownName)) as refused:
        InputSize(**wrong)  # type: ignore[arg-type]
    assert refused.value.message == message
