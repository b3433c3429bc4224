"""Keras files of every kind whose arrays were never written, so that they stay small.

Every number of an array is its fill value: the layer's number plus a quarter of the array's index in the
layer (`number_of`), so that arrays in the wrong place are noticed.

The structures are those of files that tf_keras 2.21 and Keras 3.15 wrote for YOLOv3-tiny.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from headlab.checkpoint.yolov3.description import Description
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint, in_memory
from headlab.checkpoint.yolov3.keras.layers import KerasLayer, keras_layers
from yolov3_models import TINY_ANCHORS, description

ANCHORS_TEXT = ",  ".join(f"{width},{height}" for width, height in TINY_ANCHORS)


def with_anchors(path: Path) -> Path:
    """Put the anchors of the tiny models beside a file."""
    path.with_name("anchors.txt").write_text(ANCHORS_TEXT, encoding="utf-8")
    return path


def number_of(layer: KerasLayer, at: int) -> float:
    """What the array `at` of a layer is filled with: 9.25 for the second array of the ninth layer."""
    return layer.number + at / 4


def numbered_model(described: Description) -> InMemoryCheckpoint:
    """A model of any size that takes no memory: each tensor holds its `number_of` everywhere."""
    arrays = {
        weight.tensor.name: np.broadcast_to(np.float32(number_of(layer, at)), weight.tensor.shape)
        for layer in keras_layers(described.architecture)
        for at, weight in enumerate(layer.weights)
    }
    return in_memory(described, arrays)


def own_name(layer: KerasLayer) -> str:
    return layer.name


def hollow(
    path: Path,
    described: Description | None = None,
    *,
    root: str = "/",
    called: Callable[[KerasLayer], str] = own_name,
    weight: str = "{}:0",
    texts: Callable[[Sequence[str]], Any] | None = None,
    names_a_part: int = 1000,
    dtype: str = "<f4",
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    without: Sequence[str] = (),
) -> Path:
    """The layout of Keras 2, at the root or in a group.

    Args:
        path: where to write; anchors.txt lies beside it then.
        described: the model; by default YOLOv3-tiny with three classes.
        root: the group of the layers; "model_weights" in a whole model.
        called: a layer's name.
        weight: an array's name; Keras 3 leaves ":0" out.
        texts: makes an attribute's value from names.
        names_a_part: how many layer names one attribute holds; more are split over several.
        dtype: of the arrays.
        shapes: other shapes than the network's, by "conv2d_1/kernel".
        without: layers to leave out.
    """
    listed = keras_layers((described or description()).architecture)
    layers = [layer for layer in listed if layer.name not in without]
    stored = texts or fixed
    with h5py.File(path, "w") as file:
        top = file.require_group(root)
        names = [called(layer) for layer in layers]
        if len(names) <= names_a_part:
            top.attrs["layer_names"] = stored(names)
        else:
            for part, start in enumerate(range(0, len(names), names_a_part)):
                top.attrs[f"layer_names{part}"] = stored(names[start : start + names_a_part])
        for layer, name in zip(layers, names, strict=True):
            group = top.create_group(name)
            weights = [f"{name}/{weight.format(each.name)}" for each in layer.weights]
            group.attrs["weight_names"] = stored(weights)
            for at, (each, place) in enumerate(zip(layer.weights, weights, strict=True)):
                shape = (shapes or {}).get(f"{layer.name}/{each.name}", each.shape)
                group.create_dataset(place, shape, dtype, fillvalue=number_of(layer, at))
    return with_anchors(path)


def hollow_keras_3(path: Path, described: Description | None = None, root: str = "layers") -> Path:
    """The layout of `.weights.h5`: numbered by kind in the order of `model.layers`."""
    numbers: Counter[str] = Counter()
    with h5py.File(path, "w") as file:
        file.create_group("vars")
        for layer in keras_layers((described or description()).architecture):
            number = numbers[layer.kind]
            numbers[layer.kind] += 1
            kind = "input_layer" if layer.kind == "input" else layer.kind
            name = f"{kind}_{number}" if number else kind
            variables = file.create_group(f"{root}/{name}/vars")
            variables.attrs["name"] = layer.name
            for at, each in enumerate(layer.weights):
                value = number_of(layer, at)
                variables.create_dataset(str(at), each.shape, "<f4", fillvalue=value)
    return with_anchors(path)


def nested(path: Path, described: Description | None = None, inside: str = "model_1") -> Path:
    """A model of `multi_gpu_model`: one layer with all arrays, the trainable ones first, as in Keras."""
    layers = [
        layer for layer in keras_layers((described or description()).architecture) if layer.weights
    ]
    arrays = [
        (f"{layer.name}/{weight.name}:0", weight.shape, number_of(layer, at))
        for layer in layers
        for at, weight in enumerate(layer.weights)
    ]
    arrays.sort(key=lambda array: "/moving_" in array[0])
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = fixed(["input_1", "lambda_1", "lambda_2", inside, "conv2d_10"])
        for name in ("input_1", "lambda_1", "lambda_2", "conv2d_10"):
            file.create_group(name).attrs["weight_names"] = fixed([])
        group = file.create_group(inside)
        group.attrs["weight_names"] = fixed([name for name, _, _ in arrays])
        for name, shape, value in arrays:
            group.create_dataset(name, shape, "<f4", fillvalue=value)
    return with_anchors(path)


def fixed(names: Sequence[str]) -> Any:
    """Bytes of one length, as Keras 2 with h5py 2 stores them."""
    return np.array([name.encode() for name in names]) if names else np.array([])


def variable(names: Sequence[str]) -> Any:
    """Text of any length, as Keras with h5py 3 stores it."""
    return np.array(list(names), h5py.string_dtype()) if names else np.array([])
