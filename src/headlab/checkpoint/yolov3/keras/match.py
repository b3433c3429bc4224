"""Which network is in a Keras file, and which of its layers is which of the network's.

Files name their layers after the order in which they were made (conv2d_1 … conv2d_75, or conv2d_76 … in a
session's second model, or conv2d … in Keras 3), or not at all (Keras 3's `.weights.h5`: there only the
order of `model.layers` counts). Both orders are tried; the shapes decide. They cannot both fit, because in
each network the first place where they differ has kernels, or channels, of different sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headlab.checkpoint.yolov3.architecture import LEVELS, Architecture
from headlab.checkpoint.yolov3.keras.h5 import Reader, StoredArray
from headlab.checkpoint.yolov3.keras.layers import (
    BATCH_NORM,
    CONVOLUTION,
    KerasLayer,
    keras_layers,
)
from headlab.checkpoint.yolov3.keras.stored import StoredLayer
from headlab.checkpoint.yolov3.layer_graphs import architecture
from headlab.errors import CheckpointError

_SHOWN_SHAPES = 5
_HEADLESS = {52: "Darknet-53", 7: "the backbone of YOLOv3-tiny"}


@dataclass(frozen=True)
class Match:
    """A file's layers by those of a network.

    Attributes:
        variant: the network.
        output_rows: the rows of each level's output, coarsest first: slots x (5 + C).
        arrays: where each tensor is, by our names.
        layers: the name that keras-yolo3 gives a layer, such as "conv2d_1" -> the layer of the file.
    """

    variant: str
    output_rows: tuple[int, ...]
    arrays: Mapping[str, StoredArray]
    layers: Mapping[str, StoredLayer]


def matched(reader: Reader, stored: Sequence[StoredLayer]) -> Match:
    """Find the network of a file's layers.

    Raises:
        CheckpointError: they are those of another network, or some are missing.
    """
    convolutions: list[StoredLayer] = []
    batch_norms: list[StoredLayer] = []
    for layer in stored:
        kind = kind_of(layer)
        if kind is None:
            shapes = [array.shape for array in layer.arrays]
            raise reader.error(
                f"the layer {layer.name!r} has arrays of shape {_shown(shapes)}; "
                "YOLOv3 has no such layer.",
                _NETWORKS,
            )
        (convolutions if kind == CONVOLUTION else batch_norms).append(layer)
    network = _network(reader, len(convolutions))
    layers = keras_layers(network)
    found = {
        **_arranged(reader, CONVOLUTION, layers, convolutions),
        **_arranged(reader, BATCH_NORM, layers, batch_norms),
    }
    arrays = {
        weight.tensor.name: array
        for layer in layers
        if layer.weights
        for weight, array in zip(layer.weights, found[layer.name].arrays, strict=True)
    }
    rows = [arrays[network.output(level).bias].shape[0] for level in network.levels]
    return Match(network.variant, tuple(rows), arrays, found)


def kind_of(layer: StoredLayer) -> str | None:
    """Whether a layer is a convolution or a batch normalisation, by its arrays; None: neither."""
    axes = [len(array.shape) for array in layer.arrays]
    if axes in ([4], [4, 1]):
        return CONVOLUTION
    return BATCH_NORM if axes == [1, 1, 1, 1] else None


def _network(reader: Reader, convolutions: int) -> Architecture:
    """The network with that many convolutions; the number of its outputs' rows is arbitrary."""
    known = [architecture(name, 1, (1,) * len(levels)) for name, levels in LEVELS.items()]
    for network in known:
        if len(network.convolutions) == convolutions:
            return network
    if convolutions in _HEADLESS:
        raise reader.error(
            f"{_HEADLESS[convolutions]} alone, without a head: it detects nothing.",
            "Start a training from it, or give a file of the whole network.",
        )
    raise reader.error(f"{convolutions} convolutions.", _NETWORKS)


_NETWORKS = (
    "YOLOv3 has 75 convolutions, YOLOv3-SPP 76, YOLOv3-tiny 13; the other weights are batch norms'."
)


def _arranged(
    reader: Reader, kind: str, layers: Sequence[KerasLayer], stored: Sequence[StoredLayer]
) -> dict[str, StoredLayer]:
    """The file's layers of a kind by the names of keras-yolo3."""
    listed = [layer for layer in layers if layer.kind == kind]
    if len(stored) != len(listed):
        present = {layer.name for layer in stored}
        absent = [layer.name for layer in listed if layer.name not in present]
        missing = f": {', '.join(absent[:3])} …" if len(stored) < len(listed) else ""
        raise reader.error(
            f"{len(stored)} layers of {kind}; {len(listed)} were expected{missing}", _NETWORKS
        )
    made = sorted(listed, key=lambda layer: layer.number)
    orders = [
        dict(zip(map(_name, made), sorted(stored, key=lambda layer: layer.number), strict=True)),
        dict(zip(map(_name, listed), stored, strict=True)),
    ]
    problems = [_problems(reader, listed, order) for order in orders]
    best = min(range(len(orders)), key=lambda at: len(problems[at]))
    if problems[best]:
        raise problems[best][0]
    return orders[best]


def _name(layer: KerasLayer) -> str:
    return layer.name


def _problems(
    reader: Reader, layers: Sequence[KerasLayer], found: Mapping[str, StoredLayer]
) -> list[CheckpointError]:
    """What does not fit, a layer a message; the rows of outputs, which have a bias, may be any."""
    problems = []
    for layer in layers:
        wanted = [weight.shape for weight in layer.weights]
        shapes = [array.shape for array in found[layer.name].arrays]
        fits = shapes == wanted
        if len(wanted) == len(shapes) == 2:
            fits = shapes[0][:3] == wanted[0][:3] and shapes[0][3:] == shapes[1]
        if not fits:
            problems.append(
                reader.error(
                    f"the layer {found[layer.name].name!r} has arrays of shape "
                    f"{_shown(shapes)}; {_shown(wanted)} was expected.",
                    f"It is where keras-yolo3 has {layer.name}.",
                )
            )
    return problems


def _shown(shapes: Sequence[tuple[int, ...]]) -> str:
    """Shapes for a message; a model inside a model would have hundreds."""
    more = ", …" if len(shapes) > _SHOWN_SHAPES else ""
    return ", ".join(map(str, shapes[:_SHOWN_SHAPES])) + more
