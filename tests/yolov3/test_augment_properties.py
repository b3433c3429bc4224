"""What holds for every augmented picture, whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.photo import Photo, as_sample, image_of
from headlab.yolov3.augment.pipeline import Augmenter
from headlab.yolov3.augment.transforms import RandomSize

# Of all mixtures of these, the nearest colour is the one of which there is most: they are equally far apart.
COLOURS = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)], np.uint8)
MODES = {
    "default": Augmenter(AugmentOptions(vflip=0.5, hue=0.0, saturation=1.0, value=1.0)),
    "mosaic": Augmenter(AugmentOptions(vflip=0.5, hue=0.0, saturation=1.0, value=1.0, mosaic=1.0)),
    "keras-yolo3": Augmenter(AugmentOptions(hue=0.0, saturation=1.0, value=1.0), "keras-yolo3"),
    "letterbox": Augmenter(),
}
modes = st.sampled_from(sorted(MODES))
seeds = st.integers(0, 2**31)
inputs = st.tuples(st.integers(1, 4), st.integers(1, 4)).map(lambda n: (32 * n[0], 32 * n[1]))
sizes = st.one_of(
    st.tuples(st.integers(1, 150), st.integers(1, 150)),
    st.sampled_from([(1, 1), (1, 3000), (3000, 1), (7, 2000)]),
)
shares = st.floats(0.2, 0.8)


def quarters(hw: tuple[int, int], across: float, down: float) -> Photo:
    """Four rectangles, each of its class's colour."""
    height, width = hw
    x, y = round(width * across), round(height * down)
    pixels = np.empty((height, width, 3), np.uint8)
    boxes = []
    spans = [(slice(*r), slice(*c)) for r in ((0, y), (y, height)) for c in ((0, x), (x, width))]
    for number, (rows, cols) in enumerate(spans):
        pixels[rows, cols] = COLOURS[number]
        boxes.append([cols.start, rows.start, cols.stop, rows.stop, number])
    return Photo(image_of(pixels), torch.tensor(boxes, dtype=torch.float32))


def make(mode: str, photo: Photo, input_hw: tuple[int, int], seed: int) -> Photo:
    torch.manual_seed(seed)
    augmenter = MODES[mode]
    return augmenter([photo] * augmenter.photos_wanted(), input_hw)


@given(modes, sizes, shares, shares, inputs, seeds)
@settings(max_examples=150, deadline=None)
def test_boxes_lie_within_the_picture_on_their_colours(
    mode: str,
    hw: tuple[int, int],
    across: float,
    down: float,
    input_hw: tuple[int, int],
    seed: int,
) -> None:
    made = make(mode, quarters(hw, across, down), input_hw, seed)
    assert made.image.shape == (3, *input_hw)
    assert made.image.dtype == torch.uint8
    assert made.boxes.dtype == torch.float32
    height, width = input_hw
    for x1, y1, x2, y2, number in made.boxes.tolist():
        assert 0 <= x1 <= x2 <= width
        assert 0 <= y1 <= y2 <= height
        if mode != "letterbox":
            assert min(x2 - x1, y2 - y1) > 1
        if min(x2 - x1, y2 - y1) >= 4:
            colour = made.pixels[int((y1 + y2) / 2), int((x1 + x2) / 2)].astype(int)
            assert np.abs(COLOURS - colour).sum(1).argmin() == number


@given(modes, sizes, inputs, seeds)
@settings(max_examples=40, deadline=None)
def test_the_seed_decides_everything(
    mode: str, hw: tuple[int, int], input_hw: tuple[int, int], seed: int
) -> None:
    photo = quarters(hw, 0.5, 0.5)
    np.random.seed(seed % 1000)
    first = make(mode, photo, input_hw, seed)
    np.random.seed(1)
    second = make(mode, photo, input_hw, seed)
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.boxes, second.boxes)


@given(sizes, inputs, seeds, st.floats(0, 0.9))
@settings(max_examples=100, deadline=None)
def test_a_photo_of_scale_1_is_seen_whole_and_about_in_its_shape(
    hw: tuple[int, int], input_hw: tuple[int, int], seed: int, jitter: float
) -> None:
    torch.manual_seed(seed)
    photo = quarters(hw, 0.5, 0.5)
    height, width = RandomSize(jitter, (1.0, 1.0), input_hw, (10**9, 10**9))(as_sample(photo))[
        "image"
    ].shape[1:]
    assert width <= input_hw[1]
    assert height <= input_hw[0]
    assert width == input_hw[1] or height == input_hw[0], "it just fits"
    most = (1 + jitter) / (1 - jitter)
    # Half a pixel of rounding either way; at least one pixel is left.
    assert (
        max(width - 0.5, 1e-9) / (height + 0.5) <= hw[1] / hw[0] * most * (1 + 1e-5) or width == 1
    )
    assert (
        max(height - 0.5, 1e-9) / (width + 0.5) <= hw[0] / hw[1] * most * (1 + 1e-5) or height == 1
    )


@pytest.mark.parametrize("mode", sorted(MODES))
def test_photos_without_boxes(mode: str) -> None:
    empty = Photo(torch.zeros(3, 30, 40, dtype=torch.uint8), torch.zeros(0, 5))
    made = make(mode, empty, (64, 96), 0)
    assert made.boxes.shape == (0, 5)
    assert made.image.shape == (3, 64, 96)


def test_a_mosaic_shows_four_photos_in_four_quadrants() -> None:
    """Each photo is of one colour and larger than its quadrant, so that the quadrants are what is seen."""
    options = AugmentOptions(
        jitter=0.0, scale_min=2.0, scale_max=2.0, hue=0, saturation=1, value=1, min_visible=0
    )
    photos = []
    for number, colour in enumerate(COLOURS):
        pixels = np.full((80, 80, 3), colour, np.uint8)
        photos.append(Photo(image_of(pixels), torch.tensor([[0, 0, 80, 80, float(number)]])))
    torch.manual_seed(5)
    made = Augmenter(options)(photos, (128, 96))
    spans = made.boxes[:, :4].round().int().tolist()
    assert made.boxes[:, 4].tolist() == [0, 1, 2, 3]
    x, y = spans[0][2:]
    assert 24 <= x <= 72
    assert 32 <= y <= 96
    assert spans == [[0, 0, x, y], [x, 0, 96, y], [0, y, x, 128], [x, y, 96, 128]]
    for (left, top, right, bottom), colour in zip(spans, COLOURS, strict=True):
        assert (made.pixels[top:bottom, left:right] == colour).all()
