"""Runs: evaluated again they give the same figures to the last bit, and a run that was stopped goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from annotated import annotated, save_noise
from click.testing import CliRunner
from polars.testing import assert_frame_equal

import headlab
import yolov3_models
from headlab.cli.main import app
from headlab.errors import InputError, OutputError, UnknownName
from headlab.evaluate.evaluation import Evaluation
from headlab.runs import parts

Small = Callable[..., Path]
PHOTOS = ("a.png", "b.jpg", "c.png", "d.png", "e.png")
FILES = ["annotated.parquet", "candidates", "images.parquet", "run.json", "truths.parquet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("photos")
    save_noise(made, PHOTOS)
    (made / "cut.png").write_bytes((made / "a.png").read_bytes()[:60])
    return made


@pytest.fixture(scope="module")
def table(folder: Path) -> Any:
    lines = [
        f"{name} 1,1,50,60,{at % 3} 20,10,90,80,{(at + 1) % 3}" for at, name in enumerate(PHOTOS)
    ]
    return annotated(folder, [*lines, "cut.png 1,1,9,9,0", "gone.png 1,1,9,9,0"])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> headlab.Model:
    return headlab.Model(yolov3_models.random_model())


def same(one: Evaluation, other: Evaluation) -> None:
    assert one.figures.values == pytest.approx(other.figures.values, abs=0, rel=0, nan_ok=True)
    assert_frame_equal(one.rows, other.rows, check_exact=True)
    assert_frame_equal(one.images, other.images, check_exact=True)
    assert sorted(photo.path for photo in one.skipped) == sorted(p.path for p in other.skipped)
    assert one.remarks == other.remarks


def test_the_figures_of_running_again(model: headlab.Model, table: Any, tmp_path: Path) -> None:
    recorded = model.evaluate(table, conf=0.05, run=tmp_path / "r")
    same(recorded, model.evaluate(table, conf=0.05))
    assert sorted(file.name for file in (tmp_path / "r").iterdir()) == FILES
    run = headlab.load_run(tmp_path / "r")
    assert (len(run), run.class_names) == (7, model.class_names)
    for settings in (
        {},
        {"conf": 0.1, "iou": 0.2},
        {"max_det": 3},
        {"best_class": True},
        {"conf": 0.001},
    ):
        again = run.evaluate(**settings)  # type: ignore[arg-type]
        same(again, model.evaluate(table, **settings))  # type: ignore[arg-type]
    reasons = {Path(photo.path).name: photo.reason for photo in run.evaluate().skipped}
    assert reasons["gone.png"] == "no such file"
    assert "truncated" in reasons["cut.png"]


@pytest.mark.parametrize("without", [("P5",), ("P4/1", "p5/0")])
def test_without_levels_and_slots(
    without: tuple[str, ...], model: headlab.Model, table: Any, tmp_path: Path
) -> None:
    model.evaluate(table, run=tmp_path / "r")
    done = headlab.load_run(tmp_path / "r").evaluate(without=without)
    same(done, model.evaluate(table, without=without))
    assert done.rows.filter(pl.col("place") == without[0].upper())["detections"].sum() == 0
    assert done.detections.flat.size > 0
    with pytest.raises(UnknownName):
        headlab.load_run(tmp_path / "r").evaluate(without=["P9"])
    with pytest.raises(InputError, match="Without all levels"):
        headlab.load_run(tmp_path / "r").evaluate(without=["P4", "P5"])


@pytest.mark.parametrize(
    ("kind", "end2end"), [("yolov8", False), ("yolo26", False), ("yolo26", True)]
)
def test_ultralytics_heads(
    kind: str, end2end: bool, small: Small, table: Any, tmp_path: Path
) -> None:
    """The free floor of a small random model is high: nearly all candidates are stored."""
    loaded = headlab.load(small(kind))
    settings: Any = {"imgsz": 96, "end2end": end2end}
    recorded = loaded.evaluate(table, run=tmp_path / "r", **settings)
    same(recorded, loaded.evaluate(table, **settings))
    same(headlab.load_run(tmp_path / "r").evaluate(), recorded)


def test_a_run_that_is_complete_needs_no_network(
    model: headlab.Model, table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = model.evaluate(table, run=tmp_path / "r")
    monkeypatch.setattr(type(model.runnable), "detector", None)  # whoever asks for it fails
    same(model.evaluate(table, run=tmp_path / "r"), first)


def stopped(model: headlab.Model, table: Any, folder: Path, after: int) -> None:
    """Begin a run of parts with two photos each, and stop it after some photos."""

    def stop(done: int, _: int | None) -> None:
        if done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.evaluate(table, run=folder, progress=stop)


@pytest.mark.parametrize("after", [1, 2, 3, 6, 7])
def test_a_run_that_was_stopped_goes_on(
    after: int,
    model: headlab.Model,
    table: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "_IMAGES_AT_ONCE", 2)
    whole = model.evaluate(table, run=tmp_path / "whole")
    stopped(model, table, tmp_path / "r", after)
    with pytest.raises(InputError, match=f"not complete: {after // 2 * 2} of 7 images"):
        headlab.load_run(tmp_path / "r")
    (tmp_path / "r" / "candidates" / "00009.parquet").write_bytes(b"half")  # as a crash leaves it
    same(model.evaluate(table, run=tmp_path / "r"), whole)
    assert sorted(file.name for file in (tmp_path / "r").iterdir()) == FILES
    for file in ("images.parquet", "truths.parquet", "candidates/*.parquet"):
        one, other = (pl.read_parquet(tmp_path / name / file) for name in ("whole", "r"))
        assert_frame_equal(one, other, check_exact=True)


def test_kill_at_any_moment(small: Small, folder: Path, table: Any, tmp_path: Path) -> None:
    """The process is killed while it works; in the end the rows are those of one that was not."""
    weights = small("yolov8")
    loaded = headlab.load(weights)
    loaded.evaluate(table, run=tmp_path / "whole", imgsz=64)
    script = (
        "import sys, time, headlab; from headlab.runs import parts; parts._IMAGES_AT_ONCE = 1;"
        "headlab.load(sys.argv[1]).evaluate(sys.argv[2], run=sys.argv[3], imgsz=64,"
        " progress=lambda done, of: (print(done, flush=True), time.sleep(0.05)))"
    )
    command = [sys.executable, "-c", script, str(weights), table.sources[0], str(tmp_path / "r")]
    for seen in (1, 3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(seen):
            assert process.stdout.readline()
        time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    loaded.evaluate(table, run=tmp_path / "r", imgsz=64)
    for file in ("images.parquet", "candidates/*.parquet"):
        one, other = (pl.read_parquet(tmp_path / name / file) for name in ("whole", "r"))
        assert_frame_equal(one.drop("part", strict=False), other.drop("part", strict=False))


def test_what_is_not_the_same_run_is_refused(
    model: headlab.Model, table: Any, tmp_path: Path
) -> None:
    run = tmp_path / "r"
    model.evaluate(table, run=run)
    others = {
        "with imgsz None, not 64": lambda: model.evaluate(table, run=run, imgsz=64),
        "of another model": lambda: model.edit(headlab.Shift(levels="P4", by=1)).evaluate(
            table, run=run
        ),
        "of other images": lambda: model.evaluate(table.with_images(table.images.head(2)), run=run),
        "with candidates above": lambda: model.evaluate(table, run=run, conf=0.0001),
    }
    for message, evaluate in others.items():
        with pytest.raises(OutputError, match=f"has a run {message}"):
            evaluate()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="has files, but no run"):
        model.evaluate(table, run=tmp_path / "full")
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"


def test_a_photo_that_changed_is_named(
    model: headlab.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_IMAGES_AT_ONCE", 1)
    save_noise(tmp_path, PHOTOS[:3])
    table = annotated(tmp_path, [f"{name} 1,1,50,60,0" for name in PHOTOS[:3]])
    stopped(model, table, tmp_path / "r", 2)
    (tmp_path / "a.png").write_bytes((tmp_path / "c.png").read_bytes())
    with pytest.raises(InputError, match=r"a\.png: the photo has changed since the run began"):
        model.evaluate(table, run=tmp_path / "r")


def test_what_a_run_does_not_hold_is_refused(
    model: headlab.Model, table: Any, tmp_path: Path
) -> None:
    model.evaluate(table, run=tmp_path / "r")
    run = headlab.load_run(tmp_path / "r")
    with pytest.raises(InputError, match=r"scores? above 0\.001; conf is 0\.0001"):
        run.evaluate(conf=0.0001)
    with pytest.raises(InputError, match="made with imgsz None; imgsz 64 needs the network"):
        run.evaluate(imgsz=64)


@pytest.mark.parametrize(
    ("file", "contents", "message"),
    [
        ("run.json", "{", "run.json"),
        ("run.json", "{}", "not the description of a run"),
        ("run.json", '{"run": 99, "headlab": "9.0"}', "written by headlab 9.0"),
        ("run.json", '{"run": 1, "layout": {}}', "damaged: KeyError"),
        ("truths.parquet", "PAR1", "damaged or cut off"),
        ("images.parquet", "PAR1", "damaged or cut off"),
        ("candidates/00000.parquet", None, "missing"),
    ],
)
def test_a_damaged_run(
    file: str, contents: str | None, message: str, model: headlab.Model, table: Any, tmp_path: Path
) -> None:
    model.evaluate(table, run=tmp_path / "r")
    if contents is None:
        (tmp_path / "r" / file).unlink()
    else:
        (tmp_path / "r" / file).write_text(contents)
    with pytest.raises(InputError, match=message):
        headlab.load_run(tmp_path / "r").evaluate()


def test_the_command(small: Small, table: Any, tmp_path: Path) -> None:
    run, data = str(tmp_path / "r"), table.sources[0]
    first = CliRunner().invoke(
        app, ["evaluate", str(small("yolov8")), data, "--run", run, "--json"]
    )
    again = CliRunner().invoke(app, ["evaluate", run, "--json"])
    assert (first.exit_code, again.exit_code) == (1, 1)  # photos were skipped
    assert json.loads(first.stdout) == json.loads(again.stdout)
    without = CliRunner().invoke(app, ["evaluate", run, "--without", "P4,P5", "--iou", "0.5"])
    assert without.exit_code == 1, without.output
    refused = CliRunner().invoke(app, ["evaluate", run, data])
    assert "is a stored run" in str(refused.exception)
    missing = CliRunner().invoke(app, ["evaluate", str(small("yolov8"))])
    assert missing.exit_code == 2
    assert "DATA" in missing.output
