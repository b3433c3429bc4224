"""A training that was interrupted ends with the very numbers of one that was not."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn_photos import draw_set, epochs, planned_on, watched

from headlab.errors import CheckpointError, InputError
from headlab.files.atomic import replacing
from headlab.train.api import resume, run
from headlab.train.engine import saving
from headlab.train.engine.interrupts import Interrupted
from headlab.train.engine.state import load_state
from headlab.train.events import Epoch, Event, Finished, StageStarted, Started, Stepped
from headlab.train.watching import logs

VALUES: dict[str, Any] = {
    "imgsz": 64,
    "batch": 4,
    "data__val_fraction": 0.4,
    "stage1__epochs": 6,
    "stage1__lr": 1e-30,
    "stage1__schedule": "plateau",
    "stage1__lr_patience": 2,
    "stage1__stop_patience": 3,
    "stage2__epochs": 3,
    "stage2__freeze": "backbone",
    "stage2__schedule": "cosine",
    "stage2__warmup": 1,
    "augment__enabled": True,
    "augment__mosaic": 0.5,
    "augment__multi_scale": 1,
    "augment__multi_scale_min": 32,
    "augment__multi_scale_max": 96,
}
"""12 photos to train on and 8 to validate on, 3 steps per epoch, of a new size each.

Stage 1 does not move at a rate of 1e-30: every validation is as good as the first. The rate falls after two
epochs that are not better, the third, and the stage ends after three, the fourth of six epochs.
"""


class Stop(Exception):
    """An accident."""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_set(tmp_path_factory.mktemp("data"), 20)


@pytest.fixture(scope="module")
def whole(text: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], Any]:
    """What the uninterrupted training told, and its state at the end."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    told = watched(planned_on(text, folder, **VALUES))
    return told, torch.load(folder / "state.pt", weights_only=True)


def run_until(
    planned: Any, stop: Callable[[Event], bool], by: signal.Signals | None = None
) -> list[Event]:
    """Run up to an accident, or a signal; what was told before it."""
    told: list[Event] = []

    def watch(event: Event) -> None:
        told.append(event)
        if not stop(event):
            return
        if by is None:
            raise Stop
        os.kill(os.getpid(), by)

    with pytest.raises(Stop if by is None else Interrupted):
        run(planned, [watch])
    return told


def at_step(stage: int, epoch: int, step: int) -> Callable[[Event], bool]:
    return lambda event: (
        isinstance(event, Stepped)
        and (event.stage, event.epoch, event.step) == (stage, epoch, step)
    )


def numbers(told: list[Event]) -> dict[int, tuple[float, float]]:
    """Loss and learning rate by global step; a step that was made again counts once, as the last time."""
    steps = (each for each in told if isinstance(each, Stepped))
    return {each.global_step: (each.terms.total, each.lr) for each in steps}


def outcomes(told: list[Event]) -> dict[tuple[int, int], Any]:
    """What each epoch came to."""
    return {
        (each.stage, each.epoch): (
            each.train.by_class.tolist(),
            each.val.by_class.tolist() if each.val else None,
            each.figures,
            each.best,
            each.truths,
        )
        for each in epochs(told)
    }


def test_plateau_and_early_stopping_go_as_computed(whole: tuple[list[Event], Any]) -> None:
    told, _ = whole
    first = [each for each in epochs(told) if each.stage == 1]
    assert [each.lr for each in first] == pytest.approx([1e-30, 1e-30, 1e-30, 1e-31])
    assert [each.best for each in first] == [True, False, False, False]
    finished = told[-1]
    assert isinstance(finished, Finished)
    assert finished.stopped_early
    # Warmup of one step; the cosine's first step has the whole rate, its last, the ninth, 2 % of it.
    rates = [each.lr for each in told if isinstance(each, Stepped) and each.stage == 2]
    assert rates[:2] == [1e-3, 1e-3]
    assert rates[-1] == pytest.approx(2e-5)
    assert len({each.input_hw_px for each in told if isinstance(each, Stepped)}) == 3


def test_an_interrupted_training_has_the_same_numbers(
    text: Path, whole: tuple[list[Event], Any], tmp_path: Path
) -> None:
    """Interrupted in the middle of epochs before and after the plateau, between the stages, and in stage 2.

    It goes on with processes that load photos, and without.
    """
    expected, state = whole
    folder = tmp_path / "run"
    told = run_until(planned_on(text, folder, **VALUES), at_step(1, 3, 2))
    told += run_until(resume(folder, workers=2), at_step(1, 4, 1), by=signal.SIGTERM)
    assert [each.done_epochs for each in told if isinstance(each, StageStarted)] == [0, 2]

    def second(event: Event) -> bool:
        return isinstance(event, StageStarted) and event.number == 2

    told += run_until(resume(folder), second)
    told += run_until(resume(folder, workers=0), at_step(2, 2, 3))
    told += watched(resume(folder))
    assert [each.resumed for each in told if isinstance(each, Started)] == [0, 2, 3, 4, 5]
    assert numbers(told) == numbers(expected)
    assert len(numbers(told)) == (4 + 3) * 3
    assert outcomes(told) == outcomes(expected)
    assert_same_state(folder, state)
    assert not list(folder.glob(".*"))


