"""What a training takes from a Keras file: every array in its own layer, or a refusal.

Each array of a hollow file is filled with its layer's number (`number_of`), so that one in another layer is
noticed. Keras 2 (tf_keras 2.21) loaded the same arrays by name from files with its own names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from keras_files import hollow, hollow_keras_3, nested, number_of

from headlab.checkpoint.yolov3.architecture import Architecture
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.keras.checkpoint import read_keras
from headlab.checkpoint.yolov3.keras.layers import KerasLayer, keras_layers
from headlab.checkpoint.yolov3.keras.start import arrays_to_start_from
from headlab.checkpoint.yolov3.layer_graphs import architecture
from headlab.errors import CheckpointError
from yolov3_models import description

TINY = architecture("yolov3-tiny", 3, (3, 3))
FULL = architecture("yolov3", 2, (3, 3, 3))


def in_their_places(path: Path, network: Architecture) -> set[str]:
    """The names of the arrays that are loaded; each must be from its own layer."""
    arrays = arrays_to_start_from(path, network)
    for layer in keras_layers(network):
        for at, weight in enumerate(layer.weights):
            array = arrays.get(weight.tensor.name)
            if array is not None:
                assert np.all(array == np.float32(number_of(layer, at))), weight.tensor.name
    return set(arrays)


def refusal(path: Path, network: Architecture = TINY) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        arrays_to_start_from(path, network)
    return caught.value


def prefixed(layer: KerasLayer) -> str:
    return f"yolo_{layer.name}"


def with_a_gap(layer: KerasLayer) -> str:
    return f"{layer.kind}_{layer.number + (layer.number > 6)}"


def with_gaps_of_many(layer: KerasLayer) -> str:
    return f"{layer.kind}_{layer.number * 7 - 3}"


def of_a_second_model(layer: KerasLayer) -> str:
    return f"{layer.kind}_{layer.number + 13}"


def from_nothing(layer: KerasLayer) -> str:
    return f"{layer.kind}_{layer.number - 1}".removesuffix("_0")


@pytest.mark.parametrize(
    "called", [prefixed, with_a_gap, with_gaps_of_many, of_a_second_model, from_nothing]
)
@pytest.mark.parametrize("variant", ["yolov3-tiny", "yolov3"])
def test_other_names_change_nothing(
    called: Callable[[KerasLayer], str], variant: str, tmp_path: Path
) -> None:
    described = description(variant)
    path = hollow(tmp_path / "model.h5", described, called=called)
    (tmp_path / "anchors.txt").unlink()
    assert in_their_places(path, described.architecture) == set(described.architecture.tensors)


@pytest.mark.parametrize("build", [hollow, hollow_keras_3, nested])
def test_other_classes_take_everything_but_the_outputs_rows(
    build: Callable[[Path], Path], tmp_path: Path
) -> None:
    network = architecture("yolov3-tiny", 20, (3, 3))
    path = build(tmp_path / "model.weights.h5")
    assert in_their_places(path, network) == set(TINY.tensors)
    arrays = arrays_to_start_from(path, network)
    # 3 slots x (5 + 3) = 24 rows in the file; the network has 3 x (5 + 20) = 75
    assert arrays["P5.output.weight"].shape == (24, 512, 1, 1)


def test_a_model_within_the_model_is_read_and_said(tmp_path: Path) -> None:
    found = read_keras(nested(tmp_path / "gpus.h5"), CompanionFiles())
    assert found.described.variant == "yolov3-tiny"
    assert found.file_remarks == (
        f"{tmp_path / 'gpus.h5'}: the layers are those of 'model_1', a model within the model, as Keras' "
        "multi_gpu_model saves it.",
    )
    for layer in keras_layers(TINY):
        for at, weight in enumerate(layer.weights):
            assert np.all(found.stored(weight.tensor.name) == number_of(layer, at))


def test_a_model_within_a_file_of_keras_3(tmp_path: Path) -> None:
    path = hollow_keras_3(tmp_path / "gpus.weights.h5", root="layers/functional/layers")
    assert in_their_places(path, TINY) == set(TINY.tensors)
    assert read_keras(path, CompanionFiles()).file_remarks[0].endswith("multi_gpu_model saves it.")


def head_of_full() -> list[str]:
    return [layer.name for layer in keras_layers(FULL) if layer.weights and layer.number > 52]


@pytest.mark.parametrize("called", [None, prefixed, with_a_gap])
def test_a_backbone_alone(called: Callable[[KerasLayer], str] | None, tmp_path: Path) -> None:
    path = hollow(
        tmp_path / "darknet53.h5",
        description("yolov3"),
        without=head_of_full(),
        called=called or (lambda layer: layer.name),
    )
    expected = {tensor.name for each in FULL.backbone for tensor in each.tensors}
    for network in (FULL, architecture("yolov3-spp", 2, (3, 3, 3))):
        assert in_their_places(path, network) == expected


def test_a_backbone_of_another_network(tmp_path: Path) -> None:
    path = hollow(tmp_path / "darknet53.h5", description("yolov3"), without=head_of_full())
    error = refusal(path)
    assert error.message == f"{path}: Darknet-53, without a head; the network is YOLOv3-tiny."
    assert error.hint.startswith("Give weights of YOLOv3-tiny")


def test_a_whole_file_of_another_network_is_read_as_what_it_is(tmp_path: Path) -> None:
    # Nothing of it fits, which `load_weights` says; conv2d_10 is not taken for tiny's conv2d_10.
    arrays = arrays_to_start_from(hollow(tmp_path / "m.h5", description("yolov3")), TINY)
    wanted = TINY.tensors
    assert all(
        arrays[each.weight].shape != wanted[each.weight].shape
        for each in TINY.convolutions
        if each.weight in arrays
    )


def test_layers_left_out_in_the_middle_go_by_their_names(tmp_path: Path) -> None:
    outputs = ("conv2d_59", "conv2d_67", "conv2d_75")
    path = hollow(tmp_path / "m.h5", FULL_DESCRIPTION, without=outputs)
    left_out = {tensor.name for level in FULL.levels for tensor in FULL.output(level).tensors}
    assert in_their_places(path, FULL) == set(FULL.tensors) - left_out


FULL_DESCRIPTION = description("yolov3", ("ant", "bee"))


def test_layers_left_out_without_names_are_refused(tmp_path: Path) -> None:
    # The residual blocks have the same shapes: nothing says which one is missing.
    missing = ("conv2d_30", "batch_normalization_30")
    path = hollow(tmp_path / "m.h5", FULL_DESCRIPTION, without=missing, called=prefixed)
    assert "'yolo_conv2d_31' has arrays of shape" in refusal(path, FULL).message


def test_names_and_order_that_disagree_are_refused(tmp_path: Path) -> None:
    """Numbers 6 and 8 swapped: the kernels of two residual blocks have the same shapes."""
    swap = {6: 8, 8: 6}  # 1x1, 128 -> 64, of both blocks of stage 2
    path = hollow(
        tmp_path / "m.h5",
        FULL_DESCRIPTION,
        called=lambda layer: f"{layer.kind}_{swap.get(layer.number, layer.number)}",
    )
    with h5py.File(path) as file:
        kernels = [file[f"conv2d_{at}/conv2d_{at}/kernel:0"].shape for at in (6, 7, 8)]
    assert kernels[0] == kernels[2] == (1, 1, 128, 64)
    error = refusal(path, FULL)
    assert error.message == (
        f"{path}: by their numbers, conv2d_6 is the layer 'conv2d_6'; by their order in the file, "
        "'conv2d_8'. All shapes fit either way."
    )
    assert "by_name=True takes the names, else the order counts" in error.hint
    with pytest.raises(CheckpointError, match="All shapes fit either way"):
        read_keras(path, CompanionFiles())


def test_a_part_whose_names_and_order_disagree(tmp_path: Path) -> None:
    """52 convolutions of a backbone, but named as if number 5 were missing and 53 there."""
    # conv2d_6 … 52 by their names, or shifted by one by their order: shapes refute the names here
    path = hollow(
        tmp_path / "m.h5",
        FULL_DESCRIPTION,
        without=head_of_full(),
        called=lambda layer: f"{layer.kind}_{layer.number + (layer.number >= 5)}",
    )
    assert in_their_places(path, FULL) == {
        tensor.name for each in FULL.backbone for tensor in each.tensors
    }


def test_layers_without_weights(tmp_path: Path) -> None:
    none = [layer.name for layer in keras_layers(TINY) if layer.weights]
    path = hollow(tmp_path / "m.h5", without=none)
    assert refusal(path).message == f"{path}: no layer in it has weights."


def test_a_file_that_is_not_keras(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    assert "a damaged HDF5 file" in refusal(path).message
