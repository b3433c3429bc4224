"""`headlab inspect --explain`: each number against hand-computed values, keras-yolo3 and PyTorch."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import yolov3_models
from headlab.checkpoint.yolov3.architecture import LEVELS
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint
from headlab.families.facts import Section
from headlab.families.identify import identify
from headlab.families.read import read
from headlab.families.table import family_of
from headlab.families.yolov3.explain.anchors import unusual_masks
from headlab.families.yolov3.explain.decoding import EXAMPLE, decoded
from headlab.families.yolov3.explain.freezing import keras_layer_count
from headlab.files.json_text import to_json
from headlab.inspection.explanation_text import explanation_text
from headlab.results.tables import show

COCO = tuple(f"class{number}" for number in range(80))
DARKNET_TINY_MASKS = ((3, 4, 5), (0, 1, 2))


def model(
    variant: str = "yolov3-tiny", class_names: Sequence[str] = COCO, **changes: Any
) -> Yolov3Checkpoint:
    """A model without weights, which no explanation reads."""
    described = yolov3_models.description(variant, class_names)
    return InMemoryCheckpoint(
        file=Path("model.safetensors"), described=replace(described, **changes), arrays={}
    )


def explained(checkpoint: Any, input_hw_px: tuple[int, int] = (416, 416)) -> dict[str, Section]:
    sections = family_of(checkpoint).explain(checkpoint, identify(checkpoint), input_hw_px)
    return {section.name: section for section in sections}


def text_of(section: Section) -> str:
    return " ".join(part for part in section.parts if isinstance(part, str))


def cells(section: Section) -> list[tuple[str, ...]]:
    return [row for part in section.parts if not isinstance(part, str) for row in part.rows]


def test_the_grids_of_the_full_network() -> None:
    found = explained(model("yolov3"))["grids"]
    shown = [(x["level"], x["halvings"], x["grid_hw"]) for x in found.numbers["levels"]]
    assert shown == [
        ("P5", 5, [13, 13]),  # 416 / 2^5 = 13
        ("P4", 4, [26, 26]),
        ("P3", 3, [52, 52]),
    ]
    assert found.title == "Why the grids are input/32, /16 and /8"
    assert "5 convolutions of stride 2" in text_of(found)
    assert "5 max poolings" in text_of(explained(model())["grids"])


def test_the_grids_follow_the_input_size() -> None:
    found = explained(model(), (320, 608))["grids"]
    assert [x["grid_hw"] for x in found.numbers["levels"]] == [[10, 19], [20, 38]]  # 608 / 32 = 19
    assert cells(found)[0] == ("P5", "5", "32 px", "320 / 32 = 10", "608 / 32 = 19")


@pytest.mark.parametrize(
    ("variant", "candidates", "outputs", "class_scores"),
    [
        # 13*13*3 + 26*26*3 = 507 + 2028 = 2535; * 85 = 215475; * 80 = 202800
        ("yolov3-tiny", 2535, 215_475, 202_800),
        # 2535 + 52*52*3 = 2535 + 8112 = 10647; * 85 = 904995; * 80 = 851760
        ("yolov3", 10_647, 904_995, 851_760),
        ("yolov3-spp", 10_647, 904_995, 851_760),
    ],
)
def test_candidates(variant: str, candidates: int, outputs: int, class_scores: int) -> None:
    found = explained(model(variant))["candidates"]
    assert found.numbers["candidates"] == candidates
    assert found.numbers["outputs"] == outputs
    assert found.numbers["class_scores"] == class_scores
    assert f"{candidates:,}" in found.title
    assert cells(found)[0] == ("P5", "13 x 13 x 3 = 507")


@pytest.mark.parametrize(
    ("class_count", "outputs", "channels"),
    [(80, 85, 255), (20, 25, 75), (3, 8, 24), (1, 6, 18)],  # (5 + 80) * 3 = 255
)
def test_outputs_and_channels(class_count: int, outputs: int, channels: int) -> None:
    found = explained(model(class_names=COCO[:class_count]))["outputs"]
    assert found.numbers["outputs_per_slot"] == outputs
    assert found.numbers["channels"] == {"P5": channels, "P4": channels}
    assert f"Why a slot has {outputs} outputs" in found.title


def test_slots_are_the_anchors_shared_out() -> None:
    full, tiny = explained(model("yolov3"))["slots"], explained(model())["slots"]
    assert full.numbers["slots"] == {"P5": 3, "P4": 3, "P3": 3}
    assert "9 // 3 = 3" in text_of(full)
    assert "6 // 2 = 3" in text_of(tiny)
    assert cells(full)[0] == ("P5", "0", "P5/0", "116x90")
    assert cells(full)[-1] == ("P3", "2", "P3/2", "33x23")
    assert "6 are 2 levels x 3 slots, tiny" in text_of(tiny)


def test_slots_that_are_not_shared_evenly() -> None:
    found = explained(model(masks=((3, 4, 5), (0, 1))))
    assert found["slots"].numbers["slots"] == {"P5": 3, "P4": 2}
    assert "not divided evenly" in text_of(found["slots"])
    assert found["outputs"].numbers["channels"] == {"P5": 255, "P4": 170}  # 3 * 85, 2 * 85
    # (512 + 1) * 255 + (256 + 1) * 170 = 130815 + 43690
    assert found["freezing"].numbers["trainable_parameters"]["freeze_body=2"] == 174_505


def test_decoding_by_hand() -> None:
    """At 416 the middle of P5's 13 x 13 cells is 6,6, and the middle slot has anchor 4, 135 x 169."""
    found = explained(model())["decoding"].numbers
    assert (found["level"], found["slot"], found["cell_row_col"]) == ("P5", 1, [6, 6])
    assert found["anchor_wh_px"] == [135, 169]
    # sigmoid(0.5) = 0.6224593, (0.6224593 + 6) * 32 = 211.9187; sigmoid(-0.5) = 0.3775407
    assert found["center_xy_px"] == pytest.approx([211.918698, 204.081302])
    # exp(0.2) = 1.2214028, * 135 = 164.8894; exp(-0.1) = 0.9048374, * 169 = 152.9175
    assert found["size_wh_px"] == pytest.approx([164.889372, 152.917524])
    # sigmoid(2) = 0.8807971, sigmoid(1) = 0.7310586, product 0.6439144
    assert found["score"] == pytest.approx(0.643914, abs=1e-6)


