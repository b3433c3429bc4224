"""A conversion keeps what a model computes, and says so only after it has looked."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import yolov3_models
from headlab.checkpoint.read import read
from headlab.checkpoint.yolov3.held import held
from headlab.errors import CheckpointError, InputError, OutputError
from headlab.yolov3.convert import TOLERANCE, convert

SUFFIXES = (".weights", ".h5", ".weights.h5", ".safetensors")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    return yolov3_models.saved(yolov3_models.random_model(), folder / "m.safetensors")


@pytest.mark.parametrize("suffix", [each for each in SUFFIXES if each != ".safetensors"])
def test_there_and_back(model: Path, tmp_path: Path, suffix: str) -> None:
    """The description survives, and the numbers do bit by bit: Keras' other epsilon included."""
    there, back = tmp_path / f"there{suffix}", tmp_path / "back.safetensors"
    for source, target in ((model, there), (there, back)):
        done = convert(source, target)
        assert done.difference <= TOLERANCE * max(1.0, done.largest_output)
        assert done.input_hw_px == (96, 96)
    first, last = read(model), read(back)
    assert last.class_names == first.class_names
    assert last.metadata == first.metadata
    for name in first.tensors:
        assert np.array_equal(first.array(name), last.array(name)), name


def test_darknet_to_keras_to_darknet_gives_the_same_bytes(shared: Path, tmp_path: Path) -> None:
    original = shared / "weights" / "yolov3-tiny.weights"
    convert(original, tmp_path / "k.h5")
    done = convert(tmp_path / "k.h5", tmp_path / "d.weights")
    assert (tmp_path / "d.weights").read_bytes() == original.read_bytes()
    assert [path.name for path in done.written] == ["d.weights", "d.names", "d.cfg"]


def test_the_outputs_stay_though_the_epsilon_changes(shared: Path, tmp_path: Path) -> None:
    """The variances of the file change, by 1e-6 - 1e-3, and the outputs do not."""
    import h5py

    original = shared / "weights" / "yolov3-tiny.weights"
    done = convert(original, tmp_path / "k.h5")
    assert done.difference < 1e-4
    variance = read(original).array("backbone.conv1.norm.running_var").astype(np.float64)
    with h5py.File(tmp_path / "k.h5") as file:
        stored = file["batch_normalization_1/batch_normalization_1/moving_variance:0"][...]
    assert np.array_equal(stored, (variance + 1e-6 - 1e-3).astype(np.float32))


def test_numbers_as_keras_yolo3s_own_converter_puts_them(shared: Path, tmp_path: Path) -> None:
    original = shared / "weights" / "yolov3-tiny.weights"
    convert(original, tmp_path / "k.h5", batch_norm_epsilon=1e-3)
    found = read(tmp_path / "k.h5")
    assert found.metadata["batch_norm_epsilon"] == 1e-3
    name = "backbone.conv1.norm.running_var"
    assert np.array_equal(found.array(name), read(original).array(name))


def test_a_file_of_ones_own_beside_the_target_is_not_replaced(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out.cfg").write_text("mine")
    with pytest.raises(OutputError, match=r"out\.cfg belongs beside out\.weights.*Nothing was"):
        convert(model, tmp_path / "out.weights")
    assert [path.name for path in tmp_path.iterdir()] == ["out.cfg"]
    convert(model, tmp_path / "out.weights", force=True)
    assert "mine" not in (tmp_path / "out.cfg").read_text()
    convert(model, tmp_path / "out.weights")  # what it would write is there already


def test_the_source_is_not_the_target(model: Path) -> None:
    with pytest.raises(OutputError, match="is the input itself"):
        convert(model, model)


def test_a_name_that_asks_for_no_format(model: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"x\.onnx: the name does not say in which format"
    ) as error:
        convert(model, tmp_path / "x.onnx")
    assert ".weights (darknet weights)" in error.value.hint
    assert not list(tmp_path.iterdir())


def test_an_ultralytics_checkpoint_has_no_such_form(yolov8n: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this is an ultralytics checkpoint"):
        convert(yolov8n, tmp_path / "x.h5")


def test_an_input_size_that_does_not_fit(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"100 x 64 px does not fit.*multiples of 32 px"):
        convert(model, tmp_path / "x.weights", imgsz=(100, 64))
    convert(model, tmp_path / "x.weights", imgsz=(128, 64))
    assert read(tmp_path / "x.weights").input_hw_px == (128, 64)


def test_a_folder_that_is_not_there(model: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no such folder"):
        convert(model, tmp_path / "none" / "x.h5")


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    random = yolov3_models.random_model()
    broken = np.array(random.array("P5.output.bias"))
    broken[0] = np.nan
    arrays = {**random.arrays, "P5.output.bias": broken}
    source = yolov3_models.saved(held(random.described, arrays), tmp_path / "m.safetensors")
    with pytest.raises(CheckpointError, match=r"P5\.output\.bias holds values that are not finite"):
        convert(source, tmp_path / "x.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.safetensors"]


def test_a_damaged_source_leaves_nothing_behind(shared: Path, tmp_path: Path) -> None:
    for name in ("yolov3-tiny.weights", "yolov3-tiny.cfg", "coco.names"):
        shutil.copy(shared / "weights" / name, tmp_path)
    path = tmp_path / "yolov3-tiny.weights"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-4002])
    with pytest.raises(CheckpointError):
        convert(path, tmp_path / "x.h5")
    assert not list(tmp_path.glob("x*"))
    assert not list(tmp_path.glob(".headlab-*"))


def test_a_description_of_other_anchors_travels_along(tmp_path: Path) -> None:
    random = yolov3_models.random_model(class_names=("猫", "traffic light"))
    described = replace(random.described, masks=((3, 4, 5), (0, 1, 2)))
    source = yolov3_models.saved(held(described, random.arrays), tmp_path / "m.safetensors")
    convert(source, tmp_path / "x.weights")
    found = read(tmp_path / "x.weights")
    assert found.class_names == ("猫", "traffic light")
    assert found.metadata["masks"] == [[3, 4, 5], [0, 1, 2]]
