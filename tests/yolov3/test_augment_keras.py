"""The augmentation of keras-yolo3: its recorded draws, pixels and boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headlab.yolov3.augment import keras
from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.photo import Dropped, Photo, image_of
from headlab.yolov3.augment.pipeline import Augmenter
from headlab.yolov3.augment.placement import Placement

FIXED = ("downscale_300x234", "landscape_100x60", "nonsquare_133x77", "portrait_75x131")
ZOOM_IN = ("a_100x60_flip_zoomin", "c_75x131_noflip_zoomin")
ZOOM_OUT = ("b_100x60_noflip_zoomout", "d_75x131_flip_zoomout")

Held = dict[str, Any]


def recorded(shared: Path, kind: str, name: str) -> tuple[Photo, tuple[int, int], Held]:
    with np.load(shared / "golden" / f"augment_{kind}_{name}.npz") as file:
        held = dict(file)
    photo = Photo(image_of(held["image"]), torch.from_numpy(held["boxes"].astype(np.float32)))
    height, width = held["input_shape"].tolist()
    return photo, (height, width), held


def drawn(shared: Path, name: str) -> tuple[Photo, keras.KerasDraw, Held]:
    photo, input_hw, held = recorded(shared, "random", name)
    generator = np.random.RandomState(int(held["seed"]))
    return photo, keras.draw(generator, photo, input_hw, AugmentOptions()), held


@pytest.mark.parametrize("name", FIXED)
def test_the_letterbox(name: str, shared: Path) -> None:
    photo, input_hw, held = recorded(shared, "fixed", name)
    made = Augmenter(None, "keras-yolo3")([photo], input_hw)
    np.testing.assert_array_equal(made.pixels, held["out_image_uint8"])
    np.testing.assert_array_equal(made.boxes.numpy(), held["out_boxes_in_input_order"])


@pytest.mark.parametrize("name", FIXED)
def test_the_default_letterbox_has_the_same_pixels(name: str, shared: Path) -> None:
    """Its boxes are not cut off to whole pixels: they lie less than a pixel to the right and below.

    Two more come from the size, which the original cuts off to whole pixels for the image alone.
    """
    photo, input_hw, held = recorded(shared, "fixed", name)
    made = Augmenter(AugmentOptions(enabled=False))([photo], input_hw)
    np.testing.assert_array_equal(made.pixels, held["out_image_uint8"])
    full = (photo.boxes[:, 2:4] > photo.boxes[:, :2]).all(1).numpy()
    expected = held["out_boxes_in_input_order"][full]
    np.testing.assert_array_equal(made.boxes[:, 4].numpy(), expected[:, 4])
    np.testing.assert_allclose(made.boxes.numpy(), expected, atol=2)
    assert (made.boxes != made.boxes.round()).any()


@pytest.mark.parametrize("name", ZOOM_IN + ZOOM_OUT)
def test_the_draws_are_those_of_the_same_seed(name: str, shared: Path) -> None:
    _, made, held = drawn(shared, name)
    assert made.placement.size_hw_px == (held["nh"], held["nw"])
    assert made.placement.offset_xy_px == (held["dx"], held["dy"])
    assert made.flip == held["flip"]
    assert (made.hue, made.saturation, made.value) == (held["hue"], held["sat"], held["val"])


@pytest.mark.parametrize("name", ZOOM_IN + ZOOM_OUT)
def test_the_boxes_are_the_same_in_the_same_order(name: str, shared: Path) -> None:
    photo, draws, held = drawn(shared, name)
    boxes = keras.apply(photo, draws).boxes.numpy()
    np.testing.assert_array_equal(boxes, held["out_box_data"][: len(boxes)])
    assert not held["out_box_data"][len(boxes) :].any(), "none is missing"


@pytest.mark.parametrize("name", ZOOM_OUT)
def test_the_pixels_of_a_whole_photo_differ_by_their_rounding(name: str, shared: Path) -> None:
    """The original's are not rounded to 8 bits: half a step. It reckons in double precision: 0.001 more."""
    photo, draws, held = drawn(shared, name)
    difference = np.abs(keras.apply(photo, draws).pixels - held["out_image"] * 255.0)
    assert difference.max() <= 0.5 + 1e-3


@pytest.mark.parametrize("name", ZOOM_IN)
def test_the_pixels_of_a_part_differ_where_pillow_rounds(name: str, shared: Path) -> None:
    """A part resized alone starts at an edge in single precision: one step more at one number in 1000.

    The recorded draws scale no number by more than 1, so the colours add nothing to the step.
    """
    photo, draws, held = drawn(shared, name)
    difference = np.abs(keras.apply(photo, draws).pixels - held["out_image"] * 255.0)
    assert difference.max() <= 1.5 + 1e-3
    assert (difference > 0.5 + 1e-3).mean() < 1e-3


