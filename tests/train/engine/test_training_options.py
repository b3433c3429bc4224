"""Trainings with options, and on odd data: each runs, and does what the option says."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from drawn_photos import draw_set, epochs, losses, planned_on, watched

from headlab.errors import InputError, TrainingError
from headlab.train.api import preview, run
from headlab.train.engine.bad_batch import inspect_bad_batch
from headlab.train.engine.loop import _is_better, _loaders
from headlab.train.engine.state import load_state
from headlab.train.events import Event, Finished, Stepped
from headlab.train.watching.text import epoch_lines

ONE_EPOCH: dict[str, Any] = {
    "imgsz": 64,
    "batch": 4,
    "stage1__epochs": 1,
    "stage2__epochs": 0,
    "data__val_fraction": 0.5,
}
"""With the outputs alone, of 2 steps on 8 photos to train on."""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_set(tmp_path_factory.mktemp("data"), 16)


def trained(text: Path, folder: Path, **values: Any) -> list[Event]:
    return watched(planned_on(text, folder, **{**ONE_EPOCH, **values}))


def test_average_precision_is_monitored(text: Path, tmp_path: Path) -> None:
    told = trained(text, tmp_path / "run", monitor="AP50", stage1__epochs=3, evaluate_every=2)
    every = [each.figures["AP50"] for each in epochs(told)]  # computed each time, since it decides
    finished = told[-1]
    assert isinstance(finished, Finished)
    assert (finished.monitor, finished.best) == ("val AP50", max(every))
    assert finished.best_epoch == every.index(max(every)) + 1


@pytest.mark.parametrize(
    ("every", "expected"), [(0, [False, False, False]), (2, [False, True, False])]
)
def test_figures_come_every_so_many_epochs(
    every: int, expected: list[bool], text: Path, tmp_path: Path
) -> None:
    told = trained(text, tmp_path / "run", stage1__epochs=3, evaluate_every=every)
    assert [bool(each.figures) for each in epochs(told)] == expected
    assert all(each.val is not None for each in epochs(told))


def test_a_batch_may_be_all_photos_and_not_more(text: Path, tmp_path: Path) -> None:
    told = trained(text, tmp_path / "run", batch=8)
    assert len(losses(told)) == 1
    with pytest.raises(InputError, match="A batch takes 9 photos, and there are 8"):
        trained(text, tmp_path / "more", batch=9)


def test_batches_without_boxes(tmp_path: Path) -> None:
    # One photo of eight has boxes, so that one of the two batches of each epoch has none.
    text = draw_set(tmp_path / "data", 8)
    first, *rest = text.read_text().splitlines()
    text.write_text("\n".join([first, *(line.split(" ")[0] for line in rest)]))
    told = trained(text, tmp_path / "run", data__val_fraction=0, stage1__freeze="none")
    terms = [each.terms.by_term() for each in told if isinstance(each, Stepped)]
    assert sorted(each["wh"] > 0 for each in terms) == [False, True]
    assert all(math.isfinite(each) for each in losses(told))
    assert epochs(told)[0].truths["truths"] == len(first.split(" ")) - 1


def slivers(folder: Path) -> Path:
    """Eight photos of 96 to 128 px, in each boxes of half a pixel in height and in width, and a large one."""
    text = draw_set(folder, 8)
    names = [line.split(" ")[0] for line in text.read_text().splitlines()]
    boxes = "9,50.1,90,50.6,0 50.1,9,50.6,90,0 20,20,70,70,1"
    text.write_text("".join(f"{name} {boxes}\n" for name in names))
    return text


def test_slivers_are_counted_and_do_not_spoil_the_loss(tmp_path: Path) -> None:
    text = slivers(tmp_path / "data")
    values = {**ONE_EPOCH, "data__val_fraction": 0, "compat": "keras-yolo3"}
    planned = planned_on(text, tmp_path / "run", **values)
    assert sum("16 boxes are at most 1 px wide or high" in note for note in planned.notes) == 1
    told = watched(planned)
    assert all(math.isfinite(each) for each in losses(told))
    (epoch,) = epochs(told)
    # keras-yolo3 truncates both edges, in most photos to the same row of pixels.
    assert epoch.truths["truths"] + epoch.truths["too_small"] == 24
    assert epoch.truths["too_small"] > 8


def test_a_training_that_sees_no_box_fails(tmp_path: Path) -> None:
    # At a hundredth of its size, a box of 50 px is half a pixel.
    text = draw_set(tmp_path / "data", 8)
    planned = planned_on(
        text, tmp_path / "run", **ONE_EPOCH, augment__enabled=True, augment__scale_min=0.01,
        augment__scale_max=0.01,
    )  # fmt: skip
    told: list[Event] = []
    with pytest.raises(
        TrainingError, match=r"None of the .* boxes was in any of the inputs"
    ) as caught:
        run(planned, [told.append])
    assert "augment.scale_min (0.01)" in caught.value.hint
    (epoch,) = epochs(told)
    assert (epoch.truths["truths"], epoch.truths["too_small"]) == (0, planned.train.box_count)
    assert any("not one box was learned" in line for line in epoch_lines(epoch, 1))


def test_a_validation_without_boxes_has_a_loss(text: Path, tmp_path: Path) -> None:
    empty = draw_set(tmp_path / "empty", 3, boxes=False)
    told = trained(text, tmp_path / "run", data__val=str(empty))
    (epoch,) = epochs(told)
    assert epoch.val is not None
    assert math.isfinite(epoch.val.total)
    assert math.isnan(epoch.figures["AP50"])


def test_a_photo_that_is_damaged_is_named(text: Path, tmp_path: Path) -> None:
    shutil.copytree(text.parent, tmp_path / "data")
    path = tmp_path / "data" / "p3.png"
    planned = planned_on(tmp_path / "data" / "train.txt", tmp_path / "run", **ONE_EPOCH)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (epoch,) = epochs(watched(planned))
    assert list(epoch.skipped) == [str(path)]


def test_a_loss_that_is_no_number_stops_after_the_last_good_state(
    text: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    values = {"stage1__lr": 1e-3, "stage2__epochs": 2, "stage2__lr": 1e30}
    told: list[Event] = []
    with pytest.raises(TrainingError, match="The loss is NaN or infinite") as caught:
        run(planned_on(text, folder, **{**ONE_EPOCH, **values}), [told.append])
    assert len(epochs(told)) == 1
    assert load_state(folder).progress.epochs == 1
    (saved,) = [each for each in folder.iterdir() if "bad" in each.name]
    assert str(saved) in caught.value.hint
    assert len(inspect_bad_batch(saved).paths) == 4


def test_sizes_change_with_multi_scale(text: Path, tmp_path: Path) -> None:
    values = {
        "augment__enabled": True, "augment__multi_scale": 1, "augment__multi_scale_min": 32,
        "augment__multi_scale_max": 96, "stage1__epochs": 3,
    }  # fmt: skip
    told = trained(text, tmp_path / "run", **values)
    sizes = [each.input_hw_px for each in told if isinstance(each, Stepped)]
    assert set(sizes) <= {(32, 32), (64, 64), (96, 96)}
    assert len(set(sizes)) > 1


def test_as_keras_yolo3(text: Path, tmp_path: Path) -> None:
    planned = planned_on(text, tmp_path / "run", **ONE_EPOCH, compat="keras-yolo3")
    assert planned.loss_options().ignore_truths == "level"
    told = watched(planned)
    assert all(math.isfinite(each) for each in losses(told))


def test_debugging_changes_no_number(text: Path, tmp_path: Path) -> None:
    values = {"stage1__freeze": "backbone", "workers": 2}
    told = trained(text, tmp_path / "run", debug=True, **values)
    assert told[0].config.workers == 0  # type: ignore[union-attr]
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.is_anomaly_enabled()
    assert losses(told) == losses(trained(text, tmp_path / "other", **values))


def test_half_precision_is_nearly_the_same(text: Path, tmp_path: Path) -> None:
    told = trained(text, tmp_path / "run", precision="bf16-mixed")
    expected = losses(trained(text, tmp_path / "other"))
    # bfloat16 has 8 bits of mantissa: 2 ** -8 = 0.4 % each time.
    assert losses(told) == pytest.approx(expected, rel=0.05)
    assert losses(told) != expected


def test_clipping_and_decay_take_part(text: Path, tmp_path: Path) -> None:
    plain = losses(trained(text, tmp_path / "run", stage1__epochs=2))
    for name, value in (("clip_norm", 1e-6), ("weight_decay", 10.0)):
        other = losses(trained(text, tmp_path / name, stage1__epochs=2, **{name: value}))
        assert other[0] == plain[0]
        assert other[-1] != plain[-1]


def test_the_seed_decides_every_number(text: Path, tmp_path: Path) -> None:
    first, again, other = (
        losses(trained(text, tmp_path / name, seed=seed, augment__enabled=True))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again
    assert first != other


def test_the_preview_is_what_the_training_is_fed(text: Path, tmp_path: Path) -> None:
    planned = planned_on(text, tmp_path / "run", **ONE_EPOCH, augment__enabled=True)
    (batch,) = preview(planned, 3).batches
    assert batch.pixels.shape == (4, 3, 64, 64)
    assert not (tmp_path / "run").exists()
    fed = []
    planned.network.register_forward_pre_hook(lambda _, given: fed.append(given[0].clone()))
    run(planned)
    assert fed[0].equal(batch.images())


@pytest.mark.parametrize(
    ("value", "best", "expected"),
    [
        (2.0, None, True),
        (math.nan, None, True),
        (math.nan, math.nan, False),
        (9.0, math.nan, True),
        (math.nan, 9.0, False),
        (8.0, 9.0, True),
        (9.0, 9.0, False),
        (math.inf, 9.0, False),
    ],
)
def test_what_is_better(value: float, best: float | None, expected: bool) -> None:
    assert _is_better(value, best) is expected


def test_processes_need_a_validation_photo_each(text: Path, tmp_path: Path) -> None:
    values = {**ONE_EPOCH, "data__val_fraction": 0.13, "batch": 1}  # 2 of 16
    planned = planned_on(text, tmp_path / "run", **values)
    there = SimpleNamespace(device=torch.device("cpu"), global_rank=0, world_size=3)
    with pytest.raises(InputError, match="2 photos to validate on, and 3 processes"):
        _loaders(planned, there)


@pytest.mark.skipif("HEADLAB_TEST_COMPILE" not in os.environ, reason="slow: HEADLAB_TEST_COMPILE=1")
def test_a_compiled_network_has_nearly_the_same_numbers(text: Path, tmp_path: Path) -> None:
    values = {"stage1__freeze": "none", "stage2__epochs": 1}
    told = trained(text, tmp_path / "run", **values, compile=True)
    expected = losses(trained(text, tmp_path / "other", **values))
    assert losses(told) == pytest.approx(expected, rel=1e-3)
    assert (
        load_state(tmp_path / "run").network.keys() == load_state(tmp_path / "other").network.keys()
    )
