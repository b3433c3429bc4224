"""Augmentation by hand: where photos, boxes and colours go."""

from __future__ import annotations

import colorsys
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from headlab.errors import InputError
from headlab.yolov3.augment.colour import adjust_hsv
from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.photo import Dropped, Photo, image_of, visible_boxes
from headlab.yolov3.augment.pipeline import Augmenter
from headlab.yolov3.augment.placement import Placement
from headlab.yolov3.augment.transforms import RandomColours
from headlab.yolov3.letterbox import GREY

STILL: dict[str, Any] = {
    "jitter": 0.0,
    "scale_min": 1.0,
    "scale_max": 1.0,
    "hflip": 0.0,
    "hue": 0.0,
    "saturation": 1.0,
    "value": 1.0,
}
BOX = (10.0, 20.0, 30.0, 60.0, 7.0)


def noise(height: int, width: int, *boxes: tuple[float, ...]) -> Photo:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Photo(image_of(pixels), torch.tensor(boxes, dtype=torch.float32).reshape(-1, 5))


def test_where_a_placement_takes_a_box() -> None:
    """100 x 50 px become 200 x 100 px: everything doubles, 20 px are lost on the left, 30 lie above."""
    placement = Placement((50, 100), (100, 200), (-20, 30), (160, 160))
    moved = placement.boxes(np.array([[10, 10, 60, 30]], np.float32))
    assert moved.tolist() == [[0, 50, 100, 90]]


def test_a_placement_shows_a_part_of_the_resized_photo() -> None:
    photo = noise(50, 100)
    whole = np.asarray(Image.fromarray(photo.pixels).resize((200, 100), Image.Resampling.BICUBIC))
    made = Placement((50, 100), (100, 200), (-20, 30), (160, 160)).pixels(photo.pixels)
    difference = made[30:130].astype(int) - whole[:, 20:180]
    assert np.abs(difference).max() <= 2, "Pillow's rounding"
    assert (made[:30] == GREY).all()
    assert (made[130:] == GREY).all()


@pytest.mark.parametrize(
    ("flips", "expected"),
    [
        ({}, [20, 40, 60, 120, 7]),
        ({"hflip": 1.0}, [140, 40, 180, 120, 7]),
        ({"vflip": 1.0}, [20, 80, 60, 160, 7]),
        ({"hflip": 1.0, "vflip": 1.0}, [140, 80, 180, 160, 7]),
    ],
)
def test_flips(flips: dict, expected: list[int]) -> None:
    """100 px become 200; x is mirrored at 100, so that 20 and 60 become 180 and 140, and so is y."""
    photo = noise(100, 100, BOX)
    made = Augmenter(AugmentOptions(**{**STILL, **flips}))([photo], (200, 200))
    torch.testing.assert_close(made.boxes, torch.tensor([expected], dtype=torch.float32))
    still = Augmenter(AugmentOptions(**STILL))([photo], (200, 200))
    axes = [axis for name, axis in (("hflip", 2), ("vflip", 1)) if name in flips]
    assert torch.equal(made.image, still.image.flip(axes))


def test_the_padding_is_grey_and_the_photo_has_its_size() -> None:
    """A black photo of 100 x 50 px at scale 1/2 of 64 px: 32 x 16 px stay black, and grey stays 128."""
    black = Photo(torch.zeros(3, 50, 100, dtype=torch.uint8), torch.tensor([[0, 0, 100, 50, 1.0]]))
    options = AugmentOptions(jitter=0.0, scale_min=0.5, scale_max=0.5)
    places = set()
    for seed in range(8):
        torch.manual_seed(seed)
        made = Augmenter(options)([black], (64, 64))
        left, top, right, bottom = (round(each) for each in made.boxes[0, :4].tolist())
        assert (right - left, bottom - top) == (32, 16)
        assert (made.image[:, top:bottom, left:right] == 0).all()
        assert (made.image == GREY).sum() == 3 * (64 * 64 - 32 * 16)
        places.add((left, top))
    assert len(places) > 4, "it is laid anywhere"


