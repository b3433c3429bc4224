from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import polars as pl
import pytest
from one_command import run

import headlab
import headlab.demo as headlab_demo
from headlab.demo.guide import draw_scenes, saved_model
from headlab.demo.places import classes_by_place
from headlab.demo.text import headlab_program
from headlab.errors import InputError

EMBEDDED = Path(headlab.__file__).parent / "demo" / "demo.pt"


def test_the_tour(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    done = run("demo", "-o", out, "--scenes", "2")
    assert done.code == 0
    for part in ("1. The head", "2. Where its detections come from", "3. The same with shifted"):
        assert part in done.out
    assert "of " in done.out
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == [
        "demo.pt",
        "pictures/scene_0000_compare.png",
        "pictures/scene_0001_compare.png",
        "scenes/scene_0000.png",
        "scenes/scene_0001.png",
        "shifted.pt",
        "shifted.pt.headlab.json",
    ]
    assert (out / "demo.pt").read_bytes() == EMBEDDED.read_bytes()
    assert headlab.load(out / "shifted.pt").class_names == headlab.load(EMBEDDED).class_names


def test_the_commands_to_go_on_with_work(tmp_path: Path) -> None:
    out = tmp_path / "my demo"
    printed = run("demo", "-o", out, "--scenes", "1").out
    _, _, after = printed.partition("Go on with\n")
    hints = [shlex.split(line) for line in after.splitlines() if not line.startswith("(")]
    assert [words[1] for words in hints] == ["inspect", "diff", "trace", "edit"]
    # As they stand, in a shell; diff says with exit code 1 that the models differ.
    codes = [subprocess.run(words, check=False, capture_output=True).returncode for words in hints]
    assert codes == [0, 1, 0, 0]
    assert (out / "traced" / "scene_0000_trace.png").is_file()
    assert (out / "restored.pt").read_bytes() == EMBEDDED.read_bytes()


def test_the_embedded_detector_shows_something_true(tmp_path: Path) -> None:
    """Small cells come from P3, medium ones from P4, large ones from P5: nine of ten at least."""
    scenes = draw_scenes(tmp_path, count=12, first_seed=9000)
    traced = saved_model(tmp_path).trace(scenes)
    for (name, counts), level in zip(classes_by_place(traced), ("P3", "P4", "P5"), strict=True):
        assert sum(counts.values()) >= 5, f"no {name} to speak of"
        assert counts[level] >= 0.9 * sum(counts.values()), (name, counts)
    assert traced.detections.filter(pl.col("score") > 0.5).height > 50


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file", "utf-8")
    done = run("demo", "-o", tmp_path / "demo")
    assert done.code == 2
    assert "cannot be made" in done.err


def test_the_commands_work_without_headlab_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    program = shlex.split(headlab_program())
    done = subprocess.run(
        [*program, "--version"], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout == f"headlab {headlab.__version__}\n"


def test_a_shift_that_diff_calls_otherwise_is_explained(tmp_path: Path) -> None:
    printed = run("demo", "-o", tmp_path, "--scenes", "1").out
    assert "diff says that P5 was shifted by -1: with 3 classes that is the same as by 2" in printed
    said = run("diff", tmp_path / "demo.pt", tmp_path / "shifted.pt").out
    assert "P5 one2many: rows shifted by -1" in said


def test_a_tour_from_python(tmp_path: Path) -> None:
    made = headlab_demo.tour(output=tmp_path, scenes=1)
    assert made.shifts == {"P3": 0, "P4": 1, "P5": 2}
    assert made.table.equals(made.comparison.pairs)
    assert "3. The same with shifted class rows" in str(made)
    with pytest.raises(InputError, match="go together"):
        headlab_demo.tour("yolov8n.pt")
