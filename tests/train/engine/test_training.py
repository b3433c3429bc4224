"""A whole training: what it tells, what it leaves on the disk, and that it learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_photos import NAMES, draw_set, epochs, losses, planned_on, watched

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.families.read import read
from headlab.train.configuration.file import load
from headlab.train.events import Event, Finished, StageStarted, Started
from headlab.train.planning import Plan
from headlab.yolov3.load import build
from yolov3_models import random_model, saved

FILES = [
    *("best.cfg", "best.h5", "best.names", "best.safetensors", "best.weights"),
    *("best_anchors.txt", "best_classes.txt", "config.yaml"),
    *("last.cfg", "last.h5", "last.names", "last.safetensors", "last.weights"),
    *(
        "last_anchors.txt",
        "last_classes.txt",
        "metrics.csv",
        "state.pt",
        "steps.csv",
        "tensorboard",
    ),
]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, list[Event], list[torch.Tensor]]:
    """One epoch with the outputs alone and one with the backbone frozen; weights as they begin."""
    folder = tmp_path_factory.mktemp("training")
    text = draw_set(folder / "data", 20)
    planned = planned_on(
        text, folder / "run", data__val_fraction=0.2, imgsz="96,64", stage2__freeze="backbone",
        formats="safetensors,darknet,h5",
    )  # fmt: skip
    before = {name: each.clone() for name, each in planned.network.state_dict().items()}
    told = watched(planned)
    return planned, told, before


def test_events_come_in_order(done: tuple[Plan, list[Event], object]) -> None:
    # 20 photos, 4 of them for validation; of 16 come 2 batches of 8.
    planned, told, _ = done
    names = [type(each).__name__ for each in told]
    stage = ["StageStarted", "Stepped", "Stepped", "Epoch"]
    assert names == ["Started", *stage, *stage, "Finished"]
    started, finished = told[0], told[-1]
    assert isinstance(started, Started)
    assert isinstance(finished, Finished)
    assert (started.train_photos, started.val_photos, started.resumed) == (16, 4, 0)
    assert started.class_names == ("disc", "square")
    assert started.config == planned.config
    first, second = (each for each in told if isinstance(each, StageStarted))
    # Per slot 4 + 1 + 2 = 7 rows, 3 slots: 21 rows of 512 weights and a bias at P5, of 256 at P4.
    assert first.trainable == 21 * 513 + 21 * 257
    assert first.trainable + first.frozen == second.trainable + second.frozen
    assert first.trainable < second.trainable
    assert [(each.stage, each.epoch, each.global_step) for each in epochs(told)] == [
        (1, 1, 2),
        (2, 1, 4),
    ]
    best = min(epochs(told), key=lambda each: each.val.total if each.val else 0)
    assert best.val is not None
    assert (finished.best_stage, finished.best) == (best.stage, best.val.total)
    assert finished.monitor == "val loss"
    assert not finished.stopped_early
    assert {each.name for each in finished.written} == {
        f"{name}{suffix}" for name in ("best", "last") for suffix in (".safetensors", ".weights", ".h5")
    }  # fmt: skip


def test_the_mean_of_the_steps_is_the_loss_of_the_epoch(
    done: tuple[Plan, list[Event], object],
) -> None:
    told = done[1]
    steps = losses(told)
    for at, epoch in enumerate(epochs(told)):
        assert epoch.train.total == pytest.approx(np.mean(steps[2 * at : 2 * at + 2]), rel=1e-12)
        assert epoch.train.levels == ("P5", "P4")
        assert epoch.train.classes == ("disc", "square", "background")
        assert set(epoch.figures) == {"AP", "AP50", "AP75", "AP50/disc", "AP50/square"}
        assert epoch.truths["truths"] == sum(map(len, done[0].train.boxes))


def test_every_file_is_there_and_nothing_else(done: tuple[Plan, list[Event], object]) -> None:
    planned = done[0]
    assert sorted(each.name for each in planned.folder.iterdir()) == FILES
    again = load(planned.folder / "config.yaml")
    assert again == planned.config
    assert again.anchors == planned.network.description.anchors_wh_px


@pytest.mark.parametrize("suffix", [".safetensors", ".weights", ".h5"])
def test_last_weights_compute_what_the_trained_network_does(
    suffix: str, done: tuple[Plan, list[Event], object]
) -> None:
    planned = done[0]
    model = read(planned.folder / f"last{suffix}")
    assert isinstance(model, Yolov3Checkpoint)
    # darknet and safetensors hold the numbers as they are; Keras' epsilon is another, so that its
    # variances are converted, and rounded.
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(1, 3, 96, 64, generator=generator)
    trained = planned.network.eval()
    with torch.no_grad():
        expected, found = trained(images), build(model)(images)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    described = model.description
    assert described.class_names == ("disc", "square")
    assert described.anchors_wh_px == planned.network.description.anchors_wh_px
    assert described.masks == planned.network.description.masks
    if suffix == ".weights":
        assert described.seen == 2 * 2 * 8  # epochs, steps, photos
    if suffix != ".h5":
        assert described.input_hw_px == (96, 64)


def test_the_backbone_keeps_weights_and_statistics_bit_by_bit(
    done: tuple[Plan, list[Event], dict[str, torch.Tensor]],
) -> None:
    planned, _, before = done
    after = planned.network.state_dict()
    for name, old in before.items():
        if name.startswith("backbone."):
            assert after[name].equal(old), name
    moved = {name.partition(".")[0] for name, old in before.items() if not after[name].equal(old)}
    assert moved == {"P5", "P4"}


def test_stage_one_changes_the_outputs_alone(tmp_path: Path) -> None:
    text = draw_set(tmp_path / "data", 8)
    planned = planned_on(text, tmp_path / "run", stage2__epochs=0, data__val_fraction=0)
    before = {name: each.clone() for name, each in planned.network.state_dict().items()}
    told = watched(planned)
    after = planned.network.state_dict()
    moved = {name for name, old in before.items() if not after[name].equal(old)}
    assert moved == {
        f"{level}.output.{what}" for level in ("P5", "P4") for what in ("weight", "bias")
    }
    finished = told[-1]
    assert isinstance(finished, Finished)
    # Without validation the training loss decides.
    assert (finished.monitor, finished.best_stage) == ("train loss", 1)
    assert finished.best == epochs(told)[0].train.total
    assert (epochs(told)[0].val, epochs(told)[0].figures) == (None, {})


def test_drawn_shapes_are_learned(tmp_path: Path) -> None:
    """In 80 steps, on a backbone of random weights; the same photos are for training and for validation."""
    text = draw_set(tmp_path / "data", 32)
    start = saved(random_model(class_names=NAMES), tmp_path / "start.safetensors")
    planned = planned_on(
        text, tmp_path / "run", start=str(start), data__val=str(text), batch=4, evaluate_every=10,
        stage1__epochs=10, stage1__freeze="backbone", stage1__lr=3e-3, stage1__schedule="cosine",
        stage2__epochs=0,
    )  # fmt: skip
    told = watched(planned)
    first, last = epochs(told)[0], epochs(told)[-1]
    assert last.train.total < 0.25 * first.train.total
    assert not first.figures
    assert last.figures["AP50"] > 0.2
