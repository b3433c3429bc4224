from __future__ import annotations

from pathlib import Path

import polars as pl
from one_command import run

import headlab
from headlab.demo.tour import classes_by_level, draw_scenes, load_model


def test_the_tour(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    done = run("demo", "--out", out, "--scenes", "2")
    assert done.code == 0
    for part in ("1. The head", "2. Where its detections come from", "3. The same with shifted"):
        assert part in done.out
    assert "of " in done.out
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == [
        "pictures/scene_0000_compare.png",
        "pictures/scene_0001_compare.png",
        "scenes/scene_0000.png",
        "scenes/scene_0001.png",
        "shifted.pt",
        "shifted.pt.headlab.json",
    ]
    assert headlab.load(out / "shifted.pt").class_names == load_model().class_names


def test_the_embedded_detector_shows_something_true(tmp_path: Path) -> None:
    """Small cells come from P3, medium ones from P4, large ones from P5: nine of ten at least."""
    scenes = draw_scenes(tmp_path, count=12, first_seed=9000)
    traced = load_model().trace(scenes)
    for (name, counts), level in zip(classes_by_level(traced), ("P3", "P4", "P5"), strict=True):
        assert sum(counts.values()) >= 5, f"no {name} to speak of"
        assert counts[level] >= 0.9 * sum(counts.values()), (name, counts)
    assert traced.detections.filter(pl.col("score") > 0.5).height > 50


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file")
    done = run("demo", "--out", tmp_path / "demo")
    assert done.code == 2
    assert "cannot be made" in done.err
