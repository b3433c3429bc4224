"""From a draw to a sample: read the photo and augment it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from headlab.errors import InputError, SourceError
from headlab.train.data.batch import Draw, Sample
from headlab.train.data.photos import Photos
from headlab.train.data.reading import read_rgb
from headlab.yolov3.augment.photo import Dropped, Photo, image_of

Failures = list[tuple[str, str]]


class Augment(Protocol):
    """Makes the network's input; see `headlab.yolov3.augment.pipeline.Augmenter`."""

    def photos_wanted(self) -> int:
        """How many photos the next image is made of, drawn from torch's generator."""

    def __call__(self, photos: Sequence[Photo], input_hw_px: tuple[int, int]) -> Photo:
        """The image made of these photos, and its boxes."""


class PhotoDataset(Dataset[Sample]):
    """Samples by draw. The same draw always gives the same sample, in whichever process.

    Args:
        photos: the photos to read.
        augmenter: makes a sample of photos.
        seed: the training's seed.
    """

    def __init__(self, photos: Photos, augmenter: Augment, seed: int) -> None:
        self._photos = photos
        self._augmenter = augmenter
        self._seed = seed

    def __len__(self) -> int:
        """The number of photos."""
        return len(self._photos)

    def __getitem__(self, draw: Draw) -> Sample:
        """Make a sample.

        A photo that cannot be read is replaced by the next one that can.

        Raises:
            InputError: no photo can be read.
        """
        failed: Failures = []
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(_mixed(self._seed, draw.epoch, draw.photo))
            more = self._augmenter.photos_wanted() - 1
            others = torch.randint(len(self), (more,)).tolist() if more else []
            read = [self._readable(number, failed) for number in (draw.photo, *others)]
            made = self._augmenter([photo for _, photo in read], draw.input_hw_px)
        augmented = _finite(made)
        index, photo = read[0]
        return Sample(
            augmented.image,
            augmented.boxes,
            index,
            tuple(failed),
            photo.hw_px,
            augmented.dropped,
        )

    def _readable(self, number: int, failed: Failures) -> tuple[int, Photo]:
        """The photo with this number, or the next one that can be read, with its number."""
        for candidate in range(number, number + len(self)):
            index = candidate % len(self)
            path = self._photos.paths[index]
            try:
                pixels = read_rgb(path)
            except SourceError as error:
                if (path, error.message) not in failed:
                    failed.append((path, error.message))
                continue
            boxes = torch.from_numpy(self._photos.boxes[index].copy())
            return index, Photo(image_of(pixels), boxes)
        path, reason = failed[0]
        raise InputError(
            f"None of the {len(self):,} photos can be read, such as {path}: {reason}.",
            "headlab boxes check DATA --deep says what is wrong with each.",
        )


def _finite(picture: Photo) -> Photo:
    """The picture without boxes that have no width or no height.

    Only keras-yolo3's letterboxing leaves such boxes, by truncating corners. As a target, the loss of one is
    infinite; one without a width may become a target although it counts as padding.
    """
    sides = picture.boxes[:, 2:4] - picture.boxes[:, :2]
    usable = (sides > 0).all(1)
    if usable.all():
        return picture
    flat = Dropped(too_small=int((~usable).sum()))
    dropped = Dropped.total([picture.dropped, flat])
    return Photo(picture.image, picture.boxes[usable], dropped)


def _mixed(*numbers: int) -> int:
    """One 64-bit seed of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
