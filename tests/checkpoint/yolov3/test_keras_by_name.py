"""Load by name what fits. Keras 2 (tf_keras 2.21) loaded and left out the same arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from keras_files import hollow, hollow_keras_3, number_of

from headlab.checkpoint.yolov3.keras.by_name import (
    ABSENT_IN_FILE,
    ABSENT_IN_NETWORK,
    Skipped,
    load_by_name,
)
from headlab.checkpoint.yolov3.keras.layers import keras_layers
from headlab.checkpoint.yolov3.layer_graphs import architecture
from headlab.errors import CheckpointError
from yolov3_models import description

TINY = architecture("yolov3-tiny", 3, (3, 3))
WITH_WEIGHTS = tuple(layer.name for layer in keras_layers(TINY) if layer.weights)


def test_the_same_network_is_loaded_whole(tmp_path: Path) -> None:
    load = load_by_name(hollow(tmp_path / "model.h5"), TINY)
    assert load.loaded == WITH_WEIGHTS
    assert load.skipped == ()
    assert load.batch_norm_epsilon == 1e-3
    assert set(load.arrays) == set(TINY.tensors)
    for layer in keras_layers(TINY):
        for at, weight in enumerate(layer.weights):
            array = load.arrays[weight.tensor.name]
            assert array.shape == weight.tensor.shape
            assert np.all(array == np.float32(number_of(layer, at)))


@pytest.mark.parametrize("build", [hollow, hollow_keras_3])
def test_with_other_classes_only_the_outputs_are_left_out(
    build: Callable[[Path], Path], tmp_path: Path
) -> None:
    # 3 slots x (5 + 3) = 24 rows in the file, 3 x (5 + 20) = 75 in the network
    load = load_by_name(build(tmp_path / "model.h5"), architecture("yolov3-tiny", 20, (3, 3)))
    assert load.loaded == tuple(
        name for name in WITH_WEIGHTS if name not in ("conv2d_10", "conv2d_13")
    )
    assert load.skipped == (
        Skipped(
            "conv2d_10",
            "kernel: shape (1, 1, 512, 24) in the file, (1, 1, 512, 75) in the network",
        ),
        Skipped("conv2d_10", "bias: shape (24,) in the file, (75,) in the network"),
        Skipped(
            "conv2d_13",
            "kernel: shape (1, 1, 256, 24) in the file, (1, 1, 256, 75) in the network",
        ),
        Skipped("conv2d_13", "bias: shape (24,) in the file, (75,) in the network"),
    )
    assert set(TINY.tensors) - set(load.arrays) == {
        f"{level}.output.{part}" for level in ("P5", "P4") for part in ("weight", "bias")
    }


def test_a_backbone_alone(tmp_path: Path) -> None:
    network = architecture("yolov3", 2, (3, 3, 3))
    layers = [layer for layer in keras_layers(network) if layer.weights]
    head = [layer.name for layer in layers if layer.number > 52]
    path = hollow(tmp_path / "darknet53.h5", description("yolov3"), without=head)
    load = load_by_name(path, network)
    assert set(load.arrays) == {tensor.name for each in network.backbone for tensor in each.tensors}
    assert len(load.loaded) == 2 * 52
    assert {skipped.layer for skipped in load.skipped} == set(head)
    assert {skipped.reason for skipped in load.skipped} == {ABSENT_IN_FILE}


def test_a_layer_that_the_network_lacks(tmp_path: Path) -> None:
    # YOLOv3-tiny's first convolution has 16 channels, YOLOv3's 32: by their names, little fits
    load = load_by_name(hollow(tmp_path / "model.h5", description("yolov3")), TINY)
    assert Skipped("conv2d_14", ABSENT_IN_NETWORK) in load.skipped
    assert Skipped("conv2d_75", ABSENT_IN_NETWORK) in load.skipped
    kernel = "kernel: shape (3, 3, 3, 32) in the file, (3, 3, 3, 16) in the network"
    assert Skipped("conv2d_1", kernel) in load.skipped
    # conv2d_10 of YOLOv3 has no bias
    assert Skipped("conv2d_10", "1 arrays in the file, 2 in the network") in load.skipped


@pytest.mark.parametrize("first", [0, 2, 14])
def test_numbers_that_start_elsewhere(first: int, tmp_path: Path) -> None:
    path = hollow(
        tmp_path / "model.h5",
        called=lambda layer: f"{layer.kind}_{layer.number + first - 1}".removesuffix("_0"),
    )
    load = load_by_name(path, TINY)
    assert load.loaded == WITH_WEIGHTS
    assert np.all(load.arrays["P5.expand.norm.bias"] == 9.25)


def test_names_of_another_project_fit_nothing(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5", called=lambda layer: f"my_{layer.name}")
    load = load_by_name(path, TINY)
    assert load.loaded == ()
    assert Skipped("my_conv2d_1", ABSENT_IN_NETWORK) in load.skipped
    assert Skipped("conv2d_1", ABSENT_IN_FILE) in load.skipped


def test_a_file_that_is_not_keras(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(CheckpointError, match="a damaged HDF5 file"):
        load_by_name(path, TINY)