def test_decoding_by_these_formulas_is_that_of_keras_yolo3(shared: Path) -> None:
    """On the raw outputs of P5 that it decoded itself: all slots of every fourth row and column."""
    golden = np.load(shared / "golden" / "decode_tiny6_416.npz")
    raw = golden["raw_0"].reshape(13, 13, 3, 8)
    anchors = model().description.anchors_of("P5")
    for row, column, slot in itertools.product(range(0, 13, 4), range(0, 13, 4), range(3)):
        at = (0, row, column, slot)
        outputs = dict(zip(EXAMPLE, raw[at[1:]].tolist()[:6], strict=True))
        found = decoded(outputs, (row, column), anchors[slot], 32)
        assert found.center_xy_px == pytest.approx(416 * golden["box_xy_0"][at], abs=1e-3)
        assert found.size_wh_px == pytest.approx(416 * golden["box_wh_0"][at], rel=1e-5)
        assert found.objectness == pytest.approx(golden["box_confidence_0"][at][0], abs=1e-6)
        assert found.class_score == pytest.approx(golden["box_class_probs_0"][at][0], abs=1e-6)


def test_anchors_and_the_slots_that_they_serve() -> None:
    found = explained(model("yolov3"))["anchors"]
    slots = [each["slots"] for each in found.numbers["anchors"]]
    assert slots == [[f"{level}/{slot}"] for level in ("P3", "P4", "P5") for slot in range(3)]
    assert found.title == "What the masks [[6,7,8],[3,4,5],[0,1,2]] do"
    assert "the usual masks" in text_of(found)
    # anchor 6 is 116 x 90: 116 / 416 = 27.9 %, 90 / 416 = 21.6 %
    assert cells(found)[6] == ("6", "116x90", "28 % x 22 %", "wide", "P5/0")


def test_masks_of_tiny_in_keras_yolo3() -> None:
    """[1,2,3] leaves anchor 0 unused and uses anchor 3, which P5 has too, a second time."""
    checkpoint = model()
    found = explained(checkpoint)["anchors"]
    slots = [each["slots"] for each in found.numbers["anchors"]]
    assert slots == [[], ["P4/0"], ["P4/1"], ["P5/0", "P4/2"], ["P5/1"], ["P5/2"]]
    notes = (
        "The masks leave anchor 0 (10x14) unused.",
        "The masks use anchor 3 (81x82) twice: P5/0 and P4/2.",
    )
    assert unusual_masks(checkpoint.description) == notes
    assert all(note in found.parts for note in notes)
    assert "keras-yolo3's source code has for YOLOv3-tiny" in text_of(found)


def test_masks_of_tiny_in_darknet() -> None:
    checkpoint = model(masks=DARKNET_TINY_MASKS)
    assert unusual_masks(checkpoint.description) == ()
    assert "is what darknet's yolov3-tiny.cfg has" in text_of(explained(checkpoint)["anchors"])


