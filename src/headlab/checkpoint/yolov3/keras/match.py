"""Which network is in a Keras file, and which of its layers is which of the network's.

Files name their layers after the order in which they were made (conv2d_1 … conv2d_75, or conv2d_76 … in a
session's second model, or conv2d … in Keras 3; with gaps, or behind a prefix), or not at all (Keras 3's
`.weights.h5`: there only the order of `model.layers` counts). Both orders are tried, and every shape has to
fit. In a file that Keras wrote both say the same, or only one of them fits, because in each network the first
place where they differ has kernels, or channels, of different sizes. If both fit and disagree, the file is
refused: many layers have the same shapes, and nothing else tells them apart.
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
from headlab.checkpoint.yolov3.titles import TITLES
from headlab.errors import CheckpointError

_SHOWN_SHAPES = 5
_MOST_ROWS = 3_000_000
_HEADLESS = {52: "Darknet-53", 7: "the backbone of YOLOv3-tiny"}


@dataclass(frozen=True)
class Match:
    """A file's layers by those of a network.

    Attributes:
        variant: the network.
        output_rows: the rows of each level's output, coarsest first: slots x (5 + C).
        arrays: where each tensor is, by our names.
    """

    variant: str
    output_rows: tuple[int, ...]
    arrays: Mapping[str, StoredArray]


def matched(reader: Reader, stored: Sequence[StoredLayer]) -> Match:
    """Find the network of a file's layers.

    Raises:
        CheckpointError: they are those of another network, some are missing, or it is ambiguous which is
            which.
    """
    found = _by_kind(reader, stored)
    count = len(found[CONVOLUTION])
    network = _whole_network(count)
    if network is None:
        raise _no_network(reader, count)
    arrays = _placed(reader, keras_layers(network), found)
    rows = [arrays[network.output(level).bias].shape[0] for level in network.levels]
    if max(rows) > _MOST_ROWS:
        raise reader.error(f"an output of {max(rows):,} rows.", "No model has so many classes.")
    return Match(network.variant, tuple(rows), arrays)


def matched_in_part(
    reader: Reader, stored: Sequence[StoredLayer], wanted: Architecture
) -> Mapping[str, StoredArray]:
    """Where a file's tensors are by our names, of a whole network or of a part of the wanted one.

    A part has the first convolutions, as a backbone does, or any whose layers have exactly the names that
    keras-yolo3 gives them. The outputs may have other rows.

    Raises:
        CheckpointError: as for `matched`, or the layers are no such part.
    """
    found = _by_kind(reader, stored)
    count = len(found[CONVOLUTION])
    if _whole_network(count) is not None:
        return matched(reader, stored).arrays
    layers = [layer for layer in keras_layers(wanted) if layer.weights]
    named = {layer.name for layer in stored}
    parts = [
        [layer for layer in layers if layer.name in named],
        _first(layers, count, wanted),
    ]
    fitting: list[Mapping[str, StoredArray]] = []
    problems: list[CheckpointError] = []
    for part in parts:
        try:
            fitting.append(_placed(reader, part, found))
        except CheckpointError as error:
            problems.append(error)
    if not fitting:
        if count in _HEADLESS and count != len(wanted.backbone):
            title = TITLES[wanted.variant]
            raise reader.error(
                f"{_HEADLESS[count]}, without a head; the network is {title}.",
                f"Give weights of {title}, or train the network that these belong to.",
            )
        if count in range(1, len(wanted.convolutions)):
            raise problems[-1]
        raise _no_network(reader, count)
    for other in fitting[1:]:
        if other != fitting[0]:
            raise _ambiguous(reader, fitting[0], other)
    return fitting[0]


def _by_kind(reader: Reader, stored: Sequence[StoredLayer]) -> dict[str, list[StoredLayer]]:
    if not stored:
        raise reader.error("no layer in it has weights.", "Save it again with model.save_weights.")
    found: dict[str, list[StoredLayer]] = {CONVOLUTION: [], BATCH_NORM: []}
    for layer in stored:
        kind = kind_of(layer)
        if kind is None:
            shapes = [array.shape for array in layer.arrays]
            raise reader.error(
                f"the layer {layer.name!r} has arrays of shape {_shown(shapes)}; "
                "YOLOv3 has no such layer.",
                _NETWORKS,
            )
        found[kind].append(layer)
    return found


def _first(layers: Sequence[KerasLayer], count: int, wanted: Architecture) -> list[KerasLayer]:
    """The layers of a network's first convolutions."""
    norms = sum(each.batch_norm for each in wanted.convolutions[:count])
    last = {CONVOLUTION: count, BATCH_NORM: norms}
    return [layer for layer in layers if layer.number <= last[layer.kind]]


def _placed(
    reader: Reader, layers: Sequence[KerasLayer], found: Mapping[str, Sequence[StoredLayer]]
) -> dict[str, StoredArray]:
    """Where each tensor of some layers is, by our names; the file has as many layers of each kind."""
    by_name: dict[str, StoredLayer] = {}
    for kind in (CONVOLUTION, BATCH_NORM):
        by_name.update(_arranged(reader, kind, layers, found[kind]))
    return {
        weight.tensor.name: array
        for layer in layers
        if layer.weights
        for weight, array in zip(layer.weights, by_name[layer.name].arrays, strict=True)
    }


def kind_of(layer: StoredLayer) -> str | None:
    """Whether a layer is a convolution or a batch normalisation, by its arrays; None: neither."""
    axes = [len(array.shape) for array in layer.arrays]
    if axes in ([4], [4, 1]):
        return CONVOLUTION
    return BATCH_NORM if axes == [1, 1, 1, 1] else None


def _whole_network(convolutions: int) -> Architecture | None:
    """The network with that many convolutions; the number of its outputs' rows is arbitrary."""
    known = [architecture(name, 1, (1,) * len(levels)) for name, levels in LEVELS.items()]
    return next((each for each in known if len(each.convolutions) == convolutions), None)


def _no_network(reader: Reader, convolutions: int) -> CheckpointError:
    if convolutions in _HEADLESS:
        return reader.error(
            f"{_HEADLESS[convolutions]} alone, without a head: it detects nothing.",
            "Start a training from it, or give a file of the whole network.",
        )
    return reader.error(f"{convolutions} convolutions.", _NETWORKS)


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
    if not any(problems) and orders[0] != orders[1]:
        name = next(name for name in orders[0] if orders[0][name] != orders[1][name])
        by_number, by_order = orders[0][name].name, orders[1][name].name
        raise reader.error(
            f"by their numbers, {name} is the layer {by_number!r}; by their order in the file, {by_order!r}. "
            "All shapes fit either way.",
            _SAVE_AGAIN,
        )
    return orders[best]


def _ambiguous(
    reader: Reader, ours: Mapping[str, StoredArray], other: Mapping[str, StoredArray]
) -> CheckpointError:
    """Where a part by its names and one by its order disagree."""
    name = next(name for name in [*ours, *other] if ours.get(name) != other.get(name))
    places = [each[name].path if name in each else "absent" for each in (ours, other)]
    return reader.error(
        f"by the names of the layers, {name} is {places[0]!r}; by their order, {places[1]!r}. "
        "All shapes fit either way.",
        _SAVE_AGAIN,
    )


_SAVE_AGAIN = (
    "Load the file into your model in Keras (by_name=True takes the names, else the order counts), and save "
    "it again with model.save_weights."
)


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
