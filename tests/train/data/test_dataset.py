from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from photo_files import photo_set

from headlab.errors import InputError
from headlab.train.configuration.config import DataConfig
from headlab.train.data.batch import Draw, Sample
from headlab.train.data.dataset import PhotoDataset
from headlab.train.data.photos import Photos
from headlab.train.data.reading import read_rgb
from headlab.train.data.splits import read_data
from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.pipeline import Augmenter
from headlab.yolov3.letterbox import Letterbox

SIZE = (96, 96)
LETTERBOX = Augmenter(None)
VARIED = Augmenter(AugmentOptions())
MOSAIC = Augmenter(AugmentOptions(mosaic=1.0))


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    return photo_set(tmp_path, 6)


def same(one: Sample, other: Sample) -> bool:
    return torch.equal(one.pixels, other.pixels) and torch.equal(one.boxes, other.boxes)


def test_a_sample_is_the_letterboxed_photo_and_its_boxes(photos: Photos) -> None:
    sample = PhotoDataset(photos, LETTERBOX, 0)[Draw(0, 2, SIZE)]
    pixels = Letterbox((40, 60), SIZE).pixels(read_rgb(photos.paths[2]))
    assert np.array_equal(sample.pixels.permute(1, 2, 0).numpy(), pixels)
    # 60 x 40 px become 96 x 64 (1.6 times), 16 px below the upper edge: 5 -> 8 and 24, 30 -> 48 and 64
    assert sample.boxes.tolist() == [[8, 24, 48, 64, 0]]
    assert (sample.index, sample.failed) == (2, ())
    assert (sample.pixels.dtype, sample.boxes.dtype) == (torch.uint8, torch.float32)


def test_the_photos_boxes_are_not_changed(photos: Photos) -> None:
    sample = PhotoDataset(photos, LETTERBOX, 0)[Draw(0, 0, (40, 60))]
    sample.boxes.zero_()
    assert photos.boxes[0].tolist() == [[5, 5, 30, 30, 0]]


@pytest.mark.parametrize("augmenter", [VARIED, MOSAIC], ids=["varied", "mosaic"])
def test_a_draw_decides_its_sample(photos: Photos, augmenter: Augmenter) -> None:
    dataset = PhotoDataset(photos, augmenter, 3)
    first = [dataset[Draw(1, at, SIZE)] for at in range(6)]
    torch.manual_seed(99)
    again = {at: PhotoDataset(photos, augmenter, 3)[Draw(1, at, SIZE)] for at in (5, 2, 0)}
    assert all(same(first[at], sample) for at, sample in again.items())
    others = [
        PhotoDataset(photos, augmenter, 4)[Draw(1, 2, SIZE)],
        dataset[Draw(2, 2, SIZE)],
        dataset[Draw(1, 3, SIZE)],
    ]
    assert not any(same(first[2], other) for other in others)


def test_the_trainings_own_random_numbers_are_left_alone(photos: Photos) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    PhotoDataset(photos, VARIED, 0)[Draw(0, 0, SIZE)]
    assert torch.equal(torch.rand(3), expected)


def test_a_mosaic_shows_the_photo_that_was_drawn_first(photos: Photos) -> None:
    sample = PhotoDataset(photos, MOSAIC, 0)[Draw(0, 4, SIZE)]
    assert sample.index == 4
    assert sample.pixels.shape == (3, *SIZE)


# photos that cannot be read


def test_the_next_photo_stands_in(photos: Photos) -> None:
    for at in (2, 3):
        Path(photos.paths[at]).write_bytes(b"no photo at all")
    dataset = PhotoDataset(photos, LETTERBOX, 0)
    sample = dataset[Draw(0, 2, SIZE)]
    reason = "it is not an image of a known kind"
    assert sample.failed == ((photos.paths[2], reason), (photos.paths[3], reason))
    assert sample.index == 4
    assert same(sample, dataset[Draw(0, 4, SIZE)])


def test_after_the_last_photo_comes_the_first(photos: Photos) -> None:
    Path(photos.paths[5]).unlink()
    sample = PhotoDataset(photos, LETTERBOX, 0)[Draw(0, 5, SIZE)]
    assert (sample.index, sample.failed) == (0, ((photos.paths[5], "No such file or directory"),))


def test_a_mosaic_names_each_failure_once(photos: Photos) -> None:
    for path in photos.paths[1:]:
        Path(path).write_bytes(b"")
    sample = PhotoDataset(photos, MOSAIC, 0)[Draw(0, 1, SIZE)]
    assert sample.index == 0
    assert len(set(sample.failed)) == len(sample.failed) == 5


def test_none_can_be_read(photos: Photos) -> None:
    for path in photos.paths:
        Path(path).write_bytes(b"")
    with pytest.raises(InputError) as error:
        PhotoDataset(photos, LETTERBOX, 0)[Draw(0, 1, SIZE)]
    assert error.value.message == (
        f"None of the 6 photos can be read, such as {photos.paths[1]}: the file is empty."
    )


def test_real_photos(shared: Path) -> None:
    photos = read_data(DataConfig(train=str(shared / "bccd"))).train
    dataset = PhotoDataset(photos, VARIED, 0)
    samples = [dataset[Draw(0, at, (416, 416))] for at in range(4)]
    assert {tuple(sample.pixels.shape) for sample in samples} == {(3, 416, 416)}
    assert all(sample.failed == () for sample in samples)
    assert sum(len(sample.boxes) for sample in samples) > 0
    corners = torch.cat([sample.boxes[:, :4] for sample in samples])
    assert ((corners >= 0) & (corners <= 416)).all()