def draw_of(flip: bool = False, order: tuple[int, ...] = (0,), **other: Any) -> keras.KerasDraw:
    placement = Placement((50, 50), (100, 100), (-10, 20), (100, 100))
    values = {"hue": 0.0, "saturation": 1.0, "value": 1.0, **other}
    return keras.KerasDraw(placement, flip, order=order, **values)


def photo_of(*boxes: tuple[float, ...]) -> Photo:
    return Photo(
        torch.zeros(3, 50, 50, dtype=torch.uint8), torch.tensor(boxes, dtype=torch.float32)
    )


def test_boxes_are_cut_off_to_whole_pixels_before_they_are_clipped() -> None:
    """5.7 * 2 - 10 = 1.4 -> 1; 30.4 * 2 + 20 = 80.8 -> 80; 60 * 2 - 10 = 110 -> 100."""
    photo = photo_of((5.7, 3, 60, 30.4, 2))
    assert keras.apply(photo, draw_of()).boxes.tolist() == [[1, 26, 100, 80, 2]]
    assert keras.apply(photo, draw_of(flip=True)).boxes.tolist() == [[0, 26, 99, 80, 2]]


def test_two_pixels_are_a_truth_and_one_is_none() -> None:
    """x2 = 6 * 2 - 10 = 2 px are left of the first, x2 = 5.9 * 2 - 10 = 1.8 -> 1 of the second."""
    made = keras.apply(photo_of((0, 3, 6, 30, 2), (0, 3, 5.9, 30, 1)), draw_of(order=(0, 1)))
    assert made.boxes.tolist() == [[0, 26, 2, 80, 2]]


def test_the_grey_changes_with_the_photo() -> None:
    """128 * 1.25 = 160; the photo is black."""
    made = keras.apply(photo_of((0, 0, 50, 50, 0)), draw_of(value=1.25))
    assert (made.image[:, :20] == 160).all()
    assert (made.image[:, 20:, :90] == 0).all()
    assert (made.image[:, 20:, 90:] == 160).all()


def test_no_more_than_20_boxes_are_kept() -> None:
    many = photo_of(*((10.0, 10.0, 40.0, 40.0, float(i)) for i in range(25)))
    order = tuple(range(24, -1, -1))
    made = keras.apply(many, draw_of(order=order))
    assert made.boxes[:, 4].tolist() == list(range(24, 4, -1))
    torch.manual_seed(0)
    held = Augmenter(None, "keras-yolo3")([many], (64, 64))
    assert len(set(held.boxes[:, 4].tolist())) == 20
    again = Augmenter(None, "keras-yolo3")([many], (64, 64))
    assert held.boxes[:, 4].tolist() != again.boxes[:, 4].tolist(), "another 20"


def test_the_letterbox_clips_and_drops_nothing() -> None:
    """100 / 50 = 2; a box without a width, and one beyond the photo."""
    made = Augmenter(None, "keras-yolo3")(
        [photo_of((5, 5, 5, 9, 0), (-3, 4, 70, 8, 1))], (100, 100)
    )
    assert made.boxes.tolist() == [[10, 10, 10, 18, 0], [-6, 8, 140, 16, 1]]


def test_a_photo_is_squashed_to_the_aspect_ratio_of_the_input() -> None:
    wide = Photo(torch.zeros(3, 10, 200, dtype=torch.uint8), torch.zeros(0, 5))
    made = keras.draw(np.random.RandomState(0), wide, (96, 96), AugmentOptions(jitter=0.0))
    height, width = made.placement.size_hw_px
    assert height == width


def test_what_keras_yolo3_drops_is_counted() -> None:
    """25 boxes of 10 px, of which 20 are taken, and one of a pixel; nothing moves."""
    boxes = [*((10, 10, 20, 20, at % 4) for at in range(25)), (40, 40, 41, 60, 0)]
    options = AugmentOptions(jitter=0.0, scale_min=1.0, scale_max=1.0, hflip=0.0)
    made = Augmenter(options, "keras-yolo3")([photo_of(*boxes)], (50, 50))
    assert len(made.boxes) == 20
    assert made.dropped == Dropped(too_small=1, surplus=5)
    plain = Augmenter(None, "keras-yolo3")([photo_of(*boxes)], (50, 50))
    assert (len(plain.boxes), plain.dropped) == (20, Dropped(surplus=6))
