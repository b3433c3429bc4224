"""The result of a training as its folder shows it: rows, the best epoch, a plot, files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure

from headlab.errors import InputError, OutputError
from headlab.train.api import read
from headlab.train.configuration.file import save
from headlab.train.events import Event
from headlab.train.watching.logs import MetricsLog
from train_events import CONFIG, epoch, stage_started, started, training


def written(folder: Path, events: Iterator[Event], *, finished: bool = False) -> Path:
    """A folder as a training leaves it, with empty weights."""
    folder.mkdir(parents=True)
    save(CONFIG, folder / "config.yaml")
    log = MetricsLog(folder)
    for event in events:
        log(event)
    for name in ("best", "last")[: 1 + finished]:
        (folder / f"{name}.safetensors").touch()
    return folder


def test_a_finished_training(tmp_path: Path) -> None:
    folder = written(tmp_path / "run", training(tmp_path / "run"), finished=True)
    run = read(folder)
    assert (run.folder, run.config, run.finished) == (folder, CONFIG, True)
    assert run.table.select("stage", "epoch", "global_step").rows() == [
        *((1, 1, 3), (1, 2, 6), (2, 1, 9), (2, 2, 12))
    ]
    assert run.table["train/loss"].to_list() == [300.0] * 4
    assert run.table["best"].to_list() == [True, False, True, False]
    assert run.table.schema["truths/assigned"] == pl.Int64
    assert run.table.schema["val/P4/class/蜂"] == pl.Float64
    assert run.monitor == "val loss"
    assert run.best_epoch is not None
    assert (run.best_epoch["stage"], run.best_epoch["epoch"], run.best_value) == (2, 1, 150.0)
    assert run.weights == (folder / "best.safetensors", folder / "last.safetensors")
    assert (run.best_weights, run.last_weights) == run.weights
    assert repr(run) == f"<TrainingRun: {folder}, 4 epochs, best val loss 150.0>"


def test_a_training_that_is_still_running(tmp_path: Path) -> None:
    events = [started(), stage_started(1), epoch(1, 1, figures={}, validated=False)]
    run = read(written(tmp_path / "run", iter(events)))
    assert (run.finished, run.last_weights, run.monitor) == (False, None, "train loss")
    assert run.best_value == 300.0
    assert run.summary == f"{tmp_path / 'run'}, 1 epoch, unfinished, best train loss 300.0"
    assert isinstance(run.plot(), Figure)


def test_a_training_before_the_end_of_its_first_epoch(tmp_path: Path) -> None:
    run = read(written(tmp_path / "run", iter(())))
    assert run.table.height == 0
    assert (run.best_epoch, run.best_value) == (None, None)
    assert run.summary == f"{tmp_path / 'run'}, 0 epochs, unfinished"
    assert run.to_dict()["best"] is None
    assert "epoch" in str(run)
    with pytest.raises(InputError, match="no epoch of this training is done yet"):
        run.plot()


def test_average_precision_that_is_not_a_number(tmp_path: Path) -> None:
    events = [
        started(),
        stage_started(1),
        epoch(1, 1, figures={}),
        epoch(1, 2, figures={"AP50": math.nan}),
    ]
    run = read(written(tmp_path / "run", iter(events)))
    assert run.table["AP50"].to_list()[0] is None
    assert math.isnan(run.table["AP50"].to_list()[1])
    assert isinstance(run.plot(), Figure)
    assert json.loads(run.save(tmp_path / "run.json").read_text())["epochs"][1]["AP50"] is None


def test_it_shows_itself(tmp_path: Path) -> None:
    run = read(written(tmp_path / "run", training(tmp_path / "run"), finished=True))
    lines = str(run).splitlines()
    assert lines[1].split() == ["stage", "epoch", "train", "val", "AP50", "lr", "time"]
    assert lines[2].split() == ["1", "1", "300.0", "150.0", "0.812", "0.001", "2.0", "s", "*"]
    assert lines[6] == "best: epoch 1 of stage 2, val loss 150.0"
    html = run._repr_html_()
    assert "<table" in html
    assert "val/loss" in html
    assert "train/P5/xy/ant" not in html  # the columns that matter; the files have all


def test_the_plot_has_losses_and_precision_with_stages_and_the_best_epoch(tmp_path: Path) -> None:
    figure = read(written(tmp_path / "run", training(tmp_path / "run"))).plot()
    loss, precision = figure.axes
    drawn = {line.get_label(): line for line in loss.lines}
    assert drawn["training"].get_ydata() == pytest.approx([300.0] * 4)
    assert drawn["validation"].get_xdata() == pytest.approx([1, 2, 3, 4])
    assert drawn["best epoch"].get_xdata() == pytest.approx([3, 3])
    assert {text.get_text() for text in loss.texts} == {"stage 1", "stage 2"}
    assert [line.get_label() for line in precision.lines if line.get_label() == "AP50"] == ["AP50"]


def test_it_is_saved_in_every_format(tmp_path: Path) -> None:
    run = read(written(tmp_path / "run", training(tmp_path / "run"), finished=True))
    for name in ("a.json", "a.csv", "a.parquet", "a.html", "a.png", "a.svg"):
        assert run.save(tmp_path / name).stat().st_size > 100
    document = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert document["best"] == {"stage": 2, "epoch": 1, "value": 150.0}
    assert document["config"]["stage1"]["freeze"] == CONFIG.stage1.freeze
    assert [row["epoch"] for row in document["epochs"]] == [1, 2, 1, 2]
    assert pl.read_parquet(tmp_path / "a.parquet").equals(run.table)
    with pytest.raises(OutputError, match="cannot be written in this format"):
        run.save(tmp_path / "a.txt")


def test_what_is_no_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no training here: config\.yaml is missing"):
        read(tmp_path)
    folder = written(tmp_path / "run", training(tmp_path / "run"))
    for content, message in (
        ("stage,epoch\n1,1\n", "the column global_step is missing"),
        ((folder / "metrics.csv").read_text().replace("300.0", "much", 1), "is not a number"),
    ):
        (folder / "metrics.csv").write_text(content)
        with pytest.raises(InputError, match=message):
            read(folder)
