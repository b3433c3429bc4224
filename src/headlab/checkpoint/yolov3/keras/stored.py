"""The layers with weights that a Keras file holds, whichever way Keras laid them out.

    legacy    the root, or the group `model_weights` of a whole model, lists `layer_names`; each layer's group
              lists `weight_names`. Keras 2 writes this, and Keras 3 where a name ends in `.h5`.
    keras3    `layers/conv2d_1/vars/0`: numbered by kind in the order of `model.layers`, whatever the layers
              are called. Keras 3 and late Keras 2 write this where a name ends in `.weights.h5`.

A model within the model, as `multi_gpu_model` makes one, is one layer whose arrays are those of all its
layers: they are read as these layers.

Checked against files written by tf_keras 2.21 and Keras 3.15.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from headlab.checkpoint.yolov3.keras.h5 import Reader, StoredArray

Layout = Literal["legacy", "keras3"]
LEGACY: Final = "legacy"
KERAS_3: Final = "keras3"

_WHOLE_MODEL = "/model_weights"
_LAYERS = ("/layers", "/_layer_checkpoint_dependencies")
_NUMBER = re.compile(r"(?P<kind>.*?)(?:_(?P<number>\d{1,9}))?", re.DOTALL)


@dataclass(frozen=True)
class StoredLayer:
    """A layer of a file that has weights.

    Attributes:
        name: in the file.
        arrays: in Keras' order: kernel, bias; gamma, beta, mean, variance.
    """

    name: str
    arrays: tuple[StoredArray, ...]

    @property
    def number(self) -> int:
        """The number that the name ends in; 0 without one, as in "conv2d", which comes before "conv2d_1"."""
        return numbered(self.name)[1]


@dataclass(frozen=True)
class StoredLayers:
    """The layers of a file.

    Attributes:
        layout: `LEGACY` or `KERAS_3`.
        layers: those with weights, in the order of Keras' `model.layers`; by kind only in `KERAS_3`.
        inside: the model within the model that holds them, such as "model_1"; empty if there is none.
    """

    layout: Layout
    layers: tuple[StoredLayer, ...]
    inside: str = ""


def numbered(name: str) -> tuple[str, int]:
    """A layer's name in two parts: "conv2d_12" -> ("conv2d", 12), "conv2d" -> ("conv2d", 0)."""
    parts = _NUMBER.fullmatch(name)
    if parts is None or parts["number"] is None:
        return name, 0
    return parts["kind"], int(parts["number"])


def stored_layers(reader: Reader) -> StoredLayers:
    """Find the layers of an open file.

    Raises:
        CheckpointError: the file is laid out in no way that Keras does, or an array is damaged.
    """
    for root in ("/", _WHOLE_MODEL):
        if root == "/" or reader.has_group(root):
            names = reader.names(root, "layer_names")
            if names is not None:
                return _legacy(reader, root, names)
    for root in _LAYERS:
        if reader.has_group(root):
            return _keras_3(reader, root)
    raise reader.error(
        "an HDF5 file without the attribute layer_names: Keras did not write it, or not as a model.",
        "Give a file from model.save_weights(...) or model.save(...) of keras-yolo3.",
    )


def _legacy(reader: Reader, root: str, names: list[str]) -> StoredLayers:
    layers: list[StoredLayer] = []
    inside = ""
    for name in names:
        place = f"{root.rstrip('/')}/{name}"
        weights = reader.names(place, "weight_names")
        if weights is None:
            raise reader.error(f"the layer {name!r} has no attribute weight_names.")
        by_owner: dict[str, list[StoredArray]] = {}
        for weight in weights:
            owner = weight.rpartition("/")[0]
            by_owner.setdefault(owner, []).append(reader.array(f"{place}/{weight}"))
        if len(by_owner) > 1:
            inside = inside or name
            layers += [
                StoredLayer(owner.rpartition("/")[2], tuple(arrays))
                for owner, arrays in by_owner.items()
            ]
        elif by_owner:
            layers += [StoredLayer(name, tuple(arrays)) for arrays in by_owner.values()]
    return StoredLayers(LEGACY, tuple(layers), inside)


def _keras_3(reader: Reader, root: str, inside: str = "") -> StoredLayers:
    layers = []
    models = []
    for name in sorted(reader.children(root), key=numbered):
        place = f"{root}/{name}/vars"
        variables = reader.children(place) if reader.has_group(place) else []
        if variables:
            arrays = tuple(reader.array(f"{place}/{at}") for at in range(len(variables)))
            layers.append(StoredLayer(name, arrays))
        models += [
            (name, f"{root}/{name}{within}")
            for within in _LAYERS
            if reader.has_group(f"{root}/{name}{within}")
        ]
    if len(models) == 1 and not layers and not inside:
        name, within = models[0]
        return _keras_3(reader, within, name)
    return StoredLayers(KERAS_3, tuple(layers), inside)
