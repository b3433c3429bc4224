"""headlab's own format: round trips, its metadata, and files of others refused."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_files import numbered_model
from safetensors import safe_open
from safetensors.numpy import save_file

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.description_json import to_json, to_text
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint
from headlab.checkpoint.yolov3.safetensors_file import (
    SafetensorsCheckpoint,
    read_safetensors,
    write_safetensors,
)
from headlab.errors import CheckpointError, HeadlabError, InputError
from headlab.families.read import read
from yolov3_models import description, random_model

OUTPUT = "P5.output.bias"


@pytest.fixture(scope="module")
def tiny() -> InMemoryCheckpoint:
    model = random_model(class_names=("犬", "b", "c"))
    return replace(model, described=replace(model.described, darknet_version=(0, 1, 0), seen=9))


@pytest.fixture(scope="module")
def path(tiny: InMemoryCheckpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tiny, tmp_path_factory.mktemp("written") / "モデル.safetensors")


def written(model: Yolov3Checkpoint, path: Path) -> Path:
    with path.open("w+b") as file:
        model.write(file)
    return path


def test_everything_comes_back_bit_by_bit(path: Path, tiny: InMemoryCheckpoint) -> None:
    model = read(path)
    assert isinstance(model, SafetensorsCheckpoint)
    assert model.format == "headlab"
    assert model.description == tiny.description
    for name in tiny.tensors:
        assert model.array(name).dtype == np.float32
        assert model.array(name).shape == tiny.shape(name)
        assert model.array(name).tobytes() == tiny.array(name).tobytes()


def test_a_network_with_three_levels_comes_back(tmp_path: Path) -> None:
    model = numbered_model(description("yolov3", epsilon=1e-3))
    read_again = read_safetensors(written(model, tmp_path / "m.safetensors"), CompanionFiles())
    assert read_again.description == model.description
    for name in ("P3.output.weight", "backbone.stage5.residual4.expand.norm.running_var"):
        assert read_again.array(name).tobytes() == model.array(name).tobytes()


def test_written_again_it_is_the_same_file(path: Path) -> None:
    copy = io.BytesIO()
    read_safetensors(path, CompanionFiles()).write(copy)
    assert copy.getvalue() == path.read_bytes()


def test_an_edit_is_written(path: Path, tmp_path: Path) -> None:
    model = read_safetensors(path, CompanionFiles())
    new = np.arange(24, dtype=np.float32)
    edited = model.edited({OUTPUT: new}, ("x", "y", "z"))
    found = read_safetensors(written(edited, tmp_path / "m.safetensors"), CompanionFiles())
    assert np.array_equal(found.array(OUTPUT), new)
    assert found.class_names == ("x", "y", "z")
    untouched = "P4.output.bias"
    assert found.array(untouched).tobytes() == model.array(untouched).tobytes()


def test_fewer_classes(path: Path, tmp_path: Path) -> None:
    model = read_safetensors(path, CompanionFiles())
    # one class: 3 slots x (5 + 1) = 18 rows of 24
    cut = {
        name: np.asarray(model.array(name))[:18]
        for level in ("P5", "P4")
        for name in (f"{level}.output.weight", f"{level}.output.bias")
    }
    smaller = written(model.edited(cut, ("a",)), tmp_path / "m.safetensors")
    assert read_safetensors(smaller, CompanionFiles()).shape(OUTPUT) == (18,)


def test_class_names_without_their_rows_are_refused(path: Path) -> None:
    renamed = read_safetensors(path, CompanionFiles()).edited({}, ("a", "b"))
    with pytest.raises(CheckpointError, match=r"has shape \(24, 512, 1, 1\); 2 classes need \(21"):
        renamed.write(io.BytesIO())


def test_other_programs_find_tensors_and_layout(path: Path) -> None:
    with safe_open(path, framework="numpy") as file:
        said = file.metadata()
        assert file.get_tensor(OUTPUT).shape == (24,)
    layout = json.loads(said["layout"])
    assert layout[0] == {
        "level": "P5",
        "stride_px": 32,
        "output": "P5.output.weight",
        "anchors_wh_px": [[81, 82], [135, 169], [344, 319]],
        "rows_per_slot": 8,  # 5 + 3 classes
        "first_class_row": 5,
    }


def test_numbers_start_at_a_multiple_of_eight(path: Path) -> None:
    assert struct.unpack("<Q", path.read_bytes()[:8])[0] % 8 == 0


def test_files_are_not_named_for_one_that_says_everything(path: Path) -> None:
    with pytest.raises(InputError, match="holds its classes and anchors itself"):
        read_safetensors(path, CompanionFiles(names=path))


def hollow(path: Path, change: dict[str, Any] | None = None, **metadata: str | None) -> Path:
    """A file with the right header and zeros for numbers; `change` is made to the header.

    The zeros are a hole in the file: it takes little space.
    """
    described = description()
    header: dict[str, Any] = {}
    end = 0
    for name, tensor in described.architecture.tensors.items():
        offsets = [end, end + 4 * tensor.numel]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": offsets}
        end = offsets[1]
    said = {"format": "headlab", "headlab": to_text(described), **metadata}
    header["__metadata__"] = {key: value for key, value in said.items() if value is not None}
    for name, value in (change or {}).items():
        if value is None:
            del header[name]
        else:
            header[name] = value
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    return path


def test_a_hollow_file_is_sound(tmp_path: Path) -> None:
    model = read_safetensors(hollow(tmp_path / "m.safetensors"), CompanionFiles())
    assert model.description == description()
    assert not model.array(OUTPUT).any()


FOREIGN: list[dict[str, str | None]] = [
    {"format": None, "headlab": None},
    {"format": "pt", "headlab": None},
    {"format": "pt"},
    {"headlab": None},
]


@pytest.mark.parametrize("metadata", FOREIGN)
def test_a_foreign_file_is_refused(metadata: dict[str, str | None], tmp_path: Path) -> None:
    foreign = hollow(tmp_path / "m.safetensors", **metadata)
    with pytest.raises(CheckpointError, match="a safetensors file without headlab's description"):
        read_safetensors(foreign, CompanionFiles())


def test_a_file_of_the_library_without_metadata(tmp_path: Path) -> None:
    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "m.safetensors")
    with pytest.raises(CheckpointError, match="without headlab's description") as caught:
        read(tmp_path / "m.safetensors")
    assert "convert" in caught.value.hint


def bias_as(dtype: str, shape: list[int]) -> dict[str, Any]:
    """The header's entry of the output's bias, as another dtype or shape in the same bytes."""
    start = 0
    for name, tensor in description().architecture.tensors.items():
        if name == OUTPUT:
            break
        start += 4 * tensor.numel
    return {OUTPUT: {"dtype": dtype, "shape": shape, "data_offsets": [start, start + 96]}}


def moved(name: str) -> dict[str, Any]:
    return {OUTPUT: None, name: bias_as("F32", [24])[OUTPUT]}


WRONG: list[tuple[dict[str, Any], str]] = [
    (bias_as("F16", [48]), r"P5\.output\.bias is F16 \(48,\); F32 \(24,\) was expected"),
    (bias_as("BF16", [48]), "is BF16"),
    (bias_as("F64", [12]), "is F64"),
    (bias_as("I32", [24]), "is I32"),
    (bias_as("F32", [4, 6]), r"is F32 \(4, 6\)"),
    (moved("P5.output.something"), r"P5\.output\.bias' is missing"),
    (bias_as("F32", [25]), "a damaged safetensors file"),
    (bias_as("F32", [2**62, 2**62]), "a damaged safetensors file"),
    ({OUTPUT: {"dtype": "F32", "shape": [24], "data_offsets": [0, 96]}}, "a damaged safetensors"),
    ({OUTPUT: {"dtype": "F99", "shape": [24], "data_offsets": [0, 96]}}, "a damaged safetensors"),
    ({OUTPUT: None}, "a damaged safetensors file"),
    (
        {"extra": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}},
        "'extra' is not one of the network's",
    ),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_wrong_tensors_are_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    wrong = hollow(tmp_path / "m.safetensors", change)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_safetensors(wrong, CompanionFiles())
    assert caught.value.message.startswith(f"{wrong}: ")


def test_a_description_of_other_classes(tmp_path: Path) -> None:
    other = to_text(description(class_names=("a", "b")))
    with pytest.raises(CheckpointError, match=r"output\.weight is F32 \(24, 512, 1, 1\); F32 \(21"):
        read_safetensors(hollow(tmp_path / "m.safetensors", headlab=other), CompanionFiles())


def test_a_description_that_is_not_one(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not JSON"):
        read_safetensors(hollow(tmp_path / "m.safetensors", headlab="{"), CompanionFiles())
    cut = {**to_json(description()), "masks": []}
    with pytest.raises(CheckpointError, match="masks is"):
        read_safetensors(
            hollow(tmp_path / "m.safetensors", headlab=json.dumps(cut)), CompanionFiles()
        )


def test_of_a_tensor_listed_twice_one_counts(tmp_path: Path) -> None:
    data = hollow(tmp_path / "m.safetensors").read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    entry = json.dumps(bias_as("F32", [24])[OUTPUT])
    text = data[8 : 8 + length][:-1] + f', "{OUTPUT}": {entry}}}'.encode()
    twice = tmp_path / "twice.safetensors"
    twice.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    assert read_safetensors(twice, CompanionFiles()).shape(OUTPUT) == (24,)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 8,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 99_999_999) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 20_000) + b"[" * 20_000,
    ],
)
def test_what_is_no_safetensors_file(content: bytes, tmp_path: Path) -> None:
    bad = tmp_path / "m.safetensors"
    bad.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"m\.safetensors: "):
        read_safetensors(bad, CompanionFiles())


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for bad in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(CheckpointError):
            read_safetensors(bad, CompanionFiles())


def test_a_cut_file(path: Path, tmp_path: Path) -> None:
    cut = tmp_path / "m.safetensors"
    cut.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="a damaged safetensors file"):
        read_safetensors(cut, CompanionFiles())


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hollow(tmp_path_factory.mktemp("sound") / "m.safetensors")


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 4000), byte=st.integers(0, 255))
def test_a_changed_header_gives_only_headlab_errors(at: int, byte: int, sound: Path) -> None:
    with sound.open("r+b") as file:
        file.seek(at)
        before = file.read(1)
        file.seek(at)
        file.write(bytes([byte]))
    try:
        model = read_safetensors(sound, CompanionFiles())
        write_safetensors(model.edited({}), io.BytesIO())
    except HeadlabError as error:
        str(error).encode("utf-8")
    finally:
        with sound.open("r+b") as file:
            file.seek(at)
            file.write(before)