def test_how_much_must_be_left_of_a_box() -> None:
    """70 of its 100 px in width and all in height are within 100 px: 0.7. Then 70 x 40 of 70 x 80: 0.5."""
    boxes = torch.tensor([[-30, 10, 70, 50, 1.0], [10, 60, 80, 140, 2.0]])
    cut = [[0, 10, 70, 50, 1], [10, 60, 80, 100, 2]]
    for share, left in ((0.5, cut), (0.51, cut[:1]), (0.7, cut[:1]), (0.71, [])):
        assert visible_boxes(boxes, (100, 100), min_visible=share).tolist() == left


def test_more_than_a_pixel_must_be_left_of_a_box() -> None:
    boxes = torch.tensor([[99, 0, 120, 9, 1.0], [98.5, 0, 120, 9, 2.0], [0, -5, 9, 1, 3.0]])
    assert visible_boxes(boxes, (100, 100))[:, 4].tolist() == [2]
    assert visible_boxes(boxes, (100, 100), more_than_px=0)[:, 4].tolist() == [1, 2, 3]


def test_what_is_dropped_is_counted() -> None:
    """Nothing moves: slivers of a pixel are too small, and what is outside is cropped."""
    boxes = [BOX, (5, 5, 6, 90, 1), (0, 40, 80, 40.5, 1), (-50, 3, 0.5, 9, 2), (99.5, 0, 140, 9, 2)]
    made = Augmenter(AugmentOptions(**STILL))([noise(100, 100, *boxes)], (100, 100))
    assert made.boxes[:, 4].tolist() == [7]
    # Boxes are clipped to the photo before they are placed: of the last two, half a pixel is left.
    assert made.dropped == Dropped(cropped=0, too_small=4)
    still = Augmenter(None)([noise(100, 100, *boxes, (120, 0, 140, 9, 2))], (100, 100))
    assert (len(still.boxes), still.dropped) == (5, Dropped(cropped=1))
    mosaic = Augmenter(AugmentOptions(**STILL, mosaic=1.0))
    photos = [noise(100, 100, *boxes)] * 4
    made = mosaic(photos, (100, 100))
    assert len(made.boxes) + sum(made.dropped) == 4 * len(boxes)
    assert made.dropped.too_small >= 4 * 4


def test_a_crop_drops_boxes_with_their_classes() -> None:
    """At scale 4, a quarter of the width and height is seen: of four boxes in the corners, not all."""
    corners = [(0, 0), (80, 0), (0, 80), (80, 80)]
    photo = noise(100, 100, *((x, y, x + 20.0, y + 20.0, i) for i, (x, y) in enumerate(corners)))
    options = AugmentOptions(**{**STILL, "scale_min": 4.0, "scale_max": 4.0})
    torch.manual_seed(0)
    counts = [len(Augmenter(options)([photo], (96, 96)).boxes) for _ in range(20)]
    assert max(counts) <= 1
    assert 0 in counts


def test_what_lies_beyond_the_photo_is_no_part_of_a_box() -> None:
    """50 px at scale 2; half of the box is beyond the photo, the rest of it is all there is."""
    options = AugmentOptions(**STILL, min_visible=0.9)
    photo = noise(50, 50, (-20.0, 0.0, 20.0, 10.0, 1.0))
    for augmenter in (Augmenter(options), Augmenter()):
        made = augmenter([photo], (100, 100))
        torch.testing.assert_close(made.boxes, torch.tensor([[0, 0, 40, 20, 1.0]]))


def test_the_letterbox_drops_empty_boxes() -> None:
    photo = noise(50, 50, (5.0, 5.0, 5.0, 9.0, 0.0), (60.0, 0.0, 70.0, 9.0, 1.0), (1, 2, 3, 4.5, 2))
    assert Augmenter()([photo], (100, 200)).boxes.tolist() == [[52, 4, 56, 9, 2]]


