"""From a configuration to the network that is trained: anchors, masks, and what a start gives."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn_photos import NAMES, draw_set, planned_on

from headlab.anchors import fit
from headlab.boxes.reading import read as read_boxes
from headlab.errors import CheckpointError, InputError
from headlab.train.configuration.config import TrainConfig
from headlab.train.configuration.file import load
from headlab.train.network import described, make
from headlab.train.planning import Plan
from yolov3_models import TINY_ANCHORS, random_model, saved

TINY_MASKS = ((3, 4, 5), (0, 1, 2))
KERAS_MASKS = ((3, 4, 5), (1, 2, 3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of three classes and of the two that are drawn; in "bare" without the files beside them."""
    made = tmp_path_factory.mktemp("model")
    draw_set(made / "data", 12)
    saved(random_model(), made / "three.weights")
    saved(random_model(epsilon=1e-3), made / "three.h5")
    saved(random_model(class_names=NAMES), made / "two.safetensors")
    bare = made / "bare"
    bare.mkdir()
    for name in ("three.weights", "three.h5"):
        shutil.copy(made / name, bare / name)
    backbone = random_model().description.architecture.backbone
    floats = sum(each.floats for each in backbone)
    part = (made / "three.weights").read_bytes()[: 20 + 4 * floats]
    (bare / "yolov3-tiny.conv.15").write_bytes(part)
    return made


def planned(folder: Path, **values: Any) -> Plan:
    return planned_on(folder / "data" / "train.txt", folder / "run", **values)


def decided(folder: Path, **values: Any) -> TrainConfig:
    """The configuration with nothing left open, without making a network."""
    table = read_boxes(folder / "data" / "train.txt")
    over = {"variant": "yolov3-tiny", **{name.replace("__", "."): v for name, v in values.items()}}
    return described(load(None, over), NAMES, table)[0]


def test_too_few_shapes_for_the_levels_are_the_reason_that_is_given(folder: Path) -> None:
    table = read_boxes(folder / "data" / "train.txt")
    one_shape = replace(table, boxes=table.boxes.head(1))
    config = load(None, {"variant": "yolov3-tiny", "anchors": "fit"})
    with pytest.raises(InputError) as caught:
        described(config, NAMES, one_shape)
    assert caught.value.message == (
        "The training boxes have only 1 distinct shape, too few for anchors on the 2 levels of yolov3-tiny."
    )
    assert "Leave --anchors out" in caught.value.hint


@pytest.mark.parametrize("name", ["shares.txt", "shares.yaml", ""])
def test_anchors_that_are_shares_of_the_input_are_refused(
    folder: Path, tmp_path: Path, name: str
) -> None:
    numbers = "0.05,0.08, 0.07,0.18, 0.13,0.12, 0.14,0.25, 0.29,0.22, 0.75,0.63"
    pairs = [[0.05, 0.08], [0.75, 0.63]]
    text = numbers if name.endswith(".txt") else f"anchors: {pairs}\nmasks: [[1], [0]]\n"
    if name:
        (tmp_path / name).write_text(text)
    given = str(tmp_path / name) if name else pairs
    with pytest.raises(
        InputError, match=r"the largest side is 0\.75: these are shares of the input"
    ):
        decided(folder, anchors=given)


def test_fitted_anchors_are_those_of_anchors_fit(folder: Path) -> None:
    config = decided(folder, anchors="fit", imgsz=96)
    table = read_boxes(folder / "data" / "train.txt")
    expected = fit(table, 6, imgsz=(96, 96), levels=2, seed=0)
    assert np.array_equal(config.anchors, expected.anchors_wh)
    assert config.masks == TINY_MASKS


def test_too_few_boxes_for_the_anchors_are_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(f"{folder}/data/p0.png 1,1,20,30,0 5,5,60,25,1\n")
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    made = planned_on(tmp_path / "train.txt", tmp_path / "run", anchors="fit", batch=1)
    anchors = made.network.description.anchors_wh_px
    assert len(anchors) < 6
    assert f"The training boxes gave only {len(anchors)} anchors; 6 are usual." in made.notes


def test_without_a_start_the_anchors_are_the_usual_ones(folder: Path) -> None:
    config = decided(folder)
    assert config.anchors == TINY_ANCHORS
    assert config.masks == TINY_MASKS
    assert decided(folder, compat="keras-yolo3").masks == KERAS_MASKS
    full = decided(folder, variant="yolov3")
    assert isinstance(full.anchors, tuple)
    assert len(full.anchors) == 9
    assert full.masks == ((6, 7, 8), (3, 4, 5), (0, 1, 2))


