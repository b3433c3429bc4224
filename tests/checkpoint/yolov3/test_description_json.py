"""Descriptions as JSON: round trips, and every value that does not belong refused with its key."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headlab.checkpoint.yolov3.description import Description, default_masks
from headlab.checkpoint.yolov3.description_json import from_json, from_text, to_json, to_text
from headlab.errors import CheckpointError, HeadlabError
from yolov3_models import description

FULL = replace(
    description("yolov3", ("犬", "a b", "")),
    anchors_wh_px=tuple((1.5 + at, 1e-3 * (at + 1)) for at in range(9)),
    batch_norm_epsilon=1e-3,
    darknet_version=(0, 2, 5),
    seen=2**63,
)


@pytest.mark.parametrize("described", [description(), FULL, description("yolov3-spp")])
def test_what_is_written_is_read(described: Description) -> None:
    assert from_json(to_json(described), "file") == described
    assert from_text(to_text(described), "file") == described
    assert from_text(to_text(described).encode(), "file") == described


@given(
    names=st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=1, max_size=5),
    anchors=st.lists(
        st.tuples(*[st.floats(1e-3, 1e6, exclude_min=True)] * 2), min_size=9, max_size=9
    ),
    epsilon=st.floats(1e-12, 1.0),
    seen=st.integers(0, 2**64 - 1),
)
def test_every_description_survives(
    names: list[str], anchors: list[tuple[float, float]], epsilon: float, seen: int
) -> None:
    described = Description(
        "yolov3",
        tuple(anchors),
        default_masks("yolov3", 9),
        tuple(names),
        (320, 608),
        epsilon,
        (1, 2, 3),
        seen,
    )
    assert from_text(to_text(described), "file") == described


def test_the_text_is_ascii_and_always_the_same() -> None:
    assert to_text(FULL).isascii()
    assert to_text(FULL) == to_text(replace(FULL))


BAD: list[tuple[str, Any]] = [
    ("network", "yolov4"),
    ("network", 3),
    ("network", ["yolov3"]),
    ("anchors_wh_px", []),
    ("anchors_wh_px", "10,13"),
    ("anchors_wh_px", [[10, 13, 5]]),
    ("anchors_wh_px", [[0, 13]]),
    ("anchors_wh_px", [[-1, 13]]),
    ("anchors_wh_px", [[True, 13]]),
    ("anchors_wh_px", [[float("nan"), 13]]),
    ("anchors_wh_px", [[float("inf"), 13]]),
    ("anchors_wh_px", [[10**400, 13]]),
    ("anchors_wh_px", [["10", 13]]),
    ("anchors_wh_px", [[10, 13]] * 1001),
    ("masks", [[0, 1, 2]]),
    ("masks", [[0], [1], []]),
    ("masks", [[0], [1], [9]]),
    ("masks", [[0], [1], [-1]]),
    ("masks", [[0], [1], [2.0]]),
    ("class_names", []),
    ("class_names", [1]),
    ("class_names", ["x" * 1001]),
    ("class_names", ["\ud800"]),
    ("input_hw_px", [416]),
    ("input_hw_px", [416, 415]),
    ("input_hw_px", [0, 416]),
    ("input_hw_px", [416, 32_800]),
    ("batch_norm_epsilon", 0),
    ("batch_norm_epsilon", 2.0),
    ("batch_norm_epsilon", None),
    ("darknet_version", [0, 2]),
    ("darknet_version", [0, 2, -1]),
    ("seen", -1),
    ("seen", 2**64),
    ("seen", 1.5),
    ("seen", True),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_wrong_value_is_named(key: str, value: object) -> None:
    with pytest.raises(CheckpointError) as caught:
        from_json({**to_json(FULL), key: value}, "m.safetensors")
    assert caught.value.message.startswith(f"m.safetensors: {key} is ")
    assert "was expected" in caught.value.message
    assert len(caught.value.message) < 250
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize("key", [key for key in to_json(FULL) if key != "version"])
def test_a_missing_value_is_named(key: str) -> None:
    data = to_json(FULL)
    del data[key]
    with pytest.raises(CheckpointError, match=f"lacks '{key}'"):
        from_json(data, "file")


@pytest.mark.parametrize("version", [None, 0, 2, "1", 10**4000])
def test_another_version_says_to_update(version: object) -> None:
    with pytest.raises(CheckpointError, match="this headlab reads version 1") as caught:
        from_json({**to_json(FULL), "version": version}, "file")
    assert caught.value.hint == "Update headlab."


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_something_else_than_an_object(data: object) -> None:
    with pytest.raises(CheckpointError, match="an object was expected"):
        from_json(data, "file")


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe\xfd", "[" * 100_000, "1" * 10_000])
def test_what_is_no_json(text: str | bytes) -> None:
    with pytest.raises(CheckpointError, match="is not JSON"):
        from_text(text, "file")


@settings(max_examples=300)
@given(
    key=st.sampled_from(sorted(to_json(FULL))),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    ),
)
def test_only_headlab_errors_come_out(key: str, value: object) -> None:
    text = json.dumps({**to_json(FULL), key: value})
    try:
        described = from_text(text, "file")
    except HeadlabError:
        return
    assert from_text(to_text(described), "file") == described