def test_the_official_tiny_weights_fit_the_masks_of_keras_yolo3(shared: Path) -> None:
    """What docs/yolov3-numbers.md says, on OpenCV's raw outputs for the truck in dog.jpg.

    P5 and P4 both find it at (314, 92). P5 makes it 119 x 64 px, with anchors that all masks agree on.
    P4's slot 2 makes it about as large with anchor 3, and less than half as wide with anchor 2.
    """
    golden = np.load(shared / "golden" / "darknet_tiny_opencv.npz")
    coarse = golden["dog_conv_15"].reshape(3, 85, 13, 13)[0, 2:4, 2, 9]
    fine = golden["dog_conv_22"].reshape(3, 85, 26, 26)[2, 2:4, 5, 19]
    anchors = np.array(model().description.anchors_wh_px)
    size_in_p5 = anchors[3] * np.exp(coarse)
    assert size_in_p5 == pytest.approx([119, 64], abs=1)
    assert anchors[3] * np.exp(fine) == pytest.approx(size_in_p5, rel=0.1)
    assert (anchors[2] * np.exp(fine))[0] < 0.5 * size_in_p5[0]


def test_other_masks() -> None:
    found = explained(model("yolov3", masks=((0, 1, 2), (3, 4, 5), (6, 7, 8))))["anchors"]
    assert "The usual ones are [[6,7,8],[3,4,5],[0,1,2]]" in text_of(found)


def test_an_objects_shape_chooses_its_anchor() -> None:
    """416 / 4 = 104 wide, 416 / 2 = 208 high."""
    found = explained(model())["classes"].numbers
    assert found["object_wh_px"] == [104, 208]
    # With 135 x 169: 104 * 169 = 17576; 104 * 208 + 135 * 169 - 17576 = 26871; ratio 0.65409
    assert found["overlaps"][4] == pytest.approx(0.654088, abs=1e-6)
    # 10 x 14 lies inside: 140 / 21632
    assert found["overlaps"][0] == pytest.approx(140 / 21632)
    assert (found["best_anchor"], found["slots"]) == (4, ["P5/1"])
    assert found["class_rows"] == 480  # 6 slots * 80 classes


def test_an_object_whose_anchor_no_level_uses() -> None:
    """At 32 px it is 8 x 16, nearest to anchor 0, 10 x 14: 8*14 = 112; 128 + 140 - 112 = 156."""
    found = explained(model(), (32, 32))["classes"]
    assert found.numbers["overlaps"][0] == pytest.approx(112 / 156)
    assert (found.numbers["best_anchor"], found.numbers["slots"]) == (0, [])
    assert any("no slot has it" in cell for row in cells(found) for cell in row)


def test_what_freezing_leaves_is_what_keras_counts(shared: Path) -> None:
    golden = json.loads((shared / "golden" / "network_full.json").read_text("utf-8"))
    found = explained(model("yolov3"))["freezing"].numbers
    left = found["trainable_parameters"]
    assert left["freeze_body=1"] == golden["trainable_param_count"]["freeze_body_1"] == 21_364_221
    assert left["freeze_body=2"] == golden["trainable_param_count"]["freeze_body_2"] == 457_725
    assert left["nothing frozen"] == golden["trainable_params"] == 61_949_149
    assert found["layers"] == golden["num_layers"] == 252
    assert found["body_layers"] == golden["darknet_body"]["num_layers_including_input"] == 185
    assert golden["freeze_body_1"]["first_trainable"] == "conv2d_53"
    assert found["body_convolutions"] == golden["freeze_body_1"]["frozen_convs"] == 52
    text = text_of(explained(model("yolov3"))["freezing"])
    outputs = [each["name"] for each in golden["freeze_body_2"]["trainable_layers"]]
    assert f"{outputs[0]}, {outputs[1]} and {outputs[2]}" in text
    assert "layers 249, 250 and 251 of 252" in text
    assert "Number 185 is the first layer after it: conv2d_53" in text


