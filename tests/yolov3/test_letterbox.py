"""The letterbox: pixels of the original, and boxes that come back exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.yolov3.letterbox import GREY, Letterbox

GOLDEN = (
    "augment_fixed_downscale_300x234",
    "augment_fixed_landscape_100x60",
    "augment_fixed_nonsquare_133x77",
    "augment_fixed_portrait_75x131",
)
sides = st.integers(1, 5000)
inputs = st.integers(1, 40).map(lambda n: 32 * n)


@pytest.mark.parametrize("name", GOLDEN)
def test_pixels_are_those_of_keras_yolo3(name: str, shared: Path) -> None:
    with np.load(shared / "golden" / f"{name}.npz") as held:
        image, expected = held["image"], held["out_image_uint8"]
        boxes, moved = held["boxes"], held["out_boxes_in_input_order"]
    box = Letterbox(image.shape[:2], expected.shape[:2])
    assert (box.pixels(image) == expected).all()
    # The original cuts coordinates off to whole pixels, and does not scale by the cut-off size.
    np.testing.assert_allclose(box.to_input(boxes[:, :4].astype(float)), moved[:, :4], atol=2)


def test_the_order_of_channels_does_not_matter() -> None:
    image = np.random.default_rng(0).integers(0, 256, (37, 51, 3), np.uint8)
    box = Letterbox((37, 51), (64, 96))
    assert (box.pixels(image[..., ::-1]) == box.pixels(image)[..., ::-1]).all()


def test_where_the_image_lies_by_hand() -> None:
    """A photo of 640 x 480 px in 416 x 416: scale 0.65, 416 x 312 px, (416 - 312) / 2 = 52 px above.

    The box 65,104,195,260 of the input: x = 65 / 0.65 = 100 and 195 / 0.65 = 300;
    y = (104 - 52) / 0.65 = 80 and (260 - 52) / 0.65 = 320.
    """
    box = Letterbox((480, 640), (416, 416))
    assert box.resized_hw_px == (312, 416)
    assert box.offset_xy_px == (0, 52)
    mapped = box.to_image(np.array([[65.0, 104.0, 195.0, 260.0]]))
    np.testing.assert_allclose(mapped, [[100, 80, 300, 320]])
    pixels = box.pixels(np.zeros((480, 640, 3), np.uint8))
    assert (pixels[:52] == GREY).all()
    assert (pixels[-52:] == GREY).all()
    assert (pixels[52:-52] == 0).all()


def test_a_rounding_error_costs_a_pixel_as_in_the_original() -> None:
    """180 * (416 / 180) = 415.99999999999994."""
    assert Letterbox((90, 180), (416, 416)).resized_hw_px == (207, 415)


def test_boxes_are_clipped_where_asked() -> None:
    box = Letterbox((480, 640), (416, 416))
    whole = np.array([0.0, 0.0, 416.0, 416.0])
    np.testing.assert_allclose(box.to_image(whole), [0, -80, 640, 560])
    np.testing.assert_allclose(box.to_image(whole, clip=True), [0, 0, 640, 480])


@pytest.mark.parametrize("image", [(1, 5000), (5000, 1), (1, 1)])
def test_the_thinnest_image_keeps_a_pixel(image: tuple[int, int]) -> None:
    box = Letterbox(image, (64, 64))
    assert min(box.resized_hw_px) >= 1
    assert box.pixels(np.zeros((*image, 3), np.uint8)).shape == (64, 64, 3)


@given(sides, sides, inputs, inputs, st.lists(st.floats(-1e4, 1e4), min_size=4, max_size=4))
def test_boxes_come_back(
    height: int, width: int, input_height: int, input_width: int, box: list[float]
) -> None:
    letterbox = Letterbox((height, width), (input_height, input_width))
    back = letterbox.to_image(letterbox.to_input(np.array(box)))
    np.testing.assert_allclose(back, box, rtol=1e-9, atol=1e-6)


@given(sides, sides, inputs, inputs)
def test_the_image_lies_within_the_input(
    height: int, width: int, input_height: int, input_width: int
) -> None:
    letterbox = Letterbox((height, width), (input_height, input_width))
    (rows, cols), (left, top) = letterbox.resized_hw_px, letterbox.offset_xy_px
    assert 0 <= left <= left + cols <= input_width
    assert 0 <= top <= top + rows <= input_height
    assert rows + 2 >= input_height or cols + 2 >= input_width, "it fills one direction"