def test_anchors_from_files_and_numbers(folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "anchors.txt"
    text.write_text("10,14,  23,27,  37,58,  81,82,  135,169,  344,319\n")
    config = decided(folder, anchors=str(text))
    assert (config.anchors, config.masks) == (TINY_ANCHORS, TINY_MASKS)
    # A .cfg says which level each anchor serves.
    config = decided(folder, anchors=str(folder / "three.cfg"))
    assert (config.anchors, config.masks) == (TINY_ANCHORS, KERAS_MASKS)
    document = tmp_path / "anchors.yaml"
    document.write_text("anchors: [[10, 14], [23, 27], [37, 58]]\nmasks: [[2], [0, 1]]\n")
    config = decided(folder, anchors=str(document))
    assert (config.anchors, config.masks) == (TINY_ANCHORS[:3], ((2,), (0, 1)))
    # Three anchors cannot be shared out among two levels, unless it is said how.
    config = decided(folder, anchors="1,2/3,4/5,6", masks="2/0,1")
    assert (config.anchors, config.masks) == (((1, 2), (3, 4), (5, 6)), ((2,), (0, 1)))
    assert decided(folder, anchors="1,2/3,4/5,6/7,8").masks == ((2, 3), (0, 1))


def test_anchors_of_another_input_size_are_said(folder: Path, tmp_path: Path) -> None:
    table = read_boxes(folder / "data" / "train.txt")
    fitted = fit(table, 6, imgsz=(192, 192), levels=2, seed=0)
    for name in ("a.txt", "a.yaml"):
        fitted.save(tmp_path / name)
    # At 96 px every box has half the width and height that it has at 192 px.
    for name, count in (("a.txt", 1), ("a.yaml", 2)):
        notes = [
            note
            for note in planned(folder, anchors=str(tmp_path / name)).notes
            if "nchors" in note or "input of" in note
        ]
        assert len(notes) == count
        assert notes[-1].startswith(
            "Anchors: Multiplied by 0.5, all anchors together would fit much"
        )
    assert (
        notes[0]
        == f"{tmp_path}/a.yaml is for an input of 192 x 192 px; this training has 96 x 96 px."
    )
    given = "/".join(f"{width:g},{height:g}" for width, height in fitted.anchors_wh)
    assert any("Multiplied by" in note for note in planned(folder, anchors=given).notes)
    for right in ("fit", "/".join(f"{w / 2:g},{h / 2:g}" for w, h in fitted.anchors_wh)):
        assert not any("Multiplied" in note for note in planned(folder, anchors=right).notes)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"anchors": "1,1/2,2/3,3/4,4/5,5"}, "5 anchors cannot be shared out among the 2 levels"),
        ({"anchors": "1,1/2,2", "variant": "yolov3"}, "2 anchors cannot be shared out among the 3"),
        ({"anchors": "nowhere.txt"}, "nowhere.txt: cannot be read: there is no such file"),
        ({"masks": "3,4,9/0,1,2"}, "The mask of P5 names anchor 9; there are 6, counted from 0"),
        ({"masks": "3,4/0,1/2"}, "masks for 3 levels; yolov3-tiny has 2: P5, P4"),
        ({"imgsz": "96,100"}, "multiples of 32 px"),
        ({"start": "nowhere.weights"}, "nowhere.weights: no such file"),
    ],
)
def test_what_does_not_fit_is_said(values: dict[str, str], said: str, folder: Path) -> None:
    with pytest.raises(InputError, match=said):
        decided(folder, **values)


def test_a_size_that_got_past_the_configuration_is_refused(folder: Path) -> None:
    config = TrainConfig.model_construct(**{**dict(TrainConfig()), "imgsz": (96, 100)})
    with pytest.raises(InputError, match="96 x 100 px"):
        described(config, NAMES, read_boxes(folder / "data" / "train.txt"))


def test_a_start_of_the_same_kind_gives_all(folder: Path) -> None:
    made = planned(folder, start=str(folder / "two.safetensors"), anchors="start", variant=None)
    assert made.config.variant == "yolov3-tiny"
    assert (made.config.anchors, made.config.masks) == (TINY_ANCHORS, KERAS_MASKS)
    assert "13 of 13 convolutions loaded." in made.notes[-1]
    model = random_model(class_names=NAMES)
    state = made.network.state_dict()
    assert all(np.array_equal(state[name], each) for name, each in model.arrays.items())


@pytest.mark.parametrize("name", ["three.weights", "three.h5", "bare/three.h5"])
def test_other_classes_leave_the_outputs_and_say_so(name: str, folder: Path) -> None:
    made = planned(folder, start=str(folder / name), anchors="start")
    notes = "\n".join(made.notes)
    assert "11 of 13 convolutions loaded." in notes
    assert [each.split(":")[1].strip() for each in made.notes if each.startswith("Not loaded")] == [
        "P5.output",
        "P4.output",
    ]
    assert (made.config.anchors, made.config.masks) == (TINY_ANCHORS, KERAS_MASKS)
    weight = made.network.state_dict()["backbone.conv3.conv.weight"]
    assert np.array_equal(weight, random_model().arrays["backbone.conv3.conv.weight"])


def test_a_backbone_alone(folder: Path) -> None:
    path = str(folder / "bare" / "yolov3-tiny.conv.15")
    made = planned(folder, start=path, anchors="start")
    assert "7 of 13 convolutions loaded." in made.notes[1]
    assert made.config.masks == TINY_MASKS
    with pytest.raises(CheckpointError) as caught:
        planned(folder, start=path, variant=None)
    assert "--variant" in caught.value.hint


