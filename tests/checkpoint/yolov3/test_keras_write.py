"""Write Keras files: what is read again, what Keras would find in them, and what an edit leaves alone."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from keras_files import hollow, hollow_keras_3, numbered_model

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.darknet.weights import write_darknet
from headlab.checkpoint.yolov3.epsilon import with_epsilon
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint
from headlab.checkpoint.yolov3.keras.checkpoint import read_keras
from headlab.checkpoint.yolov3.keras.stored import KERAS_3, LEGACY, Layout
from headlab.checkpoint.yolov3.keras.write import write_keras
from headlab.errors import CheckpointError, InputError
from headlab.families.read import read
from yolov3_models import description, random_model

LAYOUTS: tuple[Layout, ...] = (LEGACY, KERAS_3)
VARIANCE = "backbone.conv3.norm.running_var"
OUTPUT = "P4.output.bias"


def written(model: Yolov3Checkpoint, path: Path, layout: Layout = LEGACY) -> Path:
    with path.open("w+b") as file:
        write_keras(model, file, layout)
    return path


def saved(model: Checkpoint, path: Path) -> Path:
    with path.open("w+b") as file:
        model.write(file)
    return path


def assert_same(found: Yolov3Checkpoint, expected: Yolov3Checkpoint) -> None:
    assert found.description == expected.description
    for name in expected.tensors:
        assert found.array(name).tobytes() == expected.array(name).tobytes(), name


@pytest.fixture(scope="module")
def from_darknet() -> InMemoryCheckpoint:
    return random_model(class_names=("犬", "b", "c"), epsilon=1e-6)


@pytest.fixture(scope="module")
def from_keras() -> InMemoryCheckpoint:
    return random_model(seed=1, epsilon=1e-3)


@pytest.fixture(scope="module")
def darknet_h5(from_darknet: InMemoryCheckpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(from_darknet, tmp_path_factory.mktemp("written") / "darknet.h5")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_everything_comes_back_bit_by_bit(
    from_darknet: InMemoryCheckpoint, from_keras: InMemoryCheckpoint, layout: Layout, tmp_path: Path
) -> None:
    for model in (from_darknet, from_keras):
        found = read_keras(written(model, tmp_path / "model.h5", layout), CompanionFiles())
        assert found.layout == layout
        assert_same(found, model)


def test_a_network_with_three_levels_comes_back(tmp_path: Path) -> None:
    model = numbered_model(description("yolov3-spp"))
    found = read_keras(written(model, tmp_path / "model.h5"), CompanionFiles())
    assert found.description == model.description
    for name in ("P5.output.weight", "P4.lateral.conv.weight", "P3.body5.norm.running_var"):
        assert found.array(name).tobytes() == model.array(name).tobytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_darknet_to_h5_to_darknet_gives_the_same_file(
    shared: Path, layout: Layout, tmp_path: Path
) -> None:
    """The official weights. Keras 3.15 with the h5 agrees with OpenCV's darknet importer to 1.2e-4."""
    source = shared / "weights" / "yolov3-tiny.weights"
    model = read(source)
    assert isinstance(model, Yolov3Checkpoint)
    back = io.BytesIO()
    write_darknet(read_keras(written(model, tmp_path / "model.h5", layout), CompanionFiles()), back)
    assert back.getvalue() == source.read_bytes()


def test_keras_finds_variances_that_fit_its_epsilon(
    darknet_h5: Path, from_darknet: InMemoryCheckpoint
) -> None:
    fitted = with_epsilon(from_darknet, 1e-3)
    with h5py.File(darknet_h5) as file:
        stored = file["batch_normalization_3/batch_normalization_3/moving_variance:0"][...]
    assert np.array_equal(stored, fitted.array(VARIANCE))
    assert not np.array_equal(stored, from_darknet.array(VARIANCE))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_model_gives_the_same_bytes(
    from_darknet: InMemoryCheckpoint, layout: Layout
) -> None:
    first, second = io.BytesIO(), io.BytesIO()
    write_keras(from_darknet, first, layout)
    time.sleep(1.1)  # a time stamp would count seconds
    write_keras(from_darknet, second, layout)
    assert first.getvalue() == second.getvalue()


