"""`headlab anchors`: tables for people, files for programs, exit codes, and no traceback."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from one_command import run
from PIL import Image

STOCK = "10,13,  16,30,  33,23,  30,61,  62,45,  59,119,  116,90,  156,198,  373,326"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Annotations of 60 photos whose files are not there: cats small and square, dogs large and wide."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("annotations")
    lines = []
    for photo in range(60):
        boxes = []
        for _ in range(3):
            kind = int(rng.integers(2))
            w, h = np.array([[30, 30], [300, 120]])[kind] * np.exp(rng.normal(0, 0.3, 2))
            x, y = rng.uniform(0, 100, 2)
            boxes.append(f"{x:.0f},{y:.0f},{x + w:.0f},{y + h:.0f},{kind}")
        lines.append(f"{photo}.jpg {' '.join(boxes)}")
    (folder / "train.txt").write_text("\n".join(lines))
    (folder / "classes.txt").write_text("cat\n犬\n")
    return folder / "train.txt"


SIZE = ("--assume-size", "480,640")


def test_fit_prints_anchors_and_masks(data: Path) -> None:
    done = run("anchors", "fit", data, *SIZE)
    assert done.code == 0, done.err
    assert ["anchor", "width", "height", "level", "boxes", "share"] in done.words
    assert re.search(r"180 boxes: mean IoU 0\.8\d+; IoU ≥ 0\.5 for", done.out)
    assert "masks, P5 first: 6,7,8; 3,4,5; 0,1,2" in done.out


@pytest.mark.parametrize("name", ["anchors.txt", "lines.cfg", "anchors.yaml", "anchors.json"])
def test_fit_writes_what_check_reads(data: Path, tmp_path: Path, name: str) -> None:
    written = tmp_path / name
    done = run("anchors", "fit", data, *SIZE, "-o", written, "--seed", 3)
    assert done.code == 0, done.err
    assert f"wrote {written}" in done.err
    checked = run("anchors", "check", written, data, *SIZE)
    assert checked.code == 0, checked.out
    assert "The sizes fit this data" in checked.out


def test_every_text_says_how_photos_were_resized(data: Path, tmp_path: Path) -> None:
    """A fit for stretched photos is checked on stretched photos, unless an option says otherwise."""
    written = tmp_path / "a.yaml"
    size = ("--imgsz", "320,608")
    stretched = (
        "in pixels of the network's input, photos stretched to 320 x 608 px (height x width)"
    )
    fitted = run("anchors", "fit", data, *SIZE, *size, "--resize", "stretch", "-o", written)
    assert stretched in fitted.out.splitlines()
    assert stretched in run("anchors", "check", written, data, *SIZE).out.splitlines()
    asked = run("anchors", "check", written, data, *SIZE, "--resize", "letterbox")
    assert stretched.replace("stretched", "letterboxed") in asked.out.splitlines()
    classes = run("anchors", "per-class", data, *SIZE, "-k", 2, "--units", "original")
    assert "in pixels of the original photos" in classes.out.splitlines()


def test_fit_as_json_csv_and_plot(data: Path, tmp_path: Path) -> None:
    table, plot, file = (tmp_path / name for name in ("anchors.csv", "fit.png", "fit.json"))
    done = run(
        "anchors", "fit", data, *SIZE, "-k", 6, "--json", "-o", table, "-o", plot, "-o", file
    )
    document = json.loads(done.out)
    assert json.loads(file.read_text("utf-8")) == document
    assert len(document["anchors"]) == 6
    assert document["coverage"]["boxes"] == 180
    assert document["masks"] == [[4, 5], [2, 3], [0, 1]]
    rows = list(csv.DictReader(table.open()))
    assert [float(row["width"]) for row in rows] == [width for width, _ in document["anchors"]]
    with Image.open(plot) as picture:
        assert picture.width > 500


def test_fit_chooses_k(data: Path) -> None:
    done = run("anchors", "fit", data, *SIZE, "-k", "auto", "--most", 6)
    assert done.code == 0
    assert ["k", "mean", "IoU", "gain", "IoU", "≥", "0.5"] in done.words
    assert any(words[-1:] == ["chosen"] for words in done.words)


def test_objective_weights_levels_and_assignment(data: Path, tmp_path: Path) -> None:
    written = tmp_path / "a.yaml"
    options = (
        "--objective",
        "recall",
        "--weights",
        "class-balanced",
        "--levels",
        2,
        "--assign",
        "split",
    )
    done = run("anchors", "fit", data, *SIZE, "-k", 6, *options, "-o", written)
    assert done.code == 0
    document = yaml.safe_load(written.read_text())
    assert (document["objective"], document["levels"]) == ("recall", ["P5", "P4"])
    assert sorted(number for mask in document["masks"] for number in mask) == list(range(6))


def test_original_units_need_no_sizes(data: Path) -> None:
    done = run("anchors", "fit", data, "--units", "original")
    assert done.code == 0
    assert "in pixels of the original photos" in done.out
    missing = run("anchors", "fit", data)
    assert missing.code == 2
    assert "--assume-size" in missing.err
    assert "--units original" in missing.err


def test_check_finds_problems_and_exits_with_1(data: Path, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.txt"
    anchors.write_text("0.05,0.06, 0.5,0.2, 0.6,0.3")
    plot = tmp_path / "check.svg"
    done = run("anchors", "check", anchors, data, *SIZE, "-o", plot)
    assert done.code == 1
    assert "problem: Multiplied by" in done.out
    assert "fractions of the input (0 to 1)" in done.out.replace("\n  ", " ")
    assert plot.read_text().lstrip().startswith("<?xml")


def test_check_as_json_and_csv(data: Path, tmp_path: Path) -> None:
    anchors, table = tmp_path / "anchors.txt", tmp_path / "check.csv"
    anchors.write_text(STOCK)
    done = run("anchors", "check", anchors, data, *SIZE, "--json", "-o", table)
    document = json.loads(done.out)
    assert document["ok"] is (done.code == 0)
    assert [row["name"] for row in document["by_class"]] == ["cat", "犬"]
    assert sum(row["boxes"] for row in document["by_anchor"]) == document["coverage"]["boxes"]
    assert isinstance(document["collided"], int)
    assert len(list(csv.DictReader(table.open()))) == 9


def test_a_cfg_gives_the_input_size(data: Path, tmp_path: Path) -> None:
    cfg = tmp_path / "a.cfg"
    cfg.write_text("[net]\nwidth=608\nheight=608\n[yolo]\nmask=0,1\nanchors=40,40, 300,120\n")
    small = run("anchors", "check", cfg, data, *SIZE, "--imgsz", 416, "--json")
    large = run("anchors", "check", cfg, data, *SIZE, "--json")
    assert json.loads(small.out)["coverage"] != json.loads(large.out)["coverage"]
    assert "is for an input of 608 x 608 px" in json.loads(small.out)["notes"][0]


def test_per_class(data: Path, tmp_path: Path) -> None:
    table, plot, document = (tmp_path / name for name in ("a.csv", "a.png", "a.json"))
    done = run(
        "anchors", "per-class", data, *SIZE, "-k", 3, "-o", table, "-o", plot, "-o", document
    )
    assert done.code == 0, done.err
    assert "In YOLOv3 no anchor belongs to a class" in done.out.replace("\n", " ")
    assert "would gain" in done.out
    found = json.loads(document.read_text())
    assert [row["name"] for row in found["classes"]] == ["cat", "犬"]
    gain = found["classes"][0]["gain"]
    assert gain["low"] <= gain["mean"] <= gain["high"]
    rows = list(csv.DictReader(table.open()))
    assert [row["class_name"] for row in rows] == ["cat", "犬"]
    with Image.open(plot) as picture:
        assert picture.width > 500


def test_the_same_plot_is_the_same_file(data: Path, tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        assert run("anchors", "fit", data, *SIZE, "-k", 3, "-o", tmp_path / name).code == 0
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "none.txt"), "none.txt"),
        (("fit", "DATA", "-k", "many"), "not a number of anchors"),
        (("fit", "DATA", "-k", "0"), "not a number of anchors"),
        (("fit", "DATA", "--imgsz", "big"), "--imgsz 'big' is not a size in pixels"),
        (("fit", "DATA", "--assume-size", "big"), "--assume-size 'big' is not a size in pixels"),
        (("fit", "DATA", "-o", "anchors.docx"), "anchors.docx"),
        (("fit", "DATA", "-o", "plot.bmp"), "End the name in .txt, .cfg, .yaml, .yml, .json"),
        (("fit", "DATA", "-o", "nowhere/plot.png"), "no folder"),
        (("fit", "DATA", "-o", "-"), "say --json"),
        (("fit", "DATA", "-o", "x.json", "-o", "x.json"), "same file"),
        (("check", "DATA", "DATA", "-o", "x.txt"), "End the name in .json, .csv"),
        (("fit", "DATA", "-o", "DATA"), "is the input itself"),
        (("check", "none.txt", "DATA"), "none.txt"),
        (("per-class", "none.txt"), "none.txt"),
    ],
)
def test_wrong_input(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = data.read_bytes()
    done = run("anchors", *[data if each == "DATA" else each for each in arguments])
    assert done.code == 2
    assert words in done.err
    assert data.read_bytes() == before
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    done = run("anchors", "fit", empty, "--units", "original")
    assert done.code == 2
    assert "empty" in done.err or "no boxes" in done.err


@pytest.mark.parametrize("command", ["bccd", "coco128"])
def test_the_real_data_sets(shared: Path, command: str) -> None:
    done = run("anchors", "fit", shared / command, "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert len(document["anchors"]) == 9
    assert document["mean_iou"] > (0.88 if command == "bccd" else 0.6)
