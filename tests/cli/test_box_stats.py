"""`headlab boxes stats`: tables, JSON, CSV, plots, and errors that say what to do."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from one_command import run
from PIL import Image

SIZE = ("--assume-size", "832,832")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three photos, halved at the input of 416 px: a cat of 20 x 20, cats of 64 x 16, a dog of 96 x 96."""
    path = tmp_path / "train.txt"
    path.write_text(
        "a.jpg 0,0,40,40,0 0,0,128,32,0\nb.jpg 0,0,192,192,1 9,9,9,20,1 0,0,1\nc.jpg\n", "utf-8"
    )
    (tmp_path / "classes.txt").write_text("cat\n犬\n", "utf-8")
    return path


def test_tables(data: Path) -> None:
    done = run("boxes", "stats", data, *SIZE)
    assert done.code == 0, done.err
    assert "images  3, 1 of them without boxes" in done.out
    assert (
        "boxes   3 of 2 classes; per image 1.0 on average, 1 in the median, 2 at most" in done.out
    )
    assert "letterboxed to 416 x 416 px (height x width)" in done.out
    assert "left out: 1 box with no area (zero or negative width or height)" in done.out
    assert "skipped while reading: bad-box (1)" in done.out
    assert f"{data}:2: '0,0,1' is not a box" in done.out
    # 20 and 64: median 42, from 22.2 to 61.8; 400 and 1024 px², the middle 712 of 173,056
    assert ["cat", "2", "1", "42", "22-62", "18", "16-20", "2.50", "0.41%"] in done.words
    assert ["cat", "66.7%", "50%", "50%", "0%", "50%", "50%", "0%"] in done.words
    assert ["small", "under", "32", "x", "32", "px", "1", "33.3%"] in done.words
    assert ["P4", "16", "32", "to", "64", "px", "1", "33.3%"] in done.words


def test_json_csv_and_plot(data: Path, tmp_path: Path) -> None:
    table, plot = tmp_path / "stats.csv", tmp_path / "stats.png"
    done = run("boxes", "stats", data, *SIZE, "--json", "-o", table, "-o", plot)
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert document["input_hw"] == [416, 416]
    assert document["per_image"]["without_boxes"] == 1
    cat, dog = document["classes"]
    assert (cat["class_id"], cat["class_name"], cat["boxes"]) == (0, "cat", 2)
    assert cat["by_level"] == {"P3": 1, "P4": 1, "P5": 0}
    assert dog["width"] == {"low": 96.0, "median": 96.0, "high": 96.0}
    assert dog["by_size"] == {"small": 0, "medium": 0, "large": 1}
    assert document["unread"][0]["line"] == 2
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert [row["class_name"] for row in rows] == ["cat", "犬"]
    assert (rows[0]["width_50"], rows[0]["P4"], rows[1]["large"]) == ("42.0", "1", "1")
    with Image.open(plot) as picture:
        assert picture.width > 1000


def test_anchors_say_the_level(data: Path, tmp_path: Path) -> None:
    anchors, plot = tmp_path / "tiny.yaml", tmp_path / "stats.svg"
    pairs = "[[10,14], [23,27], [37,58], [81,82], [135,169], [344,319]]"
    text = f"anchors: {pairs}\nmasks: [[3,4,5], [1,2,3]]\n"  # keras-yolo3's
    anchors.write_text(text, encoding="utf-8")
    done = run("boxes", "stats", data, *SIZE, "--anchors", anchors, "-o", plot)
    assert done.code == 0, done.err
    assert ["P5", "32", "81x82", "135x169", "344x319", "1", "33.3%"] in done.words
    assert "Boxes whose anchor is on two levels count on both." in done.out
    assert plot.read_text("utf-8").lstrip().startswith("<?xml")


def test_unknown_sizes(data: Path) -> None:
    done = run("boxes", "stats", data)
    assert done.code == 2
    assert "--assume-size" in done.err
    assert "--units original" in done.err
    assert run("boxes", "stats", data, "--units", "original").code == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("-o", "stats.pdf"), "End the name in .json, .csv, .parquet, .html, .png or .svg"),
        (("-o", "-"), "say --json"),
        (("-o", "x.png", "-o", "x.png"), "same file"),
        (("--imgsz", "big"), "--imgsz 'big' is not a size in pixels"),
        (("--assume-size", "big"), "--assume-size 'big'"),
        (("--levels", 2, "--anchors", "a.txt"), "Give one of --anchors and --levels"),
        (("--anchors", "missing.txt"), "missing.txt"),
        (("--levels", 9), "--levels"),
    ],
    ids=str,
)
def test_wrong_arguments_write_nothing(
    data: Path, wrong: tuple[object, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    before = sorted(data.parent.iterdir())
    done = run("boxes", "stats", data, *SIZE, *wrong)
    assert done.code == 2
    assert said in done.err
    assert sorted(data.parent.iterdir()) == before


def test_more_classes_than_fit(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text("\n".join(f"{at}.jpg 0,0,{50 + at},60,{at}" for at in range(50)), "utf-8")
    plot = tmp_path / "stats.png"
    done = run("boxes", "stats", path, *SIZE, "-o", plot)
    assert "and 30 classes more (--all shows them)" in done.out
    assert "more (--all" not in run("boxes", "stats", path, *SIZE, "--all").out
    assert plot.stat().st_size > 10_000
