"""The augmentation of keras-yolo3 exactly as it is, to train as keras-yolo3 did.

It differs from headlab's own: a photo is stretched to about the aspect ratio of the input, whatever its own;
the brightness of the grey around it changes too; corners of boxes are truncated to whole pixels; a box of
which two pixels are left is still a truth; and of more than 20 boxes, a random 20 are kept.

Source: `get_random_data` of github.com/qqwweee/keras-yolo3; tests/yolov3/test_augment_keras.py reproduces
recorded results of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from headlab.yolov3.augment.colour import adjust_hsv
from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.photo import Dropped, Photo, image_of
from headlab.yolov3.augment.placement import Placement
from headlab.yolov3.letterbox import Letterbox

MOST_BOXES = 20


@dataclass(frozen=True)
class KerasDraw:
    """The random numbers of one picture.

    Attributes:
        placement: where the photo lies in the input.
        flip: whether the picture is mirrored left and right.
        hue: added to the hue, as a fraction of the colour circle.
        saturation: the factor of the saturation.
        value: the factor of the brightness.
        order: the indices of the boxes, shuffled.
    """

    placement: Placement
    flip: bool
    hue: float
    saturation: float
    value: float
    order: tuple[int, ...]


def draw(
    generator: np.random.RandomState,
    photo: Photo,
    input_hw_px: tuple[int, int],
    options: AugmentOptions,
) -> KerasDraw:
    """Draw as keras-yolo3 does: the same numbers in the same order for the same seed.

    Args:
        generator: the random generator.
        photo: of which only the size and the number of boxes matter.
        input_hw_px: height and width of the input.
        options: jitter, scale, hflip, hue, saturation and value; the defaults are keras-yolo3's.
    """

    def uniform(low: float, high: float) -> float:
        return generator.random_sample() * (high - low) + low

    def factor(largest: float) -> float:
        direct = generator.random_sample() < 0.5
        drawn = uniform(1, largest)
        return drawn if direct else 1 / drawn

    height, width = input_hw_px
    low, high = 1 - options.jitter, 1 + options.jitter
    # Evaluated from left to right: the numbers are drawn in the order of the original.
    ratio = width / height * uniform(low, high) / uniform(low, high)
    scale = uniform(options.scale_min, options.scale_max)
    if ratio < 1:
        new_height = int(scale * height)
        new_width = int(new_height * ratio)
    else:
        new_width = int(scale * width)
        new_height = int(new_width / ratio)
    new_height, new_width = max(new_height, 1), max(new_width, 1)
    left, top = int(uniform(0, width - new_width)), int(uniform(0, height - new_height))
    placement = Placement(photo.hw_px, (new_height, new_width), (left, top), input_hw_px)
    flip = generator.random_sample() < options.hflip
    hue = uniform(-options.hue, options.hue)
    saturation, value = factor(options.saturation), factor(options.value)
    order = tuple(generator.permutation(len(photo.boxes)).tolist())
    return KerasDraw(placement, bool(flip), hue, saturation, value, order)


def apply(photo: Photo, drawn: KerasDraw) -> Photo:
    """The picture for these numbers, with its boxes: whole pixels, each more than 1 px wide and high."""
    pixels = drawn.placement.pixels(photo.pixels)
    if drawn.flip:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    pixels = adjust_hsv(pixels, hue=drawn.hue, saturation=drawn.saturation, value=drawn.value)
    height, width = drawn.placement.canvas_hw_px
    corners, classes = _split(photo)
    corners = np.trunc(drawn.placement.boxes(corners))
    small = int((corners[:, 2:] - corners[:, :2] <= 1).any(1).sum())
    if drawn.flip:
        corners[:, [0, 2]] = width - corners[:, [2, 0]]
    corners = np.clip(corners, 0, (width, height, width, height))
    large = [i for i in drawn.order if (corners[i, 2:] - corners[i, :2] > 1).all()]
    kept = large[:MOST_BOXES]
    cropped, surplus = len(corners) - small - len(large), len(large) - len(kept)
    dropped = Dropped(cropped, small, surplus)
    return Photo(image_of(pixels), _joined(corners[kept], classes[kept]), dropped)


def letterboxed(photo: Photo, input_hw_px: tuple[int, int]) -> Photo:
    """The photo in the middle of the input; boxes in whole pixels, none of them dropped or clipped."""
    (height, width), (input_height, input_width) = photo.hw_px, input_hw_px
    box = Letterbox(photo.hw_px, input_hw_px)
    corners, classes = _split(photo)
    # The original scales by the exact size, not by the one that was truncated to whole pixels.
    scale = min(input_width / width, input_height / height)
    corners = np.trunc(corners * scale + np.array(box.offset_xy_px * 2))
    return Photo(image_of(box.pixels(photo.pixels)), _joined(corners, classes), photo.dropped)


def some_boxes(photo: Photo, generator: np.random.RandomState) -> Photo:
    """The photo with a random 20 of its boxes if it has more."""
    if len(photo.boxes) <= MOST_BOXES:
        return photo
    some = photo.boxes[generator.permutation(len(photo.boxes))[:MOST_BOXES]]
    return Photo(photo.image, some, Dropped(surplus=len(photo.boxes) - MOST_BOXES))


def _split(photo: Photo) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    boxes = photo.boxes.numpy().astype(np.float64)
    return boxes[:, :4], boxes[:, 4:]


def _joined(corners: NDArray[np.float64], classes: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate((corners, classes), 1).astype(np.float32))
