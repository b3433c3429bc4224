"""Decoding, by hand and against what keras-yolo3 and OpenCV's darknet importer computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from golden_decode import DECODED, addresses, finest_first, levels_of, load_decoded

from headlab.errors import InputError
from headlab.families.identify import identify
from headlab.families.network import build
from headlab.families.read import read
from headlab.heads.layout import Level
from headlab.yolov3.decode import decode
from yolov3_models import TINY_ANCHORS


@pytest.fixture(params=DECODED)
def golden(request: pytest.FixtureRequest, shared: Path) -> dict[str, Any]:
    return load_decoded(shared, request.param)


def test_one_candidate_by_hand() -> None:
    """Cell (row 1, col 2), slot 1 of P5: t = (0, ln 3, ln 2, 0), objectness 0, classes 0 and ln 3.

    x = (0.5 + 2) * 32 = 80; y = (0.75 + 1) * 32 = 56, since sigmoid(ln 3) = 3 / 4;
    w = 50 * 2 = 100; h = 60 * 1; scores 0.5 * 0.5 and 0.5 * 0.75.
    """
    level = Level("P5", 32, 2, (), ((10.0, 20.0), (50.0, 60.0)))
    output = torch.full((1, 2 * 7, 3, 4), -9.0)
    three = float(np.log(3))
    output[0, 7:, 1, 2] = torch.tensor([0, three, float(np.log(2)), 0, 0, 0, three])
    flat = addresses((level,), 96, 128).flat(0, 1, 2, 1)
    candidate = decode([output], (level,))[0, :, flat]
    torch.testing.assert_close(candidate, torch.tensor([80.0, 56.0, 100.0, 60.0, 0.25, 0.375]))


def test_zeros_are_the_anchors_in_the_middle_of_their_cells() -> None:
    """At every flat index: the anchor of the address' slot, centred on the address' cell."""
    levels = levels_of(TINY_ANCHORS, ((3, 4, 5), (1, 2, 3)))
    outputs = [torch.zeros(2, 3 * 6, 3, 5), torch.zeros(2, 3 * 6, 6, 10)]
    decoded = decode(outputs, levels)
    space = addresses(levels, 96, 160)
    assert decoded.shape == (2, 5, space.total)
    where = space.address_all(np.arange(space.total))
    stride = np.array(space.strides_px)[where.level]
    slots = zip(where.level, where.slot, strict=True)
    anchors = [levels[level].anchors_wh_px[slot] for level, slot in slots]
    expected = np.column_stack(((where.col + 0.5) * stride, (where.row + 0.5) * stride, anchors))
    for each in decoded:
        np.testing.assert_allclose(each[:4].T, expected)
        assert (each[4] == 0.25).all()


def test_boxes_and_scores_are_those_of_keras_yolo3(golden: dict[str, Any]) -> None:
    decoded = decode(golden["outputs"], golden["levels"])[0].T.numpy()
    xy, wh = finest_first(golden, "box_xy"), finest_first(golden, "box_wh")
    np.testing.assert_allclose(decoded[:, :2], xy * 416, atol=1e-2)
    np.testing.assert_allclose(decoded[:, 2:4], wh * 416, atol=1e-2, rtol=1e-5)
    confidence = finest_first(golden, "box_confidence")
    scores = confidence * finest_first(golden, "box_class_probs")
    np.testing.assert_allclose(decoded[:, 4:], scores, atol=1e-6)


@pytest.mark.parametrize("photo", ["dog", "eagle"])
def test_candidates_are_those_of_darknet(photo: str, shared: Path) -> None:
    """yolov3-tiny's `yolo` layers in OpenCV; scores of at most 0.2 are 0 there.

    Its masks are 3,4,5 and 0,1,2, unlike keras-yolo3's.
    """
    with np.load(shared / "golden" / "darknet_tiny_opencv.npz") as held:
        outputs = [torch.from_numpy(held[f"{photo}_conv_{at}"]) for at in (15, 22)]
        expected = np.concatenate([held[f"{photo}_yolo_{at}"] for at in (23, 16)])
    levels = levels_of(TINY_ANCHORS, ((3, 4, 5), (0, 1, 2)))
    decoded = decode(outputs, levels)[0].T.numpy()
    np.testing.assert_allclose(decoded[:, :4], expected[:, :4] * 416, atol=1e-2, rtol=1e-5)
    theirs, ours = expected[:, 5:], decoded[:, 4:]
    np.testing.assert_allclose(ours[theirs > 0], theirs[theirs > 0], atol=1e-5)
    assert (ours[theirs == 0] < 0.2 + 1e-5).all()
    assert (theirs > 0).any()


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([torch.zeros(1, 18, 1, 1)], "1 outputs were given for 2 levels"),
        ([torch.zeros(1, 17, 1, 1), torch.zeros(1, 18, 2, 2)], "P5: 17 channels"),
        ([torch.zeros(1, 15, 1, 1), torch.zeros(1, 15, 2, 2)], "P4: 15 channels"),
    ],
)
def test_outputs_of_other_levels_are_refused(outputs: list[torch.Tensor], message: str) -> None:
    with pytest.raises(InputError, match=message):
        decode(outputs, levels_of(TINY_ANCHORS, ((3, 4, 5), (1, 2, 3))))


@pytest.mark.parametrize("photo", ["dog", "eagle"])
def test_the_official_weights_give_darknets_boxes(photo: str, shared: Path) -> None:
    """From the file and the picture to the boxes of OpenCV's darknet importer."""
    checkpoint = read(shared / "weights" / "yolov3-tiny.weights")
    with np.load(shared / "golden" / "darknet_tiny_opencv.npz") as held:
        pixels = held[f"{photo}_input_rgb"].astype(np.float32) / 255
        expected = np.concatenate([held[f"{photo}_yolo_{at}"] for at in (23, 16)])
    with torch.no_grad():
        outputs = build(checkpoint)(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    decoded = decode(outputs, identify(checkpoint).levels)[0].T.numpy()
    np.testing.assert_allclose(decoded[:, :4], expected[:, :4] * 416, atol=1e-2, rtol=1e-5)
    above = expected[:, 5:] > 0
    np.testing.assert_allclose(decoded[:, 4:][above], expected[:, 5:][above], atol=1e-4)
