"""A configuration: what is filled up, what is read from text, and what contradicts itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from headlab.train.configuration.config import Section, StageConfig, TrainConfig


def test_a_section_given_in_part_keeps_the_rest_of_its_own_default() -> None:
    config = TrainConfig(stage1={"epochs": 4}, stage2={"stop_patience": 0})
    assert config.stage1 == StageConfig(epochs=4, freeze="auto")
    assert config.stage2 == StageConfig(lr=1e-4, schedule="plateau", stop_patience=0)


def test_a_whole_section_is_taken_as_it_is() -> None:
    assert TrainConfig(stage1=StageConfig(epochs=4)).stage1.freeze == "none"


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        ("imgsz", 320, (320, 320)),
        ("imgsz", "320", (320, 320)),
        ("imgsz", "320,608", (320, 608)),
        ("imgsz", [320, 608], (320, 608)),
        ("anchors", "fit", "fit"),
        ("anchors", "anchors.txt", "anchors.txt"),
        ("anchors", "10,14/23.5,27", ((10, 14), (23.5, 27))),
        ("anchors", "10,14, 23,27", ((10, 14), (23, 27))),  # a line of keras-yolo3's anchors.txt
        ("anchors", "10,14 23,27", ((10, 14), (23, 27))),
        ("anchors", [10, 14, 23, 27], ((10, 14), (23, 27))),
        ("anchors", [[10, 14], [23, 27]], ((10, 14), (23, 27))),
        ("masks", "3,4,5/0,1,2", ((3, 4, 5), (0, 1, 2))),
        ("masks", [[1], [0]], ((1,), (0,))),
        ("formats", "safetensors,h5", ("safetensors", "h5")),
        ("formats", "h5,darknet,h5", ("h5", "darknet")),
        ("batch", "4", 4),
        ("device", "cuda:1", "cuda:1"),
        ("device", "0", "cuda:0"),  # as ultralytics takes it
        ("device", 2, "cuda:2"),
        ("device", "CUDA:0", "cuda:0"),
        ("start", Path("a") / "b.h5", "a/b.h5"),
        ("anchors", Path("anchors.txt"), "anchors.txt"),
    ],
)
def test_values_are_read_from_text_and_from_lists(field: str, given: Any, value: Any) -> None:
    assert getattr(TrainConfig.model_validate({field: given}), field) == value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"imgsz": 100}, "imgsz 100,100: height and width must be multiples of 32 px"),
        ({"imgsz": 0}, "multiples of 32"),
        ({"stage1": {"epochs": 0}, "stage2": {"epochs": 0}}, "nothing is trained"),
        ({"monitor": "AP50", "evaluate_every": 0}, "monitor is AP50"),
        ({"precision": "16-mixed", "device": "cpu"}, "needs a GPU"),
        ({"device": "0,1"}, "'0,1' names 2 GPUs; say device cuda and devices 2"),
        ({"device": "cuda:0,2"}, "'cuda:0,2' names 2 GPUs"),
        ({"device": "gpu"}, "'gpu' is not auto, cpu, cuda, or one GPU such as cuda:0"),
        ({"device": "mps"}, "devices says how many"),
        ({"device": True}, "valid string"),
        ({"device": "cuda:1", "devices": 2}, "device cuda:1 is one GPU, and devices is 2"),
        (
            {"anchors": "10,14/23,27", "masks": "2/0"},
            "masks name anchor 2, and the last anchor is 1",
        ),
        ({"anchors": "10,14,23"}, "3 numbers are not pairs"),
        ({"augment": {"scale_min": 3}}, "scale_min 3 is larger than scale_max 2"),
        ({"augment": {"multi_scale_min": 640}}, "multi_scale_min 640 to multi_scale_max 608"),
        ({"augment": {"multi_scale_min": 330}}, "multiples of 32 px"),
    ],
)
def test_contradictions_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainConfig.model_validate(given)


def sections(section: Section) -> list[Section]:
    """The section and all within it."""
    values = [getattr(section, name) for name in type(section).model_fields]
    return [
        section,
        *(each for value in values if isinstance(value, Section) for each in sections(value)),
    ]


def test_every_value_has_a_description_that_reads_as_help() -> None:
    for section in sections(TrainConfig()):
        for name, field in type(section).model_fields.items():
            if not isinstance(getattr(section, name), Section):
                assert field.description, name
                assert field.description.endswith("."), name


def test_nothing_can_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        TrainConfig().batch = 3  # type: ignore[misc]
