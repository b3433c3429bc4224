"""Read Keras files of every kind: recorded ones, and the structures that Keras writes."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from keras_files import (
    ANCHORS_TEXT,
    hollow,
    hollow_keras_3,
    number_of,
    variable,
    with_anchors,
)

from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.keras.checkpoint import KerasCheckpoint, read_keras
from headlab.checkpoint.yolov3.keras.layers import keras_layers
from headlab.checkpoint.yolov3.keras.write import write_keras
from headlab.errors import CheckpointError, InputError
from headlab.families.read import read
from yolov3_models import FULL_ANCHORS, TINY_ANCHORS, description


@pytest.fixture(scope="module")
def golden(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that keras-yolo3's tiny_yolo_body wrote, with its anchors beside it."""
    path = tmp_path_factory.mktemp("golden") / "tiny_random_legacy.h5"
    with (
        gzip.open(shared / "golden" / "tiny_random_legacy.h5.gz") as packed,
        path.open("wb") as file,
    ):
        shutil.copyfileobj(packed, file)
    return with_anchors(path)


def test_the_recorded_file_is_read_whole(golden: Path) -> None:
    model = read(golden)
    assert isinstance(model, KerasCheckpoint)
    assert model.description == description(
        class_names=("0", "1", "2"), input_hw_px=(416, 416), epsilon=1e-3
    )
    assert model.format == "keras"
    assert model.layout == "legacy"
    with h5py.File(golden) as file:
        for layer in keras_layers(model.description.architecture):
            for weight in layer.weights:
                stored = file[f"{layer.name}/{layer.name}/{weight.name}:0"][...]
                ours = model.array(weight.tensor.name)
                assert ours.dtype == np.float32
                assert ours.shape == weight.tensor.shape
                turned = stored.transpose(3, 2, 0, 1) if stored.ndim == 4 else stored
                assert np.array_equal(ours, turned)


