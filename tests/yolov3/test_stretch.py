"""Stretching: the pixels of OpenCV, with which darknet was recorded, and boxes that come back exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.detect.photos import read_bgr
from headlab.yolov3.stretch import Stretch

sides = st.integers(1, 5000)
inputs = st.integers(1, 40).map(lambda n: 32 * n)


@pytest.mark.parametrize("photo", ["dog", "eagle"])
def test_pixels_are_those_that_darknet_was_given(photo: str, shared: Path) -> None:
    with np.load(shared / "golden" / "darknet_tiny_opencv.npz") as held:
        expected = held[f"{photo}_input_rgb"]
    image = read_bgr(shared / "photos" / f"{photo}.jpg")
    made = Stretch(image.shape[:2], (416, 416)).pixels(image)
    assert (made[..., ::-1] == expected).all()


def test_each_side_has_its_own_factor_by_hand() -> None:
    """640 x 480 px in 416 x 416: x by 416 / 640 = 0.65, y by 416 / 480 = 13 / 15.

    The box 65,104,195,260 of the input: x = 65 / 0.65 = 100 and 195 / 0.65 = 300;
    y = 104 * 15 / 13 = 120 and 260 * 15 / 13 = 300.
    """
    stretch = Stretch((480, 640), (416, 416))
    boxes = np.array([[65.0, 104.0, 195.0, 260.0]])
    np.testing.assert_allclose(stretch.to_image(boxes), [[100, 120, 300, 300]])
    beyond = np.array([[-9.0, -9.0, 999.0, 999.0]])
    np.testing.assert_allclose(stretch.to_image(beyond, clip=True), [[0, 0, 640, 480]])


@given(sides, sides, inputs, inputs, st.tuples(*[st.floats(0, 5000)] * 4))
def test_boxes_come_back(
    height: int, width: int, input_height: int, input_width: int, box: tuple[float, ...]
) -> None:
    stretch = Stretch((height, width), (input_height, input_width))
    back = stretch.to_image(stretch.to_input(np.array(box)))
    np.testing.assert_allclose(back, box, atol=1e-9, rtol=1e-12)
