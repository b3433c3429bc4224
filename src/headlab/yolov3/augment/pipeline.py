"""From photos to the pictures that a network is trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torchvision.transforms import v2

from headlab.errors import InputError
from headlab.yolov3.augment import keras
from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.photo import (
    Dropped,
    Photo,
    as_photo,
    as_sample,
    image_of,
    visible_boxes,
    with_visible_boxes,
)
from headlab.yolov3.augment.transforms import RandomColours, RandomPad, RandomSize, uniform
from headlab.yolov3.letterbox import Letterbox

MOSAIC_PHOTOS = 4


class Augmenter:
    """Makes one picture of the network's input size from one photo, or from four.

    All random numbers come from torch's global generator. It can be pickled, for a data loader's processes.

    Args:
        options: how photos are varied; None, or options that are not enabled, only letterbox them.
        compat: "keras-yolo3" for the augmentation of that project, flaws included; see `keras`.
        extra: a further transform of torchvision, applied last to photos that are varied. It takes and
            returns {"image": uint8 (3, H, W), "boxes": XYXY (n, 4), "labels": (n,)}.

    Raises:
        InputError: `compat` is unknown, or the options ask for what keras-yolo3 does not have.
    """

    def __init__(
        self,
        options: AugmentOptions | None = None,
        compat: Literal["keras-yolo3"] | None = None,
        extra: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        if compat not in (None, "keras-yolo3"):
            raise InputError(f"compat={compat!r} is unknown.", "Give keras-yolo3, or leave it out.")
        self._options = options if options is not None and options.enabled else None
        self._compat = compat
        self._extra = extra
        if compat and self._options and (self._options.mosaic or self._options.vflip):
            raise InputError(
                "keras-yolo3 has neither mosaics nor vertical flips.",
                "Set mosaic and vflip to 0, or leave compat out.",
            )

    def photos_wanted(self) -> int:
        """How many photos the next picture takes, drawn at random: 1, or 4 for a mosaic."""
        mosaic = self._options.mosaic if self._options else 0
        return MOSAIC_PHOTOS if mosaic and uniform(0, 1) < mosaic else 1

    def __call__(self, photos: Sequence[Photo], input_hw_px: tuple[int, int]) -> Photo:
        """Make a picture.

        Args:
            photos: as many as `photos_wanted` returned.
            input_hw_px: height and width of the picture.

        Returns:
            The picture with the boxes that are left, in its pixels: within it, and more than 1 px wide and
            high (more than 0 px if photos are only letterboxed). The others are counted as `dropped`.

        Raises:
            InputError: this number of photos cannot be used, or `extra` returns another size or type.
        """
        if len(photos) not in ((1, MOSAIC_PHOTOS) if self._options and not self._compat else (1,)):
            raise InputError(f"A picture cannot be made from {len(photos)} photos.")
        if self._options is None:
            return self._letterboxed(photos[0], input_hw_px)
        if self._compat:
            drawn = keras.draw(_random_state(), photos[0], input_hw_px, self._options)
            made = keras.apply(photos[0], drawn)
        elif len(photos) == 1:
            made = _view(photos[0], self._options, input_hw_px, input_hw_px)
        else:
            made = _mosaic(photos, self._options, input_hw_px)
        return made if self._extra is None else _further(made, self._extra)

    def _letterboxed(self, photo: Photo, input_hw_px: tuple[int, int]) -> Photo:
        if self._compat:
            if len(photo.boxes) > keras.MOST_BOXES:
                photo = keras.some_boxes(photo, _random_state())
            return keras.letterboxed(photo, input_hw_px)
        box = Letterbox(photo.hw_px, input_hw_px)
        within = visible_boxes(photo.boxes, photo.hw_px, more_than_px=0)
        corners = torch.from_numpy(box.to_input(within[:, :4].numpy()))
        boxes = torch.cat((corners.to(within.dtype), within[:, 4:]), 1)
        outside = Dropped(cropped=len(photo.boxes) - len(within))
        made = Photo(image_of(box.pixels(photo.pixels)), boxes, outside)
        return with_visible_boxes(made, more_than_px=0)


def _view(
    photo: Photo, options: AugmentOptions, fit_hw_px: tuple[int, int], canvas_hw_px: tuple[int, int]
) -> Photo:
    """A random view of a photo on a grey canvas; at scale 1 it just fits into `fit_hw_px`."""
    steps = v2.Compose(
        [
            RandomSize(
                options.jitter, (options.scale_min, options.scale_max), fit_hw_px, canvas_hw_px
            ),
            v2.RandomHorizontalFlip(options.hflip),
            v2.RandomVerticalFlip(options.vflip),
            RandomColours(options.hue, options.saturation, options.value),
            RandomPad(canvas_hw_px),
        ]
    )
    made = as_photo(steps(as_sample(photo)))
    return with_visible_boxes(made, min_visible=options.min_visible)


def _mosaic(
    photos: Sequence[Photo], options: AugmentOptions, input_hw_px: tuple[int, int]
) -> Photo:
    """Four views, one in each quadrant around a random centre in the middle half of the input.

    At scale 1 a photo just fits into half the width and height of the input, whatever its quadrant's size.
    Source: Bochkovskiy et al., "YOLOv4" (2020).
    """
    height, width = input_hw_px
    centre_y, centre_x = (max(int(side * uniform(0.25, 0.75)), 1) for side in input_hw_px)
    half = max(height // 2, 1), max(width // 2, 1)
    canvas = np.empty((height, width, 3), np.uint8)
    boxes, dropped = [], []
    rows, cols = (
        (slice(0, centre_y), slice(centre_y, height)),
        (slice(0, centre_x), slice(centre_x, width)),
    )
    for photo, (row, col) in zip(photos, ((r, c) for r in rows for c in cols), strict=True):
        quadrant = row.stop - row.start, col.stop - col.start
        view = _view(photo, options, half, quadrant)
        canvas[row, col] = view.pixels
        boxes.append(view.boxes + torch.tensor([col.start, row.start, col.start, row.start, 0.0]))
        dropped.append(view.dropped)
    return Photo(image_of(canvas), torch.cat(boxes), Dropped.total(dropped))


def _further(photo: Photo, extra: Callable[[dict[str, Any]], dict[str, Any]]) -> Photo:
    """The picture after a further transform, boxes clipped to it."""
    made = as_photo(extra(as_sample(photo)))
    if made.image.shape != photo.image.shape or made.image.dtype != torch.uint8:
        raise InputError(
            f"The extra transform turned torch.uint8 {tuple(photo.image.shape)} into {made.image.dtype} "
            f"{tuple(made.image.shape)}.",
            "Use transforms that keep the size and the type of the image.",
        )
    return with_visible_boxes(Photo(made.image, made.boxes, photo.dropped))


def _random_state() -> np.random.RandomState:
    """A generator as keras-yolo3 uses it, seeded from torch's."""
    return np.random.RandomState(int(torch.randint(2**32, ())))
