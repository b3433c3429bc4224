"""`headlab.train` from Python: one call for each thing that the command does."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawn_photos import draw_set

import headlab
from headlab.errors import InputError, OutputError, TrainingError
from headlab.train.configuration.config import DataConfig, TrainConfig
from headlab.train.events import Epoch, Event, Stepped
from headlab.train.result import TrainingRun

SMALL: dict[str, Any] = {
    "variant": "yolov3-tiny",
    "anchors": "fit",
    "imgsz": 64,
    "batch": 4,
    "stage1": {"epochs": 2},
    "stage2": {"epochs": 1},
    "augment": {"enabled": False},
    "workers": 0,
    "device": "cpu",
}
"""Of 16 photos 4 are validated on, and 12 make 3 steps in each of 2 + 1 epochs."""


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_set(tmp_path_factory.mktemp("data"), 16)


def planned(text: Path, **values: Any) -> headlab.train.Plan:
    data = {"train": text, "val_fraction": 0.25}
    return headlab.train.plan(data, **{**SMALL, **values})  # type: ignore[arg-type]


def test_names() -> None:
    assert headlab.train.__all__ == [
        *("Interrupted", "Plan", "Preview", "TrainConfig", "TrainProgress", "TrainingRun"),
        *("plan", "preview", "read", "resume", "run"),
    ]
    assert set(dir(headlab.train)) == set(headlab.train.__all__)
    for name in headlab.train.__all__:
        assert getattr(headlab.train, name).__module__.startswith("headlab.train.")
    with pytest.raises(AttributeError, match="no attribute 'fit'"):
        _ = headlab.train.fit


def test_signatures() -> None:
    def names(function: Callable[..., object]) -> list[str]:
        return list(inspect.signature(function).parameters)

    assert names(headlab.train.plan) == ["data", "config", "output", "values"]
    assert names(headlab.train.resume) == ["folder", "data", "values"]
    assert names(headlab.train.preview) == ["planned", "count"]
    assert names(headlab.train.run) == ["planned", "watchers", "progress"]
    assert names(headlab.train.read) == ["folder"]


def test_modules_of_its_own_do_not_hide_its_functions() -> None:
    program = (
        "import headlab, headlab.train.planning, headlab.train.engine.run, headlab.train.previewing\n"
        "names = ('plan', 'preview', 'read', 'resume', 'run')\n"
        "print([callable(getattr(headlab.train, name)) for name in names])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[True, True, True, True, True]\n"


def test_a_mistake_is_named_before_anything_heavy_is_imported() -> None:
    program = (
        "import sys, headlab\n"
        "for values in ({}, {'data': 'a.txt', 'batch': 0}, {'data': 'a.txt', 'stage1': {'epoch': 1}}):\n"
        "    try: headlab.train.plan(**values)\n"
        "    except headlab.HeadlabError as error: print(error.message)\n"
        "print(sorted({'torch', 'lightning_fabric', 'polars', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "There is nothing to train on.",
        "batch is 0; it should be greater than or equal to 1.",
        "There is no setting 'stage1.epoch'.",
        "[]",
    ]


@pytest.mark.parametrize(
    "data",
    [lambda text: text, str, lambda text: {"train": text}, lambda text: DataConfig(train=text)],
)
def test_annotations_are_a_path_or_a_section(data: Callable[[Path], Any], text: Path) -> None:
    plan = headlab.train.plan(data(text), **SMALL)
    assert plan.config.data.train == str(text)
    assert plan.config.stage1.freeze == "none"  # without start weights, all is trained


def test_arguments_take_precedence_over_a_file_or_a_configuration(text: Path) -> None:
    Path("train.yaml").write_text(
        f"data: {{train: {text}}}\nbatch: 3\nseed: 5\nstage1: {{lr: 0.5}}\n"
    )
    for config in ("train.yaml", Path("train.yaml"), headlab.train.TrainConfig(
        data=DataConfig(train=text), batch=3, seed=5, stage1={"lr": 0.5}
    )):  # fmt: skip
        plan = headlab.train.plan({"val_fraction": 0}, config, "run", **SMALL)
        assert (plan.config.batch, plan.config.seed) == (4, 5)
        assert (plan.config.stage1.lr, plan.config.stage1.epochs) == (0.5, 2)
        assert (plan.config.data.train, plan.val, plan.folder) == (str(text), None, Path("run"))


def test_a_training_from_its_plan_to_its_result(text: Path) -> None:
    plan = planned(text)
    assert repr(plan) == (
        "<Plan: yolov3-tiny at 64 x 64 px, 2 classes, training on 12 photos, validating on 4 photos, "
        "in runs/train>"
    )
    assert not Path("runs").exists()
    events: list[Event] = []
    done: list[tuple[int, int | None]] = []
    result = headlab.train.run(plan, [events.append], lambda *counts: done.append(counts))
    assert isinstance(result, TrainingRun)
    assert (result.folder, result.finished) == (Path("runs/train"), True)
    assert done == [(step, 9) for step in range(1, 10)]
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert result.table["train/loss"].to_list() == [epoch.train.total for epoch in epochs]
    assert result.table["val/loss"].to_list() == [epoch.val.total for epoch in epochs if epoch.val]
    assert result.table["best"].to_list() == [epoch.best for epoch in epochs]
    assert result.best_weights == Path("runs/train/best.safetensors")
    assert result.weights == (result.best_weights, Path("runs/train/last.safetensors"))
    steps = Path("runs/train/steps.csv").read_text().splitlines()
    assert len(steps) == 1 + sum(isinstance(event, Stepped) for event in events)
    assert headlab.train.read("runs/train").to_dict() == result.to_dict()
    assert headlab.load(result.best_weights).class_names == ("disc", "square")

    again = planned(text)
    assert again.folder == Path("runs/train-2")
    with pytest.raises(InputError, match="this training is finished"):
        headlab.train.resume("runs/train")


def test_an_earlier_training_is_never_overwritten(text: Path) -> None:
    first, second = planned(text), planned(text)
    assert first.folder == second.folder == Path("runs/train")  # nothing is written yet
    first.folder.mkdir(parents=True)
    (first.folder / "config.yaml").touch()
    with pytest.raises(OutputError, match="the folder is not empty"):
        headlab.train.run(second)
    with pytest.raises(OutputError, match="the folder is not empty"):
        planned(text, output="runs/train")


def test_an_interruption_says_how_to_continue(text: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Stepped) and (event.epoch, event.step) == (2, 1):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(headlab.train.Interrupted) as caught:
        headlab.train.run(planned(text, output="my run"), [interrupt])
    assert str(caught.value) == (
        "interrupted after epoch 1 of stage 1; continue with: headlab train --resume 'my run'"
    )
    assert caught.value.exit_code == 130
    unfinished = headlab.train.read("my run")
    assert (unfinished.finished, unfinished.table.height) == (False, 1)

    done: list[int] = []
    result = headlab.train.run(
        headlab.train.resume("my run", workers=1), progress=lambda count, _: done.append(count)
    )
    assert done == [4, 5, 6, 7, 8, 9]
    whole = headlab.train.run(planned(text, output="whole"))
    times = ("seconds", "data_share")
    assert result.table.drop(times).equals(whole.table.drop(times))


def test_an_interruption_in_the_first_epoch_leaves_nothing_to_resume(text: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Stepped):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(headlab.train.Interrupted, match="there is nothing to resume") as caught:
        headlab.train.run(planned(text), [interrupt])
    assert caught.value.exit_code == 143


def test_a_further_process_takes_any_folder_and_ends_without_a_word(
    text: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("run").mkdir()
    (Path("run") / "config.yaml").touch()  # written by the first process meanwhile
    monkeypatch.setenv("LOCAL_RANK", "1")
    plan = planned(text, output="run", device="cuda:7")
    told: list[Event] = []
    with pytest.raises(SystemExit) as caught:  # there is no such GPU: the first process says so
        headlab.train.run(plan, [told.append])
    assert caught.value.code == 0
    assert (told, capfd.readouterr()) == ([], ("", ""))
    assert [path.name for path in Path("run").iterdir()] == ["config.yaml"]


SCRIPT = """
import sys
import headlab

values = {values}
if __name__ == "__main__":
    plan = headlab.train.plan({data}, **values)
    result = headlab.train.run(plan)
    print(result.folder, result.table.height, result.finished)
"""


def test_a_script_with_two_processes_goes_on_once(text: Path) -> None:
    values = {**SMALL, "batch": 2, "devices": 2, "stage1": {"epochs": 1}, "stage2": {"epochs": 0}}
    data = {"train": str(text), "val_fraction": 0.25}
    script = Path("script.py")
    script.write_text(SCRIPT.format(values=values, data=data))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "runs/train 1 True\n", "")
    assert [path.name for path in Path("runs").iterdir()] == ["train"]


def test_a_failure_of_the_training_comes_through(text: Path) -> None:
    plan = planned(text, stage1={"epochs": 1, "lr": 1e30})
    with pytest.raises(TrainingError, match="The loss is NaN or infinite"):
        headlab.train.run(plan)
    assert Path("runs/train/bad-batch.pt").is_file()


def test_the_configuration_is_the_same_type_everywhere() -> None:
    assert headlab.train.TrainConfig is TrainConfig
