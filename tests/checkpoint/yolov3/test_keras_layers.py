"""Keras' layers: the same lists as recorded from keras-yolo3."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from headlab.checkpoint.yolov3.keras.layers import from_keras, keras_layers, keras_shape, to_keras
from headlab.checkpoint.yolov3.layer_graphs import architecture


@pytest.mark.parametrize(
    ("variant", "classes", "levels", "recorded"),
    [("yolov3-tiny", 3, 2, "network_tiny_layers.json"), ("yolov3", 80, 3, "network_full.json")],
)
def test_the_layers_are_those_of_keras_yolo3(
    shared: Path, variant: str, classes: int, levels: int, recorded: str
) -> None:
    golden = json.loads((shared / "golden" / recorded).read_text("utf-8"))["layers"]
    expected = [
        (layer["name"], [(each["name"], each["shape"]) for each in layer["weights"]])
        for layer in golden
    ]
    layers = keras_layers(architecture(variant, classes, (3,) * levels))
    found = [
        (layer.name, [(f"{layer.name}/{each.name}:0", list(each.shape)) for each in layer.weights])
        for layer in layers
    ]
    assert found == expected


@pytest.mark.parametrize("recorded", ["tiny", "full"])
def test_the_numbers_follow_the_order_of_a_darknet_file(shared: Path, recorded: str) -> None:
    golden = json.loads((shared / "golden" / "convert_darknet_order.json").read_text("utf-8"))
    variant, levels = {"tiny": ("yolov3-tiny", 2), "full": ("yolov3", 3)}[recorded]
    network = architecture(variant, 80, (3,) * levels)
    layer_of = {
        weight.tensor.name: layer.name
        for layer in keras_layers(network)
        for weight in layer.weights
    }
    found = [
        (layer_of[each.weight], layer_of[each.scale] if each.batch_norm else None)
        for each in network.convolutions
    ]
    assert found == [(each["conv"], each["batch_norm"]) for each in golden[recorded]["convs"]]


def test_yolov3_spp_has_every_convolution_once() -> None:
    network = architecture("yolov3-spp", 80, (3, 3, 3))
    layers = keras_layers(network)
    numbers = sorted(layer.number for layer in layers if layer.kind == "conv2d")
    assert numbers == list(range(1, 77))
    assert sum(layer.kind == "max_pooling2d" for layer in layers) == 3
    tensors = {weight.tensor.name for layer in layers for weight in layer.weights}
    assert tensors == set(network.tensors)


def test_kernels_turn_their_axes() -> None:
    ours = np.arange(5 * 3 * 2 * 4, dtype=np.float32).reshape(5, 3, 2, 4)  # (out, in, H, W)
    turned = to_keras(ours)
    assert turned.shape == keras_shape(ours.shape) == (2, 4, 3, 5)  # (H, W, in, out)
    assert turned[1, 2, 0, 4] == ours[4, 0, 1, 2]
    assert np.array_equal(from_keras(turned), ours)


def test_vectors_stay_as_they_are() -> None:
    vector = np.arange(7, dtype=np.float32)
    assert keras_shape(vector.shape) == (7,)
    assert np.array_equal(to_keras(vector), vector)
    assert np.array_equal(from_keras(vector), vector)