def test_what_freezing_leaves_of_tiny(shared: Path) -> None:
    path = shared / "golden" / "network_tiny_layers.json"
    golden = json.loads(path.read_text("utf-8"))
    found = explained(model(class_names=COCO[:3]))["freezing"].numbers
    assert found["layers"] == golden["num_layers"] == 44
    assert [0, found["body_layers"]] == golden["freeze_body_1"]["frozen_index_range"] == [0, 20]
    held = {each["name"]: each["weights"] for each in golden["layers"]}
    expected = {
        key: sum(
            math.prod(weight["shape"])
            for name in golden[setting]["trainable_layers"]
            for weight in held[name]
            if "moving_" not in weight["name"]
        )
        for key, setting in (("freeze_body=1", "freeze_body_1"), ("freeze_body=2", "freeze_body_2"))
    }
    left = found["trainable_parameters"]
    assert {key: left[key] for key in expected} == expected
    assert left["nothing frozen"] == golden["trainable_params"] == 8_674_496
    # (512 + 1 + 256 + 1) * 24
    assert left["freeze_body=2"] == 18_480


@pytest.mark.parametrize("variant", ["yolov3", "yolov3-tiny"])
def test_the_keras_list_has_as_many_layers_as_there(variant: str, shared: Path) -> None:
    names = {"yolov3": "network_full.json", "yolov3-tiny": "network_tiny_layers.json"}
    golden = json.loads((shared / "golden" / names[variant]).read_text("utf-8"))
    layers = model(variant).description.architecture.layers
    assert keras_layer_count(layers) == len(golden["layers"])


@pytest.mark.parametrize("kind", ["yolov8", "yolov8-p2", "yolo26", "yolov8-obb", "yolov8-pose"])
def test_an_anchor_free_head(kind: str, small: Callable[..., Path]) -> None:
    path = small(kind)
    head = torch.load(path, weights_only=False)["model"].model[-1]
    found = explained(read(path), (128, 128))
    assert found["box"].numbers["reg_max"] == head.reg_max
    assert found["box"].numbers["outputs"] == 4 * head.reg_max
    grids = [128 // int(stride) for stride in head.stride]
    assert found["candidates"].numbers["candidates"] == sum(side * side for side in grids)
    assert found["candidates"].numbers["numbers_per_candidate"] == head.no
    assert found["classes"].numbers["classes"] == head.nc
    assert "neither anchors nor objectness" in text_of(found["differences"])
    assert "freezing" not in found


def test_yolov8n(yolov8n: Path) -> None:
    found = explained(read(yolov8n), (640, 640))
    assert found["candidates"].numbers == {
        "candidates": 8400,  # 80 * 80 + 40 * 40 + 20 * 20
        "numbers_per_candidate": 144,  # 4 * 16 + 80
        "class_scores": 672_000,  # 8400 * 80
    }
    assert "(16 - 1) x 32 = 480 px" in text_of(found["box"])


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("variant", list(LEVELS))
@pytest.mark.parametrize("input_hw_px", [(416, 416), (1280, 1920)])
def test_it_fits_the_terminal(
    variant: str,
    columns: int,
    input_hw_px: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    sections = explained(model(variant), input_hw_px).values()
    show(*explanation_text(tuple(sections)))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    for section in sections:
        assert section.title in lines
        for row in cells(section):
            words = " ".join(row).split()
            assert any(line.split() == words for line in lines), f"broken at {columns}: {row}"


def test_a_class_name_that_is_no_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    sections = explained(model(class_names=("[bold]\x1b[31m猫", "dog"))).values()
    show(*explanation_text(tuple(sections)))
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "[bold]" in printed


@pytest.mark.parametrize("variant", list(LEVELS))
def test_it_is_a_json_document(variant: str) -> None:
    sections = [each.as_document() for each in explained(model(variant)).values()]
    found = json.loads(to_json({"explanation": sections}))["explanation"]
    assert [each["name"] for each in found] == [
        *("grids", "slots", "outputs", "decoding", "anchors", "classes", "candidates", "freezing")
    ]
    assert all(list(each) == ["name", "title", "numbers", "parts"] for each in found)
    table = found[0]["parts"][1]
    assert table["columns"] == ["level", "halvings", "cell", "rows", "columns"]


@pytest.mark.parametrize("masks", [((5,), (4,)), ((0, 0), (1, 1)), ((5, 4, 3, 2), (1, 0))])
def test_any_masks_can_be_explained(masks: tuple[tuple[int, ...], ...]) -> None:
    checkpoint = model(masks=masks)
    found = explained(checkpoint)
    slots = found["slots"].numbers["slots"]
    assert slots == {"P5": len(masks[0]), "P4": len(masks[1])}
    assert found["candidates"].numbers["candidates"] == 169 * len(masks[0]) + 676 * len(masks[1])
    used = [each["slots"] for each in found["anchors"].numbers["anchors"]]
    assert sum(map(len, used)) == len(masks[0]) + len(masks[1])
    assert {name for slots in used for name in slots} == {
        identify(checkpoint).place_name(place) for place in identify(checkpoint).places
    }
