"""`headlab evaluate`: tables, files, and what it refuses or skips."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from one_command import Done, run

import yolov3_models

Small = Callable[..., Path]


def evaluated(*args: object) -> Done:
    return run("evaluate", *args)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small YOLOv3-tiny with the classes ant, bee and cat."""
    return yolov3_models.saved(
        yolov3_models.random_model(), tmp_path_factory.mktemp("model") / "small.weights"
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two photos of noise with annotations of keras-yolo3."""
    for seed, name in enumerate(("a.png", "b.png")):
        noise = np.random.default_rng(seed).integers(0, 256, (96, 128, 3), np.uint8)
        cv2.imwrite(str(tmp_path / name), noise)
    (tmp_path / "classes.txt").write_text("ant\nbee\ncat\n", "utf-8")
    file = tmp_path / "test.txt"
    file.write_text("a.png 10,10,60,60,0 20,30,100,90,1\nb.png 5,5,120,90,0\n", "utf-8")
    return file


def test_the_tables(weights: Path, data: Path) -> None:
    done = evaluated(weights, data)
    assert done.code == 0, done.err
    headings = [words[0] for words in done.words if words]
    for heading in ("AP", "AR_1", "class", "ant", "bee", "level", "P4/16", "slot", "P5/2"):
        assert heading in headings
    assert "cat" not in headings  # it has no truths
    assert done.out.splitlines()[-1].startswith("2 photos; 3 truths of 2 classes, ")
    assert "class " not in evaluated(weights, data, "--quiet").out


def test_the_files(weights: Path, data: Path, tmp_path: Path) -> None:
    csv, parquet = tmp_path / "rows.csv", tmp_path / "rows.parquet"
    done = evaluated(weights, data, "--json", "-o", csv, "-o", parquet)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert list(found["figures"])[:3] == ["AP", "AP50", "AP75"]
    assert found["settings"]["conf"] == 0.001
    assert found["settings"]["iou"] == 0.45
    assert found["rows"] == pl.read_parquet(parquet).to_dicts()
    assert len(found["rows"]) == (1 + 2 + 6) * (1 + 3) == pl.read_csv(csv).height
    assert [each["truths"] for each in found["images"]] == [2, 1]
    assert found["rows"][0]["recall"] == found["recall_50"]


def test_settings_are_taken(weights: Path, data: Path) -> None:
    options = ("--conf", 0.3, "--iou", 0.6, "--imgsz", "64,96", "--max-det", 7, "--best-class")
    found = json.loads(evaluated(weights, data, *options, "--json").out)
    assert found["settings"] == {
        "conf": 0.3,
        "iou": 0.6,
        "imgsz": [64, 96],
        "resize": "letterbox",
        "max_det": 7,
        "best_class": True,
        "end2end": False,
        "difficult": False,
        "device": None,
    }
    assert {(row["input_height_px"], row["input_width_px"]) for row in found["images"]} == {
        (64, 96)
    }
    assert max(row["detections"] for row in found["images"]) <= 7


def test_what_is_skipped_is_told(weights: Path, data: Path) -> None:
    (data.parent / "b.png").unlink()
    with data.open("a", encoding="utf-8") as file:
        file.write("a.png 1,2,three,4,0\n")
    done = evaluated(weights, data)
    assert done.code == 1
    assert "skipped" in done.err
    assert "b.png: no such file" in done.err
    assert "test.txt:3" in done.err
    assert "1 photo, 1 skipped; 2 truths of 2 classes" in done.out


def test_classes_without_a_counterpart_are_told(weights: Path, data: Path) -> None:
    (data.parent / "classes.txt").write_text("ant\nwasp\n", "utf-8")
    done = evaluated(weights, data)
    assert done.code == 0
    assert "not evaluated: wasp (1 box), which the model does not have" in done.err
    assert "not evaluated: bee, cat, which the annotations do not have" in done.err
    assert "2 photos; 2 truths of 1 class, " in done.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--conf", 2), "conf is 2.0; a number from 0 to 1 was expected"),
        (("--max-det", 0), "max_det is 0"),
        (("--imgsz", "big"), "'big' is not a size in pixels"),
        (("--end2end",), "has no branch without NMS"),
        (("-o", "-"), "say --json"),
        (("--device", "cuda:99"), "cuda:99"),
    ],
)
def test_bad_options(options: tuple[object, ...], message: str, weights: Path, data: Path) -> None:
    done = evaluated(weights, data, *options)
    assert done.code == 2
    assert message in done.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.png\nb.png\n", "no boxes to be found"),
        ("c.png 1,1,9,9,0\n", "None of the 1 annotated photos could be read"),
    ],
)
def test_data_that_cannot_be_evaluated(text: str, message: str, weights: Path, data: Path) -> None:
    data.write_text(text, encoding="utf-8")
    done = evaluated(weights, data)
    assert done.code == 2
    assert message in done.err


def test_a_split_of_annotations_without_splits_is_refused(weights: Path, data: Path) -> None:
    done = evaluated(weights, data, "--split", "val")
    assert done.code == 2
    assert "test.txt: these annotations have no splits" in done.err
    assert not done.out


def test_an_output_that_is_an_input_is_refused(weights: Path, data: Path) -> None:
    before = data.read_bytes()
    assert evaluated(weights, data, "-o", data).code == 2
    assert data.read_bytes() == before


def test_an_ultralytics_model(small: Small, data: Path) -> None:
    (data.parent / "classes.txt").unlink()
    done = evaluated(small(), data, "--imgsz", 96)
    assert done.code == 0, done.err
    assert [words[0] for words in done.words if words and words[0].startswith("P")] == [
        "P3/8",
        "P4/16",
        "P5/32",
    ]
