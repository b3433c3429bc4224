"""The mapping to the image and the selection of keras-yolo3, against what it computed itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from golden_decode import DECODED, finest_first, load_decoded

from headlab.yolov3.decode import decode
from headlab.yolov3.keras_eval import correct_boxes, keras_eval


@pytest.fixture(params=DECODED)
def golden(request: pytest.FixtureRequest, shared: Path) -> dict[str, Any]:
    return load_decoded(shared, request.param)


def test_boxes_in_the_image_are_those_of_keras_yolo3(golden: dict[str, Any]) -> None:
    boxes = decode(golden["outputs"], golden["levels"])[0].T[:, :4] / 416
    found = correct_boxes(boxes, (416, 416), golden["image_hw_px"])
    np.testing.assert_allclose(
        found[:, [1, 0, 3, 2]], finest_first(golden, "boxes"), atol=1e-2, rtol=1e-5
    )


@pytest.mark.parametrize("run", ["default", "yolopy"])
def test_detections_are_those_of_keras_yolo3(golden: dict[str, Any], run: str) -> None:
    """Rows in the same order; in the run with yolo.py's thresholds every class is at the cap of 20."""
    expected = {
        name: golden[f"eval_{run}_{name}"]
        for name in ("boxes", "scores", "classes", "score_threshold", "iou_threshold", "max_boxes")
    }
    found = keras_eval(
        golden["outputs"],
        golden["levels"],
        golden["image_hw_px"],
        score_threshold=float(expected["score_threshold"]),
        iou_threshold=float(expected["iou_threshold"]),
        most_per_class=int(expected["max_boxes"]),
    )
    assert found.class_ids.tolist() == expected["classes"].tolist()
    np.testing.assert_allclose(found.scores, expected["scores"], atol=1e-6)
    np.testing.assert_allclose(
        found.boxes_xyxy_px[:, [1, 0, 3, 2]], expected["boxes"], atol=1e-2, rtol=1e-5
    )


def test_rounded_mapping_is_that_of_keras_yolo3(shared: Path) -> None:
    with np.load(shared / "golden" / "decode_correct_boxes.npz") as held:
        golden = dict(held)
    boxes = torch.from_numpy(np.concatenate((golden["box_xy"], golden["box_wh"]), axis=1))
    sizes = zip(golden["input_shapes"], golden["image_shapes"], golden["boxes"], strict=True)
    for input_hw, image_hw, expected in sizes:
        found = correct_boxes(boxes, tuple(map(int, input_hw)), tuple(map(int, image_hw)))
        np.testing.assert_allclose(found[:, [1, 0, 3, 2]], expected, atol=1e-2)
