"""A model whose cfg says letter_box=0 is traced on stretched photos, as AlexeyAB's darknet does."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import headlab
from headlab.checkpoint.yolov3.darknet.cfg_text import cfg_text
from yolov3_models import random_model, saved


@pytest.mark.parametrize("photo", ["dog", "eagle"])
def test_the_official_weights_find_what_darknet_found(
    photo: str, shared: Path, tmp_path: Path
) -> None:
    """Every detection is a candidate of darknet's `yolo` layers, with its score and its box.

    Boxes there are centre and size as shares of the input, which are shares of the stretched photo, too.
    """
    for name in ("yolov3-tiny.weights", "yolov3-tiny.cfg", "coco.names"):
        shutil.copy(shared / "weights" / name, tmp_path / name)
    cfg = tmp_path / "yolov3-tiny.cfg"
    cfg.chmod(0o644)
    cfg.write_text(cfg.read_text().replace("channels=3", "channels=3\nletter_box=0", 1))
    file = shared / "photos" / f"{photo}.jpg"
    traced = headlab.load(tmp_path / "yolov3-tiny.weights").trace(file, imgsz=416)
    assert traced.settings.resize == "stretch"
    assert "stretched to 416 x 416 px (height x width)" in str(traced)

    with np.load(shared / "golden" / "darknet_tiny_opencv.npz") as held:
        by_level = {"P4": held[f"{photo}_yolo_23"], "P5": held[f"{photo}_yolo_16"]}
    height, width = traced[0].size_hw_px
    assert len(traced[0]) >= 1
    for row in traced.detections.to_dicts():
        found = by_level[row["level"]]
        side = 416 // row["stride_px"]
        x, y, w, h, _, *scores = found[(row["row"] * side + row["col"]) * 3 + row["slot"]].tolist()
        assert row["score"] == pytest.approx(scores[row["class_id"]], abs=1e-4)
        corners = [
            max((x - w / 2) * width, 0),
            max((y - h / 2) * height, 0),
            min((x + w / 2) * width, width),
            min((y + h / 2) * height, height),
        ]
        assert [row[name] for name in ("x1", "y1", "x2", "y2")] == pytest.approx(corners, abs=0.05)
    best = max(scores_of.max() for scores_of in (found[:, 5:] for found in by_level.values()))
    assert traced.detections["score"].max() == pytest.approx(best, abs=1e-4)


def _small(folder: Path, letter_box: bool | None) -> Path:
    model = random_model()
    model = replace(model, described=replace(model.description, letter_box=letter_box))
    return saved(model, folder / "model.weights")


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    path = tmp_path / "wide.png"
    coarse = np.random.default_rng(3).integers(0, 256, (6, 6, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(coarse, (200, 90)))
    return path


def test_an_option_beats_the_cfg(wide: Path, tmp_path: Path) -> None:
    model = headlab.load(_small(tmp_path, letter_box=False))
    by_cfg = model.trace(wide, conf=0.3)
    asked = model.trace(wide, conf=0.3, resize="letterbox")
    assert by_cfg.settings.resize == "stretch"
    assert not by_cfg.detections.equals(asked.detections)
    assert by_cfg.detections.equals(model.trace(wide, conf=0.3, resize="stretch").detections)
    assert re.search(r"90 x 200 px, letterboxed to 96 x 96 px \(height x width\)", str(asked))
    cell = by_cfg.detections.row(0, named=True)
    assert cell["cell_x2"] - cell["cell_x1"] == pytest.approx(cell["stride_px"] * 200 / 96)
    assert cell["cell_y2"] - cell["cell_y1"] == pytest.approx(cell["stride_px"] * 90 / 96)


@pytest.mark.parametrize("letter_box", [None, False, True])
@pytest.mark.parametrize("suffix", [".safetensors", ".h5", ".weights"])
def test_every_format_keeps_what_the_cfg_says(
    letter_box: bool | None, suffix: str, tmp_path: Path
) -> None:
    source = _small(tmp_path, letter_box)
    target = tmp_path / f"other{suffix}"
    headlab.convert(source, target)
    assert headlab.load(target).checkpoint.description.letter_box is letter_box
    assert str(headlab.load(target).inspect()).count("letter_box=") == (letter_box is not None)


def test_a_cfg_that_says_nothing_stays_silent() -> None:
    described = random_model().description
    assert "letter_box" not in cfg_text(described)
    assert "letter_box=1" in cfg_text(replace(described, letter_box=True)).splitlines()
