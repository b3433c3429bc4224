from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from photo_files import photo_set

from headlab.errors import HeadlabError, InputError
from headlab.train.configuration.config import TrainConfig
from headlab.train.data.batch import Batch
from headlab.train.data.loader import Loader, train_loader, val_loader
from headlab.train.data.photos import Photos
from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.pipeline import Augmenter
from headlab.yolov3.targets.assigner import Assigner
from yolov3_models import description

TENSORS = ("rows", "flat", "truths", "truth_image")


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    return photo_set(tmp_path, 10)


def config(workers: int, batch: int = 4, **values: object) -> TrainConfig:
    made = {"workers": workers, "batch": batch, "imgsz": 96, "seed": 2, **values}
    return TrainConfig.model_validate(made)


def trained_on(photos: Photos, workers: int, **values: object) -> Loader:
    augmenter = Augmenter(AugmentOptions(mosaic=0.5))
    return train_loader(photos, config(workers, **values), augmenter, Assigner(description()))


def validated_on(photos: Photos, workers: int) -> Loader:
    return val_loader(photos, config(workers), Augmenter(None), Assigner(description()))


def assert_same(one: Batch, other: Batch) -> None:
    assert torch.equal(one.pixels, other.pixels)
    assert len(one.boxes) == len(other.boxes)
    assert all(map(torch.equal, one.boxes, other.boxes))
    assert all(
        torch.equal(getattr(one.targets, name), getattr(other.targets, name)) for name in TENSORS
    )
    assert one.targets.bounds == other.targets.bounds
    assert one.targets.counts() == other.targets.counts()
    assert (one.indices, one.failed) == (other.indices, other.failed)


def children() -> int:
    return len(multiprocessing.active_children())


def test_a_batch_has_photos_boxes_and_targets(photos: Photos) -> None:
    batches = list(validated_on(photos, 0))
    assert [batch.indices for batch in batches] == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9)]
    first = batches[0]
    assert first.pixels.shape == (4, 3, 96, 96)
    assert first.pixels.is_contiguous(memory_format=torch.channels_last)
    # 60 x 40 px become 96 x 64, 16 px below the upper edge: 5 -> 8 and 24, 30 -> 48 and 64
    assert [boxes.tolist() for boxes in first.boxes] == [[[8, 24, 48, 64, 0]]] * 4
    assert first.targets.counts().assigned == 4
    # x, y, w, h as fractions: (8 + 48) / 2 / 96, (24 + 64) / 2 / 96, 40 / 96, 40 / 96; then 1, the class
    expected = [28 / 96, 44 / 96, 40 / 96, 40 / 96, 1, 1, 0, 0]
    assert torch.allclose(first.targets.rows, torch.tensor([expected] * 4))
    images = first.images()
    assert images.dtype == torch.float32
    assert torch.equal((images * 255).round().to(torch.uint8), first.pixels)


def test_processes_make_the_same_batches(photos: Photos) -> None:
    """In whichever order epochs come, and after an epoch that was not finished."""
    alone = trained_on(photos, 0)
    assert len(alone) == 2
    with trained_on(photos, 2) as together:
        for epoch in (1, 0):
            alone.set_epoch(epoch)
            together.set_epoch(epoch)
            expected = list(alone)
            got = list(together)
            assert len(got) == 2
            for one, other in zip(got, expected, strict=True):
                assert_same(one, other)
            assert all(
                batch.pixels.is_contiguous(memory_format=torch.channels_last) for batch in got
            )
            next(iter(together))


def test_the_trainings_random_numbers_are_left_alone(photos: Photos) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(trained_on(photos, 0))
    assert torch.equal(torch.rand(3), expected)


def test_processes_live_until_the_loader_is_closed(photos: Photos) -> None:
    before = children()
    loader = validated_on(photos, 2)
    for _ in range(2):
        list(loader)
        assert children() == before + 2
    loader.close()
    assert children() == before
    assert len(list(loader)) == 3
    loader.close()


def test_processes_leave_interruptions_to_their_parent(photos: Photos) -> None:
    with validated_on(photos, 2) as loader:
        list(loader)
        for child in multiprocessing.active_children():
            assert child.pid is not None
            os.kill(child.pid, signal.SIGINT)
        assert len(list(loader)) == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_photos_that_cannot_be_read_are_named(
    photos: Photos, workers: int, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = Path(photos.paths[1])
    data = bytearray(damaged.read_bytes())
    data[-200:-100] = bytes(100)
    damaged.write_bytes(data)
    broken = Path(photos.paths[4])
    broken.write_bytes(broken.read_bytes()[:300])
    with validated_on(photos, workers) as loader:
        batches = list(loader)
        again = list(loader)
    failed = Counter(each for batch in batches for each in batch.failed if each[0] == str(broken))
    assert failed == {(str(broken), "the file is truncated"): 1}
    assert batches[1].indices == (5, 5, 6, 7)
    assert [batch.failed for batch in again] == [batch.failed for batch in batches]
    if workers:
        assert capfd.readouterr().err == ""


@pytest.mark.parametrize("workers", [0, 1])
def test_no_photo_can_be_read(photos: Photos, workers: int) -> None:
    for path in photos.paths:
        Path(path).write_bytes(b"")
    with trained_on(photos, workers) as loader, pytest.raises(InputError) as error:
        list(loader)
    assert error.value.message.startswith("None of the 10 photos can be read")
    assert "Traceback" not in str(error.value)
    assert "boxes check" in error.value.hint


def lose_a_process(loader: Loader) -> None:
    before = {child.pid for child in multiprocessing.active_children()}
    with loader:
        batches = iter(loader)
        next(batches)
        (child,) = (each for each in multiprocessing.active_children() if each.pid not in before)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        time.sleep(5)  # torch ends it as soon as the process is dead
        list(batches)


def test_a_process_that_dies(photos: Photos) -> None:
    loader = validated_on(photos, 1)
    with pytest.raises(HeadlabError) as error:
        lose_a_process(loader)
    assert "A process that loads photos died" in error.value.message
    assert "--workers" in error.value.hint
    assert isinstance(error.value.__cause__, RuntimeError)
    with loader:
        assert len(list(loader)) == 3  # with a new process


def test_a_batch_larger_than_the_data_set(photos: Photos) -> None:
    with pytest.raises(InputError, match="A batch takes 11 photos, and there are 10"):
        trained_on(photos, 0, batch=11)


def test_several_processes_of_a_training(photos: Photos) -> None:
    augmenter, assigner = Augmenter(AugmentOptions()), Assigner(description())
    alone = train_loader(photos, config(0, 4), augmenter, assigner)
    ranks = [
        train_loader(photos, config(0, 2), augmenter, assigner, rank=rank, world=2)
        for rank in range(2)
    ]
    for whole, *parts in zip(alone, *ranks, strict=True):
        assert torch.equal(torch.cat([part.pixels for part in parts]), whole.pixels)
        assert sum((part.boxes for part in parts), ())[0].tolist() == whole.boxes[0].tolist()


def test_a_batch_pickles_whole(photos: Photos) -> None:
    for batch in trained_on(photos, 0):
        assert_same(pickle.loads(pickle.dumps(batch)), batch)  # noqa: S301 - its own