def test_the_recorded_file_written_again_is_the_same_to_keras(golden: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.h5"
    with copy.open("w+b") as file:
        write_keras(read_keras(golden, CompanionFiles()), file)
    with h5py.File(golden) as first, h5py.File(copy) as second:
        assert set(second) - set(first) == {"headlab"}
        assert dict(second.attrs)["keras_version"] == dict(first.attrs)["keras_version"]
        assert second.attrs["backend"] == first.attrs["backend"]
        assert_same_attribute(first, second, "layer_names")
        for name in first:
            assert_same_attribute(first[name], second[name], "weight_names")
            for weight in first[name].attrs["weight_names"].astype("U"):
                one, other = first[name][weight], second[name][weight]
                assert other.dtype == one.dtype
                assert other.chunks is None
                assert np.array_equal(other[...], one[...])


def assert_same_attribute(first: h5py.Group, second: h5py.Group, key: str) -> None:
    assert second.attrs.get_id(key).dtype == first.attrs.get_id(key).dtype
    assert second.attrs[key].tolist() == first.attrs[key].tolist()


KINDS: dict[str, Callable[[Path], Path]] = {
    "Keras 2": hollow,
    "Keras 2 with h5py 3": lambda path: hollow(path, texts=variable),
    "long lists": lambda path: hollow(path, names_a_part=7),
    "whole model": lambda path: hollow(path, root="model_weights"),
    "whole model of Keras 3": lambda path: hollow(
        path, root="model_weights", texts=variable, weight="{}"
    ),
    "a second model in the session": lambda path: hollow(
        path, called=lambda layer: f"{layer.kind}_{layer.number + 13}"
    ),
    "Keras 3's numbers": lambda path: hollow(
        path,
        called=lambda layer: f"{layer.kind}_{layer.number - 1}" if layer.number > 1 else layer.kind,
    ),
    "names of their own": lambda path: hollow(
        path,
        called=lambda layer: (
            "layer " + "".join(chr(97 + int(each)) for each in str(layer.number)) + layer.kind
        ),
    ),
    "weights of Keras 3": hollow_keras_3,
    "weights of TensorFlow 2.12": lambda path: hollow_keras_3(
        path, root="_layer_checkpoint_dependencies"
    ),
    "float64": lambda path: hollow(path, dtype="<f8"),
    "float16": lambda path: hollow(path, dtype="<f2"),
    "big-endian": lambda path: hollow(path, dtype=">f4"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_read(kind: str, tmp_path: Path) -> None:
    path = KINDS[kind](tmp_path / "model.h5")
    model = read_keras(path, CompanionFiles())
    assert model.description.variant == "yolov3-tiny"
    for layer in keras_layers(model.description.architecture):
        for at, weight in enumerate(layer.weights):
            array = model.array(weight.tensor.name)
            assert array.dtype == np.float32
            assert array.shape == weight.tensor.shape
            assert np.all(array == np.float32(number_of(layer, at))), weight.tensor.name


@pytest.mark.parametrize("variant", ["yolov3", "yolov3-spp"])
def test_the_networks_with_three_levels(variant: str, tmp_path: Path) -> None:
    described = description(
        variant, tuple(map(str, range(20))), input_hw_px=(416, 416), epsilon=1e-3
    )
    for path in (
        hollow(tmp_path / "a.h5", described),
        hollow_keras_3(tmp_path / "b.weights.h5", described),
    ):
        text = ", ".join(f"{width},{height}" for width, height in FULL_ANCHORS)
        (tmp_path / "anchors.txt").write_text(text, encoding="utf-8")
        assert read_keras(path, CompanionFiles()).description == described


def test_anchors_and_names_that_the_user_names(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5")
    (tmp_path / "anchors.txt").unlink()
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "a.txt").write_text(ANCHORS_TEXT, encoding="utf-8")
    (other / "n.txt").write_text("犬\n猫\n鳥\n", encoding="utf-8")
    model = read_keras(path, CompanionFiles(names=other / "n.txt", anchors=other / "a.txt"))
    assert model.class_names == ("犬", "猫", "鳥")
    assert model.description.anchors_wh_px == TINY_ANCHORS


def test_of_keras_yolo3s_two_anchor_files_the_fitting_one_is_taken(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5")
    (tmp_path / "anchors.txt").rename(tmp_path / "tiny_yolo_anchors.txt")
    nine = ", ".join(f"{width},{height}" for width, height in FULL_ANCHORS)
    (tmp_path / "yolo_anchors.txt").write_text(nine, encoding="utf-8")
    assert read_keras(path, CompanionFiles()).description.anchors_wh_px == TINY_ANCHORS


def test_without_anchors_nothing_is_assumed(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5")
    (tmp_path / "anchors.txt").unlink()
    with pytest.raises(CheckpointError, match="does not say its anchors") as caught:
        read_keras(path, CompanionFiles())
    assert "--anchors" in caught.value.hint
    assert "anchors.txt" in caught.value.hint


def test_anchors_that_do_not_fit_the_outputs(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5")
    # 10 anchors are 5 a cell; 24 rows are not 5 x (5 + C)
    text = ", ".join(f"{at},{at}" for at in range(1, 11))
    (tmp_path / "anchors.txt").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"10 anchors are 5 and 5 per cell .* 24, 24 rows"):
        read_keras(path, CompanionFiles())


def test_anchors_that_cannot_be_shared_out(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5")
    (tmp_path / "anchors.txt").write_text("1,2, 3,4, 5,6", encoding="utf-8")
    with pytest.raises(InputError, match="3 anchors cannot be shared out"):
        read_keras(path, CompanionFiles())


def test_names_of_another_count(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5")
    names = tmp_path / "model.names"
    names.write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"2 class names; the weights in model\.h5 have 3"):
        read_keras(path, CompanionFiles(names=names))


def test_a_cfg_says_nothing_about_keras_weights(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5")
    with pytest.raises(InputError, match=r"a \.cfg describes darknet's weights"):
        read_keras(path, CompanionFiles(cfg=tmp_path / "x.cfg"))
