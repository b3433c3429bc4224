"""`headlab train` trains: a small network on small photos, from the first line to the files at the end."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from one_command import run
from PIL import Image

import headlab
from headlab.files.json_text import to_json
from headlab.train.configuration.file import load

SMALL = (
    *("--variant", "yolov3-tiny", "--imgsz", 64, "--batch", 4, "--workers", 0),
    *("--stage1.epochs", 2, "--stage2.epochs", 1, "--data.val-fraction", 0.25),
)
SHORT = (*SMALL, "--stage1.epochs", 6, "--stage2.epochs", 0)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve small photos of noise with two boxes each, in the current folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    lines = []
    for number in range(12):
        Image.fromarray(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8)).save(f"{number}.png")
        left = int(rng.integers(0, 20))
        lines.append(f"{number}.png {left},2,{left + 12},30,0 {left + 20},10,{left + 38},25,1\n")
    Path("boxes.txt").write_text("".join(lines), encoding="utf-8")
    Path("classes.txt").write_text("ant\n蜂\n", "utf-8")


def metrics(folder: str) -> list[dict[str, str]]:
    """The rows without what no two runs have alike: the times."""
    with (Path(folder) / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k not in ("seconds", "data_share")} for row in rows]


def test_a_training_from_end_to_end() -> None:
    done = run("train", "boxes.txt", *SMALL, "-o", "run")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert "yolov3-tiny at 64 x 64 px, 2 classes: ant, 蜂" in lines
    assert "training on 9 photos, validating on 3 photos" in lines
    assert sum(line.split()[1:2] in (["1/2"], ["2/2"], ["1/1"]) for line in lines) == 3
    assert "wrote run/best.safetensors" in lines
    assert "  headlab evaluate run/best.safetensors boxes.txt" in lines
    rows = metrics("run")
    assert [(row["stage"], row["epoch"]) for row in rows] == [("1", "1"), ("1", "2"), ("2", "1")]
    assert float(rows[0]["train/P5/class/蜂"]) >= 0
    assert len(Path("run/steps.csv").read_text(encoding="utf-8").splitlines()) == 1 + int(
        rows[-1]["global_step"]
    )
    assert len(list(Path("run/tensorboard").iterdir())) == 1
    assert load(Path("run/config.yaml")).stage1.epochs == 2


def test_an_interrupted_training_goes_on_as_if_there_had_been_no_interruption() -> None:
    command = [sys.executable, "-u", "-m", "headlab", "train", "boxes.txt", *map(str, SHORT)]
    process = subprocess.Popen(
        [*command, "-o", "my run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.split()[1:2] == ["1/6"]:
                process.send_signal(signal.SIGINT)
                break
        _, err = process.communicate(timeout=120)
    assert err.startswith("headlab: interrupted after epoch ")
    assert process.returncode == 130
    assert err.endswith("continue with: headlab train --resume 'my run'\n")
    assert 1 <= len(metrics("my run")) < 6
    done = run("train", "--resume", "my run", "--workers", 1)
    assert (done.code, done.err) == (0, "")
    assert "resuming after " in done.out
    # The resolved configuration repeats the training, step for step.
    assert run("train", "--config", "my run/config.yaml").code == 0
    assert metrics("my run") == metrics("runs/train")


def test_a_reader_who_leaves_ends_the_printing_and_not_the_training() -> None:
    command = [sys.executable, "-u", "-m", "headlab", "train", "boxes.txt", *map(str, SMALL)]
    process = subprocess.Popen(
        [*command, "-o", "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert (process.returncode, err) == (0, "")
    assert len(metrics("run")) == 3
    assert Path("run/last.safetensors").is_file()


def test_an_interruption_before_the_first_epoch_leaves_nothing() -> None:
    command = [sys.executable, "-u", "-m", "headlab", "train", "boxes.txt", *map(str, SMALL)]
    process = subprocess.Popen(
        [*command, "-o", "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.split()[:2] == ["stage", "epoch"]:  # the heading of the epochs
                process.send_signal(signal.SIGINT)
                break
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "before the end of the first epoch" in err
    assert not Path("run").exists()
    assert run("train", "boxes.txt", *SMALL, "-o", "run").code == 0


def test_the_result_as_json() -> None:
    done = run("train", "boxes.txt", *SMALL, "-o", "run", "--json")
    assert done.code == 0
    document = json.loads(done.out)
    assert document == json.loads(to_json(headlab.train.read("run").to_dict()))
    assert [row["epoch"] for row in document["epochs"]] == [1, 2, 1]
    assert "training on 9 photos, validating on 3 photos" in done.err
    shown = run("train", "boxes.txt", *SMALL, "--preview", "fed.csv", "--json")
    assert len(json.loads(shown.out)["images"]) == 8
    assert Path("fed.csv").read_text(encoding="utf-8").startswith("image,photo,path,class_id")


def test_a_preview_is_drawn_and_nothing_else() -> None:
    before = set(Path().iterdir())
    done = run("train", "boxes.txt", *SMALL, "--preview", "fed.png", "--preview-count", 5)
    assert done.code == 0
    assert done.out.splitlines()[0] == "5 images as the network sees them, 64 x 64 px"
    assert done.err.splitlines()[0] == "wrote fed.png"
    assert set(Path().iterdir()) - before == {Path("fed.png")}
    with Image.open("fed.png") as image:
        assert image.format == "PNG"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("none.txt",), "none.txt"),
        (("--resume", "none"), "none: there is no training to resume"),
        (("boxes.txt", "--batch", 100), "100"),
        (("boxes.txt", "--start", "none.weights"), "none.weights"),
        (
            ("boxes.txt", "--anchors", "10,14/20,20", "--imgsz", 64, "--masks", "0/0,7"),
            "masks name",
        ),
    ],
)
def test_what_is_wrong_with_data_is_said_and_nothing_is_made(
    args: tuple[str, ...], message: str
) -> None:
    done = run("train", *args)
    assert done.code == 2
    assert message in done.err
    assert not Path("runs").exists()
