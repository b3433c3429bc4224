"""The state of a training on the disk: read as written, never half written, nothing in it is run."""

from __future__ import annotations

import pickle
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn_photos import draw_set, planned_on

from full_disk import files_up_to
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.errors import CheckpointError, OutputError
from headlab.families.read import read
from headlab.train.api import resume, run
from headlab.train.engine.state import Progress, State, load_network, load_state, save_state
from headlab.train.engine.weight_files import write_weights
from headlab.train.events import Epoch, Event
from headlab.train.run_folder import STATE_NAME
from headlab.yolov3.network import YOLOv3
from yolov3_models import description

PROGRESS = Progress(2, 3, 13, 400, 3200, -0.25, 1, 7, stopping=True, stopped_early=True)


def state(size: int = 10, progress: Progress = PROGRESS) -> State:
    weights = {"weight": torch.arange(size, dtype=torch.float32)}
    parts = {"rate": {"step": 4, "reduced": 0.1}, "optimizer": {"state": {0: {"step": 3.0}}}}
    return State("batch: 8\n", "a1/b2", 1e-3, progress, weights, parts)


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    save_state(tmp_path, state())
    found = load_state(tmp_path)
    assert (found.config, found.fingerprint, found.epsilon) == ("batch: 8\n", "a1/b2", 1e-3)
    assert found.progress == PROGRESS
    assert found.network["weight"].equal(state().network["weight"])
    assert found.parts == state().parts
    assert [each.name for each in tmp_path.iterdir()] == [STATE_NAME]


@pytest.mark.parametrize("limit", [0, 1000, 1 << 20])
def test_a_full_disk_leaves_the_state_before(limit: int, tmp_path: Path) -> None:
    save_state(tmp_path, state())
    before = (tmp_path / STATE_NAME).read_bytes()
    with files_up_to(limit), pytest.raises(OutputError) as caught:
        save_state(tmp_path, state(1 << 20, Progress()))
    assert str(tmp_path / STATE_NAME) in caught.value.message
    assert "Nothing was changed." in caught.value.message
    assert (tmp_path / STATE_NAME).read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [STATE_NAME]


@pytest.mark.parametrize("suffix", ["safetensors", "darknet", "h5"])
def test_a_full_disk_leaves_the_weights_before(suffix: str, tmp_path: Path) -> None:
    network = YOLOv3(description())
    (before,) = write_weights(network, tmp_path, "best", [suffix], 8)
    content = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with torch.no_grad():
        network.P5.output.bias.add_(1)
    with files_up_to(1 << 20), pytest.raises(OutputError) as caught:
        write_weights(network, tmp_path, "best", [suffix], 16)
    assert str(before) in caught.value.message
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == content


def test_a_training_on_a_full_disk_can_go_on_later(tmp_path: Path) -> None:
    text = draw_set(tmp_path / "data", 8)
    folder = tmp_path / "run"
    planned = planned_on(
        text, folder, imgsz=64, batch=4, stage1__epochs=2, stage2__epochs=0, data__val_fraction=0
    )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(event: Event) -> None:
        if isinstance(event, Epoch):
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))

    try:
        with pytest.raises(OutputError, match="cannot be written"):
            run(planned, [fill])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert load_state(folder).progress.epochs == 1
    assert isinstance(read(folder / "best.safetensors"), Yolov3Checkpoint)
    finished = run(resume(folder))
    assert finished.best_epoch is not None
    assert finished.best_epoch["stage"] == 1
    assert sorted(path.name for path in folder.iterdir()) == [
        *("best.safetensors", "config.yaml", "last.safetensors"),
        *("metrics.csv", "state.pt", "steps.csv", "tensorboard"),
    ]


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self._path, "w")


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_pickle_that_is_a_program_is_not_run(protocol: int, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    folder = tmp_path / "run"
    folder.mkdir()
    values = {"version": 1, "config": Malicious(ran)}
    (folder / STATE_NAME).write_bytes(pickle.dumps(values, protocol=protocol))
    with pytest.raises(CheckpointError, match="not the state of a training"):
        load_state(folder)
    with (folder / STATE_NAME).open("wb") as file:
        torch.save(values, file, pickle_protocol=max(protocol, 2))
    with pytest.raises(CheckpointError, match="not the state of a training"):
        load_state(folder)
    assert not ran.exists()


def test_damage_is_said(tmp_path: Path) -> None:
    save_state(tmp_path, state(1000))
    path = tmp_path / STATE_NAME
    whole = path.read_bytes()
    for content in (b"", b"PK\3\4", whole[:-1], whole[: len(whole) // 2], b"\0" * len(whole)):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="damaged") as caught:
            load_state(tmp_path)
        assert str(tmp_path / "best.safetensors") in caught.value.hint
    for values in ({}, [], {"version": 2}, {"version": 2, "progress": {"stage": 1, "more": 2}}):
        torch.save(values, path)
        with pytest.raises(CheckpointError, match="damaged"):
            load_state(tmp_path)
    torch.save({"version": 99}, path)
    with pytest.raises(CheckpointError, match="another version of headlab"):
        load_state(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    network = YOLOv3(description())
    with pytest.raises(CheckpointError, match="damaged"):
        load_network(network, state(), tmp_path)
    other = YOLOv3(description(class_names=("one",)))
    strange = State("", "", 1e-6, Progress(), other.state_dict(), {})
    with pytest.raises(CheckpointError, match="damaged"):
        load_network(network, strange, tmp_path)
