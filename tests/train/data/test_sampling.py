from __future__ import annotations

from itertools import chain

import pytest

from headlab.errors import InputError
from headlab.train.configuration.config import TrainConfig
from headlab.train.data.batch import Draw
from headlab.train.data.sampling import Sizes, TrainSampler, ValSampler

SQUARE = Sizes((416, 416))


def epoch_of(sampler: TrainSampler, epoch: int) -> list[list[Draw]]:
    sampler.set_epoch(epoch)
    return list(sampler)


def photos_in(batches: list[list[Draw]]) -> list[int]:
    return [draw.photo for draw in chain(*batches)]


def test_every_photo_once_but_those_that_fill_no_batch() -> None:
    sampler = TrainSampler(11, 4, 0, SQUARE)
    batches = epoch_of(sampler, 3)
    assert len(sampler) == len(batches) == 2  # 11 = 2 * 4 + 3
    assert [len(batch) for batch in batches] == [4, 4]
    assert len(set(photos_in(batches))) == 8
    assert set(photos_in(batches)) <= set(range(11))
    assert {(draw.epoch, draw.input_hw_px) for draw in chain(*batches)} == {(3, (416, 416))}


def test_the_order_is_decided_by_seed_and_epoch() -> None:
    orders = {
        (seed, epoch): tuple(photos_in(epoch_of(TrainSampler(50, 5, seed, SQUARE), epoch)))
        for seed in (0, 1)
        for epoch in (0, 1, 2)
    }
    assert len(set(orders.values())) == 6
    sampler = TrainSampler(50, 5, 1, SQUARE)
    for epoch in (2, 0, 2):
        assert tuple(photos_in(epoch_of(sampler, epoch))) == orders[1, epoch]


@pytest.mark.parametrize("world", [2, 3])
def test_the_batches_of_all_processes_are_those_of_one(world: int) -> None:
    sizes = Sizes((416, 416), every=2)
    alone = epoch_of(TrainSampler(100, 4 * world, 7, sizes), 1)
    ranks = [epoch_of(TrainSampler(100, 4, 7, sizes, rank, world), 1) for rank in range(world)]
    assert {len(each) for each in ranks} == {len(alone)}
    for at, whole in enumerate(alone):
        assert [draw for batches in ranks for draw in batches[at]] == whole


def test_a_batch_larger_than_the_data_set() -> None:
    with pytest.raises(InputError) as error:
        TrainSampler(5, 8, 0, SQUARE)
    assert error.value.message == "A batch takes 8 photos, and there are 5 to train on."
    assert "--batch 5" in error.value.hint
    with pytest.raises(InputError, match=r"16 photos \(8 on each of 2 devices\).* are 15") as error:
        TrainSampler(15, 8, 0, SQUARE, world=2)
    assert "--batch 7" in error.value.hint
    assert len(TrainSampler(8, 8, 0, SQUARE)) == 1


# sizes


def test_the_sizes_are_multiples_of_32() -> None:
    assert Sizes((416, 416), 10, 320, 416).choices() == (
        (320, 320), (352, 352), (384, 384), (416, 416),
    )  # fmt: skip
    assert Sizes((416, 416), 10, 300, 330).choices() == ((320, 320),)
    # 320 / 608 of 608, 576, 544: 320, 303.2, 286.3 px, which are 10, 9.5 (even: 10 has it), 8.9 cells
    assert Sizes((320, 608), 10, 544, 608).choices() == ((288, 544), (288, 576), (320, 608))
    assert Sizes((32, 608), 10, 320, 320).choices() == ((32, 320),)


def test_another_size_every_so_many_batches() -> None:
    sizes = Sizes((416, 416), every=5).of_epoch(0, 0, 103)
    assert len(sizes) == 103
    assert sizes[0] == (608, 608)  # the largest, to see at once whether the memory suffices
    blocks = [sizes[max(first, 1) : first + 5] for first in range(0, 103, 5)]
    assert all(len(set(block)) == 1 for block in blocks)
    drawn = {block[0] for block in blocks}
    assert drawn <= {(side, side) for side in range(320, 609, 32)}
    assert len(drawn) > 4


def test_sizes_are_decided_by_seed_and_epoch() -> None:
    sizes = Sizes((416, 416), every=1)
    of = {
        (seed, epoch): tuple(sizes.of_epoch(seed, epoch, 30)) for seed in (0, 1) for epoch in (0, 1)
    }
    assert len(set(of.values())) == 4
    assert of[0, 1] == tuple(sizes.of_epoch(0, 1, 30))
    assert of[0, 1][:10] == tuple(sizes.of_epoch(0, 1, 10))
    assert Sizes((320, 608)).of_epoch(0, 0, 2) == [(320, 608), (320, 608)]


def test_sizes_of_a_configuration() -> None:
    augment = {"multi_scale": 10, "multi_scale_min": 352, "multi_scale_max": 448}
    config = TrainConfig.model_validate({"imgsz": 416, "augment": augment})
    assert Sizes.of(config) == Sizes((416, 416), 10, 352, 448)
    off = TrainConfig.model_validate({"augment": {**augment, "enabled": False}})
    assert Sizes.of(off).every == 0


# validation


@pytest.mark.parametrize("world", [1, 2, 3])
def test_validation_sees_every_photo_once(world: int) -> None:
    ranks = [ValSampler(11, 2, (320, 608), rank, world) for rank in range(world)]
    batches = [list(each) for each in ranks]
    assert [len(each) for each in ranks] == [len(each) for each in batches]
    assert sorted(draw.photo for draw in chain(*chain(*batches))) == list(range(11))
    assert {draw.input_hw_px for draw in chain(*chain(*batches))} == {(320, 608)}


def test_validation_is_in_order() -> None:
    sampler = ValSampler(5, 2, (416, 416))
    assert [[draw.photo for draw in batch] for batch in sampler] == [[0, 1], [2, 3], [4]]
    sampler.set_epoch(1)
    assert {draw.epoch for draw in chain(*sampler)} == {0}
    second = ValSampler(5, 2, (416, 416), 1, 2)
    assert [[draw.photo for draw in batch] for batch in second] == [[1, 3]]
    assert list(ValSampler(1, 2, (416, 416), 1, 2)) == []
