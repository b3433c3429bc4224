"""Load what fits of a Keras file into a network with other classes, layer by layer by name.

As Keras does with `load_weights(path, by_name=True, skip_mismatch=True)`: a layer that the network lacks is
left out, and so is an array of another shape. What was left out is reported, which Keras does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.architecture import Architecture
from headlab.checkpoint.yolov3.description import KERAS_EPSILON
from headlab.checkpoint.yolov3.keras.h5 import Reader, opened
from headlab.checkpoint.yolov3.keras.layers import (
    BATCH_NORM,
    CONVOLUTION,
    KerasLayer,
    from_keras,
    keras_layers,
)
from headlab.checkpoint.yolov3.keras.match import kind_of, matched
from headlab.checkpoint.yolov3.keras.stored import (
    KERAS_3,
    StoredLayer,
    StoredLayers,
    numbered,
    stored_layers,
)

ABSENT_IN_FILE = "the file has no such layer"
ABSENT_IN_NETWORK = "the network has no such layer"


@dataclass(frozen=True)
class Skipped:
    """A layer, or an array of it, that was not loaded.

    Attributes:
        layer: as keras-yolo3 calls it.
        reason: why.
    """

    layer: str
    reason: str


@dataclass(frozen=True)
class KerasLoad:
    """What was loaded from a file, and what was not.

    Attributes:
        arrays: the loaded arrays by our tensor names, float32 and in our order of axes.
        loaded: the layers of which every array was loaded, in Keras' order.
        skipped: what was not loaded.
        batch_norm_epsilon: the one that the loaded variances belong to.
    """

    arrays: Mapping[str, NDArray[np.generic]]
    loaded: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    batch_norm_epsilon: float = KERAS_EPSILON


def load_by_name(path: Path, architecture: Architecture) -> KerasLoad:
    """Read the arrays of a Keras file that fit a network.

    The layers go by the names of keras-yolo3. Where Keras counted on from another model (conv2d_76 …), or
    numbers from nothing (conv2d, conv2d_1 …), they go by their order; so do those of a `.weights.h5` file.

    Args:
        path: the file; of a whole model or of a backbone alone.
        architecture: the network to load into, with classes and anchors of its own.

    Raises:
        CheckpointError: the file is damaged, or was not written by Keras.
    """
    layers = [layer for layer in keras_layers(architecture) if layer.weights]
    with opened(path) as file:
        reader = Reader(path, file)
        stored = _by_name(reader, stored_layers(reader))
        arrays: dict[str, NDArray[np.generic]] = {}
        loaded: list[str] = []
        skipped: list[Skipped] = []
        for layer in layers:
            reasons = _load(reader, layer, stored.get(layer.name), arrays)
            skipped += [Skipped(layer.name, reason) for reason in reasons]
            if not reasons:
                loaded.append(layer.name)
    known = {layer.name for layer in layers}
    skipped += [Skipped(name, ABSENT_IN_NETWORK) for name in stored if name not in known]
    return KerasLoad(arrays, tuple(loaded), tuple(skipped))


def _load(
    reader: Reader,
    layer: KerasLayer,
    stored: StoredLayer | None,
    arrays: dict[str, NDArray[np.generic]],
) -> list[str]:
    """Add a layer's arrays that fit; why the others do not."""
    if stored is None:
        return [ABSENT_IN_FILE]
    if len(stored.arrays) != len(layer.weights):
        return [f"{len(stored.arrays)} arrays in the file, {len(layer.weights)} in the network"]
    reasons = []
    for weight, array in zip(layer.weights, stored.arrays, strict=True):
        if array.shape == weight.shape:
            arrays[weight.tensor.name] = from_keras(reader.float32(array))
        else:
            reasons.append(
                f"{weight.name}: shape {array.shape} in the file, {weight.shape} in the network"
            )
    return reasons


def _by_name(reader: Reader, found: StoredLayers) -> dict[str, StoredLayer]:
    """The file's layers by the names that keras-yolo3 would give them."""
    if found.layout == KERAS_3:
        return dict(matched(reader, found.layers).layers)
    shift = {kind: _first_number(found.layers, kind) - 1 for kind in (CONVOLUTION, BATCH_NORM)}
    named = {}
    for layer in found.layers:
        kind, number = numbered(layer.name)
        standard = kind in shift and kind_of(layer) == kind
        named[f"{kind}_{number - shift[kind]}" if standard else layer.name] = layer
    return named


def _first_number(layers: Sequence[StoredLayer], kind: str) -> int:
    """The number of the first layer of a kind, if the numbers go on from it without a gap; else 1."""
    numbers = sorted(layer.number for layer in layers if numbered(layer.name)[0] == kind)
    without_gap = (
        numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else False
    )
    return numbers[0] if without_gap else 1
