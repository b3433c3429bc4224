"""Write a model so that Keras loads it: in the layout of Keras 2, or as Keras 3's `.weights.h5`.

The first is what keras-yolo3 reads, in the order of its layers or by their names; the second is for Keras 3.
Both also have the group `headlab` (see `headlab_group.py`), which Keras ignores. The same model gives the
same bytes. Checked with tf_keras 2.21 and Keras 3.15: both load what is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.description import KERAS_EPSILON
from headlab.checkpoint.yolov3.epsilon import converted_variance
from headlab.checkpoint.yolov3.keras.headlab_group import write_own
from headlab.checkpoint.yolov3.keras.layers import KerasLayer, keras_layers, to_keras
from headlab.checkpoint.yolov3.keras.stored import LEGACY, Layout
from headlab.checkpoint.yolov3.shapes import check_shapes

if TYPE_CHECKING:
    import h5py

_KERAS_VERSION = b"2.2.4"
_BACKEND = b"tensorflow"
_OLDEST_FORMAT = ("earliest", "v108")
_KERAS_3_KINDS = {"input": "input_layer"}


def write_keras(model: Yolov3Checkpoint, file: BinaryIO, layout: Layout = LEGACY) -> None:
    """Write a model's weights, fitted to Keras' epsilon of 1e-3, to an open, empty, seekable file.

    Args:
        model: any YOLOv3 model.
        file: where to write.
        layout: "legacy" for keras-yolo3 and Keras 2, "keras3" for `load_weights("NAME.weights.h5")`.

    Raises:
        CheckpointError: the input is damaged, a variance is not one, or there are more or fewer class
            names than class rows.
    """
    import h5py

    network = model.description.architecture
    check_shapes(model, network)
    layers = keras_layers(network)
    with h5py.File(file, "w", libver=_OLDEST_FORMAT) as made:
        if layout == LEGACY:
            _write_legacy(model, layers, made)
        else:
            _write_keras_3(model, layers, made)
        write_own(model, made)


def for_keras(model: Yolov3Checkpoint, name: str) -> NDArray[np.generic]:
    """A tensor as Keras wants it: float32, axes in Keras' order, a variance that fits Keras' epsilon.

    Raises:
        CheckpointError: the input is damaged, or a variance is not one.
    """
    if name.endswith(".running_var"):
        return converted_variance(model, name, KERAS_EPSILON)
    return to_keras(np.asarray(model.array(name), np.float32))


def _write_legacy(model: Yolov3Checkpoint, layers: Sequence[KerasLayer], file: h5py.File) -> None:
    file.attrs["layer_names"] = _fixed_length([layer.name for layer in layers])
    file.attrs["backend"] = np.bytes_(_BACKEND)
    file.attrs["keras_version"] = np.bytes_(_KERAS_VERSION)
    for layer in layers:
        group = file.create_group(layer.name)
        names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
        group.attrs["weight_names"] = _fixed_length(names)
        for name, weight in zip(names, layer.weights, strict=True):
            group.create_dataset(name, data=for_keras(model, weight.tensor.name))


def _fixed_length(names: Sequence[str]) -> NDArray[np.generic]:
    """Names as Keras 2 stores them: bytes of the longest's length; an empty list is one of float64."""
    return np.array([name.encode("ascii") for name in names]) if names else np.array([], "<f8")


def _write_keras_3(model: Yolov3Checkpoint, layers: Sequence[KerasLayer], file: h5py.File) -> None:
    file.create_group("vars")
    numbers: Counter[str] = Counter()
    for layer in layers:
        kind = _KERAS_3_KINDS.get(layer.kind, layer.kind)
        name = f"{kind}_{numbers[kind]}" if numbers[kind] else kind
        numbers[kind] += 1
        variables = file.create_group(f"layers/{name}/vars")
        for at, weight in enumerate(layer.weights):
            variables.create_dataset(str(at), data=for_keras(model, weight.tensor.name))
