"""A reader who leaves early, as `head` does, ends the printing and never the work."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from one_command import run
from traced_command import save_noise

import yolov3_models

Small = Callable[..., Path]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX systems")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    save_noise(folder, ("a.png", "b.png", "c.png"))
    return folder


def _without_reader(*args: object, also_stderr: bool = False) -> subprocess.CompletedProcess[str]:
    """Run headlab with standard output going into a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        return subprocess.run(
            [sys.executable, "-m", "headlab", *map(str, args)],
            stdout=pipe,
            stderr=subprocess.STDOUT if also_stderr else subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )


def test_all_files_are_written_when_the_reader_has_gone(
    small: Small, photos: Path, tmp_path: Path
) -> None:
    table, pictures = tmp_path / "t.csv", tmp_path / "pictures"
    done = _without_reader("trace", small(), photos, "-o", table, "--save", pictures)
    assert done.returncode == 0
    assert "saved 3 pictures" in done.stderr
    assert "Broken" not in done.stderr
    assert len(list(pictures.iterdir())) == 3
    assert pl.read_csv(table)["image"].n_unique() == 3


def test_the_exit_code_tells_the_truth(small: Small, photos: Path, tmp_path: Path) -> None:
    (photos / "bad.png").write_bytes(b"no photo")
    table = tmp_path / "t.csv"
    for also_stderr in (False, True):
        done = _without_reader("trace", small(), photos, "-o", table, also_stderr=also_stderr)
        assert done.returncode == 1
        assert table.is_file()
        table.unlink()
    assert _without_reader("trace", small(), photos, "--json").returncode == 1
    assert _without_reader("trace", "none.pt", photos, also_stderr=True).returncode == 2


def test_head_takes_one_line(small: Small, photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    words = [sys.executable, "-m", "headlab", "trace", small(), photos, "-o", table]
    command = " ".join(shlex.quote(str(word)) for word in words)
    done = subprocess.run(
        ["bash", "-c", f'{command} | head -1; exit "${{PIPESTATUS[0]}}"'],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(f"{photos / 'a.png'}: ")
    assert done.stdout.count("\n") == 1
    assert done.stderr.endswith(f"wrote {table}\n")
    assert "Broken" not in done.stderr
    assert pl.read_csv(table)["image"].n_unique() == 3


EVERY = (
    ("inspect MODEL -o out.csv", "out.csv"),
    ("inspect MODEL --params --json -o out.csv", "out.csv"),
    ("edit MODEL --shift 1 -o out.pt", "out.pt"),
    ("edit MODEL --shift 1 -o out.pt --json", "out.pt"),
    ("edit edited.pt --undo -o out.pt", "out.pt"),
    ("diff MODEL edited.pt -o out.csv", "out.csv"),
    ("trace MODEL photos -o out.csv", "out.csv"),
    ("compare MODEL edited.pt photos -o out.csv", "out.csv"),
    ("convert m.safetensors out.weights", "out.weights"),
    ("evaluate MODEL train.txt -o out.csv", "out.csv"),
    ("boxes check train.txt --all -o out.csv", "out.csv"),
    ("boxes stats train.txt -o out.csv", "out.csv"),
    ("boxes convert train.txt out --to yolo", "out/data.yaml"),
    ("anchors fit train.txt -k 3 --levels 1 -o out.txt", "out.txt"),
    ("anchors check anchors.txt train.txt --levels 1 -o out.csv", "out.csv"),
    ("anchors per-class train.txt -k 3 --levels 1 -o out.csv", "out.csv"),
    ("train train.txt --preview out.png --imgsz 64 --batch 2 --variant yolov3-tiny", "out.png"),
    ("demo -o out --scenes 1", "out/shifted.pt"),
)
"""What a training prints is held by the tests of `headlab.train.watching`."""


@pytest.mark.parametrize(("command", "target"), EVERY, ids=lambda text: text[:40])
def test_every_command_does_its_work_and_ends_as_it_would_with_a_reader(
    small: Small,
    photos: Path,
    tmp_path: Path,
    command: str,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    boxes = "1,1,40,40,0 5,5,60,90,0 9,9,100,30,0 3,3,50,44,0"
    lines = [f"photos/{name}.png {boxes}\n" for name in "abc"]
    (tmp_path / "train.txt").write_text("".join(lines), "utf-8")
    (tmp_path / "classes.txt").write_text("ant\n", "utf-8")
    (tmp_path / "anchors.txt").write_text("40,40, 60,90, 90,30\n", "utf-8")
    yolov3_models.saved(yolov3_models.random_model(), tmp_path / "m.safetensors")
    assert run("edit", small(), "--shift", 1, "-o", "edited.pt").code == 0
    words = command.replace("MODEL", str(small())).split()
    read = run(*words)
    assert (tmp_path / target).is_file(), read.err
    (tmp_path / "out").rename(tmp_path / "first") if (tmp_path / "out").is_dir() else None
    for path in tmp_path.glob("out*"):
        path.unlink()
    left = _without_reader(*words)
    assert left.returncode == read.code, left.stderr
    assert (tmp_path / target).is_file(), left.stderr
    assert "Broken" not in left.stderr
    assert "Traceback" not in left.stderr


@pytest.mark.parametrize("command", ["trace", "compare", "evaluate"])
def test_long_work_says_now_and_then_how_far_it_is(
    small: Small, photos: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headlab.results.progress.EVERY_S", 0.0)
    monkeypatch.chdir(tmp_path)
    lines = [f"photos/{name}.png 1,1,40,40,0\n" for name in "abc"]
    (tmp_path / "train.txt").write_text("".join(lines), "utf-8")
    (tmp_path / "classes.txt").write_text("ant\n", "utf-8")
    models = (small(), small()) if command == "compare" else (small(),)
    done = run(command, *models, "train.txt" if command == "evaluate" else photos, "-q")
    assert done.code == 0, done.err
    said = [line for line in done.err.splitlines() if " of 3" in line]
    assert len(said) == 3, done.err
    assert said[-1].endswith(": 3 of 3")


def test_what_is_shown_is_there_at_once() -> None:
    """Through a pipe too: a table does not wait for those that follow."""
    program = "from headlab.results.tables import show; show('a table'); input()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"a table\n"
        assert process.poll() is None, "it waits for its input"
        process.communicate(b"\n")
