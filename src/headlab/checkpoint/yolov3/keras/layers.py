"""The layers of keras-yolo3's networks: their names, their weights, and the order that Keras gives them.

Keras numbers the layers of a kind as they are made, which here is the order of a darknet file. A model
lists them in another order: by their distance from the outputs, farthest first (`model.layers`); that is the
order of a file's `layer_names`, and the one in which weights are loaded without names. So conv2d_60, from
which the finer levels follow, comes before conv2d_58.

The lists equal those recorded from keras-yolo3 (tests/checkpoint/yolov3/test_keras_layers.py). keras-yolo3
has no YOLOv3-SPP: its layers are numbered by the same rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.tensors import Tensor
from headlab.checkpoint.yolov3.architecture import (
    Architecture,
    Convolution,
    Detection,
    Layer,
    MaxPool,
    Route,
    Shortcut,
)

CONVOLUTION = "conv2d"
BATCH_NORM = "batch_normalization"


@dataclass(frozen=True)
class KerasWeight:
    """One array of a Keras layer.

    Attributes:
        name: such as "kernel".
        tensor: ours; the same numbers in PyTorch's order of axes.
    """

    name: str
    tensor: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in Keras: kernels are (height, width, in, out)."""
        return keras_shape(self.tensor.shape)


@dataclass(frozen=True)
class KerasLayer:
    """A layer of a Keras model.

    Attributes:
        kind: what Keras calls layers of its class, such as "conv2d".
        number: counted from 1 among the layers of its kind, in the order of a darknet file.
        weights: its arrays in Keras' order; empty for most kinds.
    """

    kind: str
    number: int
    weights: tuple[KerasWeight, ...] = ()

    @property
    def name(self) -> str:
        """Such as "conv2d_1"."""
        return f"{self.kind}_{self.number}"


def keras_layers(architecture: Architecture) -> tuple[KerasLayer, ...]:
    """All layers in the order of Keras' `model.layers`, the input first."""
    graph = _Graph()
    for layer in architecture.layers:
        graph.follow(layer)
    distance = graph.distances_from_outputs()
    order = sorted(range(len(graph.layers)), key=lambda at: (-distance[at], at))
    return tuple(graph.layers[at] for at in order)


def keras_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in Keras of a tensor of ours."""
    return tuple(shape[axis] for axis in (2, 3, 1, 0)) if len(shape) == 4 else shape


def to_keras(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """An array of ours with Keras' order of axes: (out, in, H, W) becomes (H, W, in, out)."""
    turned = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
    return np.ascontiguousarray(turned)


def from_keras(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """An array of Keras' with our order of axes: (H, W, in, out) becomes (out, in, H, W)."""
    turned = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
    return np.ascontiguousarray(turned)


class _Graph:
    """Keras layers in the order in which keras-yolo3 makes them, and which layers each one reads."""

    def __init__(self) -> None:
        self.layers: list[KerasLayer] = []
        self.reads: list[tuple[int, ...]] = []
        self.numbers: Counter[str] = Counter()
        self.ends: list[int] = []  # by darknet layer: the Keras layer that puts out its result
        self.end = self._add("input", ())

    def follow(self, layer: Layer) -> None:
        """Add the Keras layers of a darknet layer."""
        if isinstance(layer, Convolution):
            self.end = self._convolve(layer)
        elif isinstance(layer, Route):
            sources = [self.ends[at] for at in layer.sources]
            self.end = sources[0] if len(sources) == 1 else self._add("concatenate", sources)
        elif isinstance(layer, Shortcut):
            self.end = self._add("add", (self.ends[layer.source], self.end))
        elif not isinstance(layer, Detection):
            kind = "max_pooling2d" if isinstance(layer, MaxPool) else "up_sampling2d"
            self.end = self._add(kind, (self.end,))
        self.ends.append(self.end)

    def distances_from_outputs(self) -> list[int]:
        """For each layer the length of the longest way from it to an output."""
        distance = [0] * len(self.layers)
        for at in reversed(range(len(self.layers))):
            for source in self.reads[at]:
                distance[source] = max(distance[source], distance[at] + 1)
        return distance

    def _convolve(self, layer: Convolution) -> int:
        before = self.end
        if layer.stride == 2:  # padded left and above, as darknet does
            before = self._add("zero_padding2d", (before,))
        by_name = {tensor.name: tensor for tensor in layer.tensors}
        kernel = KerasWeight("kernel", by_name[layer.weight])
        if not layer.batch_norm:
            bias = KerasWeight("bias", by_name[layer.bias])
            return self._add(CONVOLUTION, (before,), (kernel, bias))
        convolution = self._add(CONVOLUTION, (before,), (kernel,))
        named = {
            "gamma": layer.scale,
            "beta": layer.bias,
            "moving_mean": layer.mean,
            "moving_variance": layer.variance,
        }
        weights = tuple(KerasWeight(name, by_name[ours]) for name, ours in named.items())
        return self._add("leaky_re_lu", (self._add(BATCH_NORM, (convolution,), weights),))

    def _add(self, kind: str, reads: Sequence[int], weights: tuple[KerasWeight, ...] = ()) -> int:
        self.numbers[kind] += 1
        self.layers.append(KerasLayer(kind, self.numbers[kind], weights))
        self.reads.append(tuple(reads))
        return len(self.layers) - 1