@pytest.mark.parametrize("turn", [(0.0, 1.0, 1.0), (0.1, 1.5, 0.7), (-0.5, 0.7, 1.5)])
def test_colours_are_those_of_the_definition(turn: tuple[float, float, float]) -> None:
    """colorsys reckons in double precision; ours are rounded to whole numbers."""
    hue, saturation, value = turn
    pixels = noise(20, 30).pixels
    made = adjust_hsv(pixels, hue=hue, saturation=saturation, value=value)
    for before, after in zip(pixels.reshape(-1, 3), made.reshape(-1, 3), strict=True):
        h, s, v = colorsys.rgb_to_hsv(*(before / 255.0))
        expected = colorsys.hsv_to_rgb((h + hue) % 1, min(s * saturation, 1), min(v * value, 1))
        np.testing.assert_allclose(after, np.array(expected) * 255, atol=0.5 + 1e-3)


def test_a_third_of_a_turn_makes_red_green() -> None:
    made = adjust_hsv(np.array([[[255, 0, 0]]], np.uint8), hue=1 / 3, saturation=1, value=1)
    assert made.tolist() == [[[0, 255, 0]]]


def test_colours_change_within_the_photo() -> None:
    options = AugmentOptions(**{**STILL, "hue": 0.1, "saturation": 1.5, "value": 1.5})
    photo = noise(64, 64, BOX)
    torch.manual_seed(0)
    made = Augmenter(options)([photo], (64, 64))
    assert not torch.equal(made.image, photo.image)
    torch.testing.assert_close(made.boxes, photo.boxes)


def test_factors_are_drawn_as_often_below_1_as_above() -> None:
    torch.manual_seed(0)
    drawn = [RandomColours(0.1, 1.5, 2.0).make_params([]) for _ in range(400)]
    for name, least, most in (("saturation", 1 / 1.5, 1.5), ("value", 0.5, 2)):
        factors = [each[name] for each in drawn]
        assert least <= min(factors) < least + 0.05
        assert most - 0.05 < max(factors) <= most
        assert 160 < sum(factor < 1 for factor in factors) < 240
    hues = [each["hue"] for each in drawn]
    assert -0.1 <= min(hues) < -0.09
    assert 0.09 < max(hues) <= 0.1


def test_the_share_of_mosaics() -> None:
    torch.manual_seed(0)
    augmenter = Augmenter(AugmentOptions(mosaic=0.25))
    wanted = [augmenter.photos_wanted() for _ in range(1000)]
    assert set(wanted) == {1, 4}
    assert 200 < wanted.count(4) < 300
    for never in (Augmenter(), Augmenter(AugmentOptions(enabled=False, mosaic=1.0))):
        assert never.photos_wanted() == 1
    assert Augmenter(AugmentOptions(), "keras-yolo3").photos_wanted() == 1


@pytest.mark.parametrize("count", [0, 2, 5])
def test_another_number_of_photos_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=f"from {count} photos"):
        Augmenter(AugmentOptions(mosaic=1.0))([noise(9, 9)] * count, (32, 32))
    with pytest.raises(InputError, match="from 4 photos"):
        Augmenter()([noise(9, 9)] * 4, (32, 32))


def test_a_further_transform_of_torchvision() -> None:
    still = AugmentOptions(**STILL)
    photo = noise(100, 100, BOX)
    made = Augmenter(still, extra=v2.RandomHorizontalFlip(1.0))([photo], (200, 200))
    torch.testing.assert_close(made.boxes, torch.tensor([[140, 40, 180, 120, 7.0]]))
    with pytest.raises(InputError, match=r"into torch.uint8 \(3, 10, 10\)"):
        Augmenter(still, extra=v2.Resize((10, 10)))([photo], (200, 200))


def test_it_pickles() -> None:
    augmenter = Augmenter(AugmentOptions(), extra=v2.RandomGrayscale(0.5))
    pictures = []
    for each in (augmenter, pickle.loads(pickle.dumps(augmenter))):  # noqa: S301
        torch.manual_seed(3)
        pictures.append(each([noise(60, 80, BOX)], (64, 96)))
    assert torch.equal(pictures[0].image, pictures[1].image)
    assert torch.equal(pictures[0].boxes, pictures[1].boxes)