def test_killed_at_any_moment_it_loses_an_epoch_at_most(
    text: Path, whole: tuple[list[Event], Any], tmp_path: Path
) -> None:
    """The process ends by SIGKILL in its second epoch; going on, it does so while it writes the state."""
    folder = tmp_path / "run"
    for what in ("step", "write"):
        ended = killed(text, folder, what)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        assert load_state(folder).progress.epochs == 1
    assert list(folder.glob(".state.pt.*.part"))
    told = run_until(resume(folder), lambda event: isinstance(event, Epoch))
    expected = numbers(whole[0])
    assert numbers(told) == {step: expected[step] for step in (4, 5, 6)}
    assert not list(folder.glob(".*"))  # what was half written is gone
    assert not (folder / "training.lock").exists()


@pytest.mark.parametrize("what", ["state", "metrics"])
def test_killed_while_it_writes_an_epoch_it_has_all_its_rows(
    what: str, text: Path, whole: tuple[list[Event], Any], tmp_path: Path
) -> None:
    """By SIGKILL in its second epoch: just after the state is replaced, or while metrics.csv is."""
    folder = tmp_path / "run"
    ended = killed(text, folder, what)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert load_state(folder).progress.epochs == (2 if what == "state" else 1)
    run_until(resume(folder), lambda event: isinstance(event, Epoch) and event.epoch == 3)
    with (folder / "metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    with (folder / "steps.csv").open() as file:
        steps = list(csv.DictReader(file))
    assert [row["global_step"] for row in steps] == [str(step) for step in range(1, 10)]
    expected = numbers(whole[0])
    assert [float(row["loss"]) for row in steps] == [expected[step][0] for step in range(1, 10)]
    assert not list(folder.glob(".*"))


def killed(text: Path, folder: Path, what: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, __file__, str(text), str(folder), what],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def assert_same_state(folder: Path, expected: Any) -> None:
    found = torch.load(folder / "state.pt", weights_only=True)
    assert found["progress"] == expected["progress"]
    assert list(found["network"]) == list(expected["network"])
    for name, each in expected["network"].items():
        assert found["network"][name].equal(each), name


@pytest.fixture(scope="module")
def begun(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that was interrupted after its first epoch."""
    folder = tmp_path_factory.mktemp("begun") / "run"
    run_until(planned_on(text, folder, **VALUES), lambda event: isinstance(event, Epoch))
    return folder


@pytest.fixture
def copied(begun: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    folder = tmp_path / "run"
    shutil.copytree(begun, folder, copy_function=os.link)
    config = folder / "config.yaml"
    content = config.read_text()
    config.unlink()
    config.write_text(content)
    return folder


def test_another_configuration_is_named(copied: Path) -> None:
    with pytest.raises(InputError) as caught:
        resume(copied, stage2={"lr": 0.5}, batch=2, workers=1)
    assert "batch: 4 before, 2 now; stage2.lr: 0.001 before, 0.5 now." in caught.value.message
    assert "workers" not in caught.value.message
    assert str(copied / "best.safetensors") in caught.value.hint

    path = copied / "config.yaml"
    path.write_text(path.read_text().replace("seed: 0\n", "seed: 7\n"))
    with pytest.raises(InputError, match="seed: 0 before, 7 now"):
        resume(copied)


def test_an_edit_and_an_override_both_count(copied: Path) -> None:
    path = copied / "config.yaml"
    path.write_text(path.read_text().replace("workers: 0\n", "workers: 1\n"))
    assert resume(copied).config.workers == 1
    with pytest.raises(InputError, match="seed: 0 before, 3 now"):
        resume(copied, seed=3)
    assert resume(copied, workers=3).config.workers == 3
    path.write_bytes(b"seed: 0\0")
    with pytest.raises(InputError, match=r"config\.yaml"):
        resume(copied)
    path.unlink()
    assert resume(copied).config.workers == 0


def test_other_boxes_are_noticed(copied: Path, text: Path) -> None:
    content = text.read_text()
    try:
        text.write_text(content.replace(",0\n", ",1\n"))
        with pytest.raises(
            InputError, match=r"have changed .*: p\d+\.png has other boxes; "
        ) as caught:
            resume(copied)
        assert str(copied / "best.safetensors") in caught.value.hint
    finally:
        text.write_text(content)
    assert resume(copied).state is not None


def test_another_photo_of_the_same_name_is_noticed(
    copied: Path, text: Path, tmp_path: Path
) -> None:
    photo, other = text.parent / "p3.png", text.parent / "p4.png"
    content = photo.read_bytes()
    try:
        photo.write_bytes(other.read_bytes())
        with pytest.raises(InputError, match=r"have changed .*: p3\.png is another photo\."):
            resume(copied)
    finally:
        photo.write_bytes(content)
    assert resume(copied).state is not None


@pytest.mark.parametrize(
    "garbage", [b"\0\0\n", b"a,b\n1,2\n", b"\xff\xfe\n,\n", b"x" * 200_000 + b"\n,\n"]
)
@pytest.mark.parametrize("name", ["metrics.csv", "steps.csv"])
def test_a_table_that_no_training_wrote_is_said(name: str, garbage: bytes, copied: Path) -> None:
    path = copied / name
    content = path.read_bytes()
    path.unlink()  # it is linked with that of the other tests
    first, rest = content.split(b"\n", 1)
    for spoilt in (garbage + content, first + b"\n" + garbage + rest):
        path.write_bytes(spoilt)
        with pytest.raises(InputError, match=rf"{name}") as caught:
            run(resume(copied))
        assert path.read_bytes() == spoilt
        assert caught.value.hint
    path.unlink()
    told = run_until(resume(copied), lambda event: isinstance(event, Epoch))
    assert [each.epoch for each in epochs(told)] == [2]


def test_a_finished_training_says_so(text: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    watched(planned_on(text, folder, stage1__epochs=1, stage2__epochs=0, formats="darknet"))
    before = {each.name: each.stat().st_mtime_ns for each in folder.iterdir()}
    for values in ({}, {"stage2": {"epochs": 5}}):
        with pytest.raises(InputError, match="this training is finished") as caught:
            resume(folder, **values)
        assert str(folder / "last.weights") in caught.value.hint
    assert {each.name: each.stat().st_mtime_ns for each in folder.iterdir()} == before


def test_without_a_state_there_is_nothing_to_go_on_with(copied: Path, tmp_path: Path) -> None:
    (copied / "state.pt").unlink()
    for folder in (copied, tmp_path / "nowhere"):
        with pytest.raises(CheckpointError, match=r"state\.pt is missing"):
            resume(folder)


def test_the_start_is_not_needed_to_go_on(text: Path, begun: Path, tmp_path: Path) -> None:
    start, folder = tmp_path / "start.safetensors", tmp_path / "run"
    start.write_bytes((begun / "best.safetensors").read_bytes())
    planned = planned_on(text, folder, **VALUES, start=str(start))
    run_until(planned, lambda event: isinstance(event, Epoch))
    start.unlink()
    again = resume(folder)
    assert again.network.description == planned.network.description


def kill_itself(text: str, folder: str, what: str) -> None:
    """Begin, and end by SIGKILL after a step of the second epoch; or go on, and end in writing a state."""
    if what == "write":
        torch.save = half_of(torch.save)
        run(resume(folder))

    def die(event: Event) -> None:
        if at_step(1, 2, 2)(event) and what == "step":
            os.kill(os.getpid(), signal.SIGKILL)
        if isinstance(event, Epoch) and event.epoch == 1 and what in WRITERS:
            module, name, write = WRITERS[what]
            setattr(module, name, write(getattr(module, name)))

    run(planned_on(Path(text), Path(folder), **VALUES), [die])


def then_killed(save: Callable[..., None]) -> Callable[..., None]:
    """A `save_state` after which the process is killed."""

    def killed_after(folder: Path, state: Any) -> None:
        save(folder, state)
        os.kill(os.getpid(), signal.SIGKILL)

    return killed_after


def killed_within(_: Callable[..., None]) -> Callable[..., None]:
    """A `write_bytes` during which the process is killed."""

    def killed_before(path: Path, data: bytes) -> None:
        with replacing(path) as file:
            file.write(data[: len(data) // 2])
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    return killed_before


WRITERS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "state": (saving, "save_state", then_killed),
    "metrics": (logs, "write_bytes", killed_within),
}


def half_of(save: Callable[..., None]) -> Callable[..., None]:
    """A `torch.save` that is killed after it has written something."""

    def killed(values: Any, file: Any) -> None:
        save({"version": values["version"]}, file)
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    return killed


if __name__ == "__main__":
    kill_itself(*sys.argv[1:])
