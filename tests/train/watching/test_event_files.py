"""Events for TensorBoard, read back with TensorBoard's own reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from headlab.errors import OutputError
from headlab.train.run_folder import TENSORBOARD as FOLDER
from headlab.train.watching.tensorboard import TensorBoardLog
from train_events import epoch, stage_started, started, stepped, training

reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

EVERYTHING = {"scalars": 0}


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Step and value of every tag."""
    read = reader.EventAccumulator(str(folder / FOLDER), size_guidance=EVERYTHING)
    read.Reload()
    return {
        tag: [(each.step, each.value) for each in read.Scalars(tag)]
        for tag in read.Tags()["scalars"]
    }


def test_steps_and_epochs_are_there(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    for event in training(tmp_path):
        log(event)
    found = scalars(tmp_path)
    assert found["step/loss"] == [(step, 300.0) for step in range(1, 13)]
    assert found["train/loss"] == [(step, 300.0) for step in (3, 6, 9, 12)]
    assert found["val/P5/class/蜂"] == [(step, 4 * 2 / 2) for step in (3, 6, 9, 12)]
    assert found["AP50/蜂"][0] == (3, 0.5)
    assert found["AP50"][0] == (3, 0.8125)
    assert found["lr"][0] == (3, pytest.approx(1e-3))
    assert {"train/xy", "val/P4/wh", "step/lr", "truths/lost", "seconds"} < set(found)


def test_a_training_that_goes_on_replaces_the_steps_of_the_interrupted_epoch(
    tmp_path: Path,
) -> None:
    log = TensorBoardLog(tmp_path)
    for event in training(tmp_path):  # all of it, but the state on the disk is that of epoch 3
        log(event)
    again = TensorBoardLog(tmp_path)
    for event in training(tmp_path, resumed=3, scale=2.0):
        again(event)
    assert len(list((tmp_path / FOLDER).iterdir())) == 2
    found = scalars(tmp_path)
    assert found["step/loss"] == [(at, 300.0 if at <= 9 else 600.0) for at in range(1, 13)]
    assert found["train/loss"] == [(3, 300.0), (6, 300.0), (9, 300.0), (12, 600.0)]


def test_nothing_is_written_before_an_epoch_is_done(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    for event in (started(tmp_path), stage_started(1), stepped(1, 1, 1)):
        log(event)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_said_and_the_epochs_before_stay(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    for event in (started(tmp_path), stage_started(1), stepped(1, 1, 1), epoch(1, 1)):
        log(event)
    (path,) = (tmp_path / FOLDER).iterdir()
    before = path.read_bytes()
    path.unlink()
    path.mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        log(epoch(1, 2))
    path.rmdir()
    path.write_bytes(before)
    assert scalars(tmp_path)["train/loss"] == [(3, 300.0)]