def test_darknet_weights_without_a_cfg(folder: Path) -> None:
    path = str(folder / "bare" / "three.weights")
    for variant in (None, "yolov3-tiny"):
        with pytest.raises(CheckpointError, match=r"no \.cfg next to it") as caught:
            planned(folder, start=path, variant=variant)
        assert "--start-cfg" in caught.value.hint
    made = planned(folder, start=path, start_cfg=str(folder / "three.cfg"), variant=None)
    assert made.config.variant == "yolov3-tiny"


def test_a_start_of_another_network(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="nothing of it fits yolov3"):
        planned(folder, start=str(folder / "two.safetensors"), variant="yolov3")


def test_the_official_tiny_weights_bring_the_masks_they_were_trained_with(
    shared: Path, folder: Path
) -> None:
    start = str(shared / "weights" / "yolov3-tiny.weights")
    config = decided(folder, start=start, variant=None)
    assert config.variant == "yolov3-tiny"
    assert (config.anchors, config.masks) == (TINY_ANCHORS, ((3, 4, 5), (1, 2, 3)))
    assert decided(folder, start=start, masks="3,4,5/0,1,2").masks == TINY_MASKS


def test_epsilon_is_the_starts_or_keras(folder: Path) -> None:
    def epsilon(**values: Any) -> float:
        return planned(folder, anchors="start", **values).network.description.batch_norm_epsilon

    assert epsilon(start=str(folder / "two.safetensors")) == 1e-6
    assert epsilon(start=str(folder / "three.h5")) == 1e-3
    assert epsilon() == 1e-6
    assert epsilon(compat="keras-yolo3") == 1e-3


@pytest.mark.parametrize(
    ("start", "freeze", "note"),
    [
        (None, "none", "Stage 1 trains everything: there are no start weights for anything"),
        ("two.safetensors", "heads-only", None),
        ("three.weights", "heads-only", None),  # its outputs do not fit: they are what is trained
        ("bare/yolov3-tiny.conv.15", "backbone", "Stage 1 trains all but the backbone"),
    ],
)
def test_stage_one_freezes_what_has_start_weights(
    start: str | None, freeze: str, note: str | None, folder: Path
) -> None:
    values = {} if start is None else {"start": str(folder / start)}
    made = planned(folder, anchors="start", **values)
    assert made.config.stage1.freeze == freeze
    notes = [each for each in made.notes if each.startswith("Stage 1")]
    assert [note is not None and each.startswith(note) for each in notes] == [True] * bool(note)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        # Tiny has 13 convolutions: 7 of the backbone, 2 outputs.
        (
            {"stage1__freeze": "backbone"},
            "stage1.freeze is backbone, .* 7 .*backbone.conv1: there are no",
        ),
        ({"stage1__freeze": "heads-only"}, "leave 11 convolutions"),
        ({"stage1__epochs": 0, "stage2__freeze": "backbone"}, "stage2.freeze is backbone"),
        (
            {"start": "bare/yolov3-tiny.conv.15", "stage1__freeze": "heads-only"},
            r"leave 4 convolutions .*P5\.\w+: .*conv.15 has no weights for them",
        ),
    ],
)
def test_random_weights_are_not_frozen(values: dict[str, Any], said: str, folder: Path) -> None:
    if "start" in values:
        values = {**values, "start": str(folder / values["start"])}
    with pytest.raises(InputError, match=said) as caught:
        planned(folder, anchors="start", **values)
    assert ".freeze none" in caught.value.hint


def test_what_stage_one_has_trained_may_be_frozen_in_stage_two(folder: Path) -> None:
    made = planned(folder, anchors="start", stage2__freeze="backbone")
    assert (made.config.stage1.freeze, made.config.stage2.freeze) == ("none", "backbone")


def test_the_seed_decides_the_weights_that_are_drawn(folder: Path) -> None:
    table = read_boxes(folder / "data" / "train.txt")

    def drawn(seed: int) -> torch.Tensor:
        config = TrainConfig(variant="yolov3-tiny", seed=seed, norm_momentum=0.25)
        network = make(config, NAMES, table).network
        assert not network.training
        assert network.backbone.conv1.norm.momentum == 0.25
        return network.P5.output.weight

    assert drawn(1).equal(drawn(1))
    assert not drawn(1).equal(drawn(2))


def test_what_would_show_only_in_a_step_shows_at_once(folder: Path) -> None:
    with pytest.raises(InputError, match="3 numbers; there are 2 classes: disc, square"):
        planned(folder, loss__class_weights="1,2,3")
    with pytest.raises(InputError, match="monitor is AP50, and there is no validation"):
        planned(folder, monitor="AP50", data__val_fraction=0)
    empty = draw_set(folder / "empty", 3, boxes=False)
    with pytest.raises(InputError, match="monitor is AP, and no validation photo has a box"):
        planned(folder, monitor="AP", data__val=str(empty))
    assert planned(folder, data__val=str(empty)).val is not None