def test_the_file_is_one_that_old_libraries_read(darknet_h5: Path) -> None:
    # byte 8 is the version of the superblock: 0 since HDF5 1.0
    assert darknet_h5.read_bytes()[8] == 0


def test_trained_on_in_keras_the_files_own_numbers_count(
    darknet_h5: Path, from_darknet: InMemoryCheckpoint, tmp_path: Path
) -> None:
    path = tmp_path / "trained.h5"
    path.write_bytes(darknet_h5.read_bytes())
    with h5py.File(path, "r+") as file:
        file["batch_normalization_1/batch_normalization_1/moving_variance:0"][0] = 0.25
    model = read_keras(path, CompanionFiles())
    assert model.description == replace(from_darknet.description, batch_norm_epsilon=1e-3)
    fitted = with_epsilon(from_darknet, 1e-3)
    assert np.array_equal(model.array(VARIANCE), fitted.array(VARIANCE))
    assert model.array("backbone.conv1.norm.running_var")[0] == 0.25


def test_the_layers_that_keras_3_finds(from_keras: InMemoryCheckpoint, tmp_path: Path) -> None:
    path = written(from_keras, tmp_path / "model.weights.h5", KERAS_3)
    ours, theirs = set[str](), set[str]()
    with h5py.File(path) as file, h5py.File(hollow_keras_3(tmp_path / "h.weights.h5")) as hollowed:
        file.visit(ours.add)
        hollowed.visit(theirs.add)
    assert {name for name in ours if not name.startswith("headlab")} == theirs


def test_an_edit_changes_only_its_numbers(darknet_h5: Path, tmp_path: Path) -> None:
    model = read_keras(darknet_h5, CompanionFiles())
    new = np.asarray(model.array(OUTPUT)) + np.float32(1)
    copy = saved(model.edited({OUTPUT: new}), tmp_path / "copy.h5")
    assert np.array_equal(read_keras(copy, CompanionFiles()).array(OUTPUT), new)
    before = np.frombuffer(darknet_h5.read_bytes(), np.uint8)
    after = np.frombuffer(copy.read_bytes(), np.uint8)
    assert after.size == before.size
    with h5py.File(darknet_h5) as file:
        start = file["conv2d_13/conv2d_13/bias:0"].id.get_offset()
    changed = np.flatnonzero(before != after)
    assert changed.size
    assert start <= changed.min()
    assert changed.max() < start + 24 * 4


def test_a_kernel_is_edited_in_keras_order_of_axes(darknet_h5: Path, tmp_path: Path) -> None:
    model = read_keras(darknet_h5, CompanionFiles())
    kernel = np.array(model.array("backbone.conv1.conv.weight"))
    kernel[5, 2, 0, 1] = 42
    copy = saved(model.edited({"backbone.conv1.conv.weight": kernel}), tmp_path / "copy.h5")
    with h5py.File(copy) as file:
        assert file["conv2d_1/conv2d_1/kernel:0"][0, 1, 2, 5] == 42


def test_an_edited_variance_is_kept_exactly(darknet_h5: Path, tmp_path: Path) -> None:
    model = read_keras(darknet_h5, CompanionFiles())
    edited = model.edited({VARIANCE: np.full(model.shape(VARIANCE), 0.3, np.float32)})
    assert_same(read_keras(saved(edited, tmp_path / "copy.h5"), CompanionFiles()), edited)


