"""The traced table of a YOLOv3 model: the columns of every family, and anchors and slots besides."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.detect.settings import Settings
from headlab.errors import InputError
from headlab.families.identify import identify
from headlab.families.network import runnable
from headlab.families.read import read
from headlab.trace.trace import Trace, trace
from yolov3_models import random_model

WHATS = ("merged", "best", "alone", "without")


def _trace(checkpoint: Checkpoint, *sources: Path, **settings: object) -> Trace:
    chosen = Settings(**settings)  # type: ignore[arg-type]
    return trace(runnable(checkpoint), identify(checkpoint), list(sources), chosen)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """Three pictures, of which the network sees 96 x 96 px."""
    folder = tmp_path_factory.mktemp("pictures")
    photos = []
    for seed in range(3):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
        photos.append(folder / f"{seed}.png")
        cv2.imwrite(str(photos[-1]), cv2.resize(coarse, (192, 96 + 48 * seed)))
    return _trace(random_model(), *photos, conf=0.3)


def test_columns_of_levels_and_of_slots(traced: Trace) -> None:
    names = traced.detections.columns
    levels = [f"{what}_{level}" for level in ("P4", "P5") for what in WHATS]
    slots = [
        f"{what}_{level}_{slot}" for level in ("P4", "P5") for slot in range(3) for what in WHATS
    ]
    assert names[-len(levels) - len(slots) :] == [*levels, *slots]
    assert traced.settings.iou == 0.45


def test_facts_that_hold_for_every_detection(traced: Trace) -> None:
    found = traced.detections
    assert found.height > 10
    anchors = {level.name: level.anchors_wh_px for level in traced.layout.levels}
    space = traced.layout.addresses(96, 96)
    for row in found.to_dicts():
        level, slot = row["level"], row["slot"]
        assert (row["anchor_w"], row["anchor_h"]) == anchors[level][slot]
        at = traced.layout.level_index(level)
        assert space.flat(at, row["row"], row["col"], slot) == row["flat_index"]
        assert row[f"merged_{level}_{slot}"] >= 1
        assert row[f"alone_{level}_{slot}"]
        for name in ("P4", "P5"):
            by_slot = [row[f"merged_{name}_{each}"] for each in range(3)]
            assert sum(by_slot) == row[f"merged_{name}"]
            scores = [row[f"best_{name}_{each}"] for each in range(3)]
            assert max((each for each in scores if each), default=None) == row[f"best_{name}"]


def test_sizes_and_cells_by_hand(traced: Trace) -> None:
    """The first picture is 192 x 96 px: scaled by 0.5 to 96 x 48, with 24 px of padding above.

    A cell's input pixels x, y are 2x and 2 (y - 24) in the photo, cut off at its edges, and so is a box.
    """
    first = traced.detections.filter(pl.col("image") == traced.images["image"][0])
    assert first.height
    for row in first.to_dicts():
        side = row["stride_px"]
        left, top = row["col"] * side, row["row"] * side
        corners = [2 * left, 2 * (top - 24), 2 * (left + side), 2 * (top + side - 24)]
        expected = np.clip(corners, 0, (192, 96, 192, 96)).tolist()
        assert [row[f"cell_{name}"] for name in ("x1", "y1", "x2", "y2")] == expected
        if row["x1"] > 0 and row["x2"] < 192:
            assert row["x2"] - row["x1"] == pytest.approx(2 * row["input_w"], abs=1e-3)
        if row["y1"] > 0 and row["y2"] < 96:
            assert row["y2"] - row["y1"] == pytest.approx(2 * row["input_h"], abs=1e-3)


def test_several_classes_per_candidate(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8))
    found = _trace(random_model(), path, conf=0.2, multi_label=True).detections
    repeated = found.group_by("flat_index").agg(pl.col("class_id").n_unique().alias("classes"))
    assert repeated["classes"].max() > 1


def test_multi_label_is_refused_for_ultralytics_models(yolov8n: Path, shared: Path) -> None:
    with pytest.raises(InputError, match="multi_label is for heads with anchors"):
        _trace(read(yolov8n), shared / "photos" / "dog.jpg", multi_label=True)


def test_the_dog_is_found_at_p5(shared: Path) -> None:
    checkpoint = read(shared / "weights" / "yolov3-tiny.weights")
    found = _trace(checkpoint, shared / "photos" / "dog.jpg").detections.to_dicts()
    dog = next(row for row in found if row["class_name"] == "dog")
    assert (dog["level"], dog["row"], dog["col"], dog["slot"]) == ("P5", 7, 4, 1)
    assert (dog["anchor_w"], dog["anchor_h"]) == (135, 169)
    assert dog["score"] == pytest.approx(0.60, abs=0.01)
    assert dog["merged_P5_1"] == dog["merged_P5"] == 3
    assert {row["class_name"] for row in found} == {"dog", "bicycle", "car"}