def test_new_class_names_go_into_headlabs_group(darknet_h5: Path, tmp_path: Path) -> None:
    renamed = read_keras(darknet_h5, CompanionFiles()).edited({}, ("猫", "a much longer name", "z"))
    assert renamed.companions() == {}
    assert_same(read_keras(saved(renamed, tmp_path / "copy.h5"), CompanionFiles()), renamed)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_other_shapes_are_written_anew_in_the_same_layout(
    from_darknet: InMemoryCheckpoint, layout: Layout, tmp_path: Path
) -> None:
    model = read_keras(written(from_darknet, tmp_path / "model.h5", layout), CompanionFiles())
    # two classes: 3 slots x (5 + 2) = 21 rows of 24
    cut = {
        name: np.asarray(model.array(name))[:21]
        for level in ("P5", "P4")
        for name in (f"{level}.output.weight", f"{level}.output.bias")
    }
    smaller = model.edited(cut, ("a", "b"))
    found = read_keras(saved(smaller, tmp_path / "smaller.h5"), CompanionFiles())
    assert found.layout == layout
    assert_same(found, smaller)


def test_class_names_without_their_rows_are_refused(darknet_h5: Path) -> None:
    renamed = read_keras(darknet_h5, CompanionFiles()).edited({}, ("a", "b"))
    with pytest.raises(CheckpointError, match=r"has shape \(24, 512, 1, 1\); 2 classes need \(21"):
        renamed.write(io.BytesIO())
    with pytest.raises(CheckpointError, match="2 classes need"):
        write_keras(renamed, io.BytesIO())


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8"])
def test_an_edit_keeps_the_dtype(dtype: str, tmp_path: Path) -> None:
    model = read_keras(hollow(tmp_path / "model.h5", dtype=dtype), CompanionFiles())
    copy = saved(model.edited({OUTPUT: np.full(24, 0.5, np.float32)}), tmp_path / "copy.h5")
    with h5py.File(copy) as file:
        stored = file["conv2d_13/conv2d_13/bias:0"]
        assert stored.dtype == dtype
        assert np.all(stored[...] == 0.5)


def test_an_edit_that_does_not_fit_the_dtype_is_refused(tmp_path: Path) -> None:
    model = read_keras(hollow(tmp_path / "model.h5", dtype="<f2"), CompanionFiles())
    with pytest.raises(CheckpointError, match="does not fit float16"):
        saved(model.edited({OUTPUT: np.full(24, 1e6, np.float32)}), tmp_path / "copy.h5")


def test_a_whole_model_stays_one(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5", root="model_weights")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = "{}"
    model = read_keras(path, CompanionFiles()).edited({OUTPUT: np.ones(24, np.float32)})
    with h5py.File(saved(model, tmp_path / "copy.h5")) as file:
        assert file.attrs["model_config"] == "{}"
        assert np.all(file["model_weights/conv2d_13/conv2d_13/bias:0"][...] == 1)


def test_what_keras_yolo3s_file_cannot_hold_goes_beside_it(tmp_path: Path) -> None:
    model = read_keras(hollow(tmp_path / "model.h5"), CompanionFiles())
    assert set(model.companions()) == {"_anchors.txt"}
    renamed = model.edited({}, ("犬", "b", "c"))
    assert renamed.companions()["_classes.txt"] == "犬\nb\nc\n".encode()
    (tmp_path / "copy.anchors.txt").write_bytes(renamed.companions()["_anchors.txt"])
    (tmp_path / "copy.names").write_bytes(renamed.companions()["_classes.txt"])
    copy = saved(renamed, tmp_path / "copy.h5")
    assert copy.read_bytes() == (tmp_path / "model.h5").read_bytes()
    assert read_keras(copy, CompanionFiles()).description == renamed.description


def test_files_are_not_named_for_one_that_says_everything(darknet_h5: Path) -> None:
    with pytest.raises(InputError, match="holds its classes and anchors itself"):
        read_keras(darknet_h5, CompanionFiles(names=darknet_h5))


def test_what_is_no_variance_is_not_written(from_darknet: InMemoryCheckpoint) -> None:
    wrong = from_darknet.edited({VARIANCE: np.full(64, -1, np.float32)})
    with pytest.raises(CheckpointError, match=r"conv3\.norm\.running_var: channel 0"):
        write_keras(wrong, io.BytesIO())
