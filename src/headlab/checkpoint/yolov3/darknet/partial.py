"""Whether a `.weights` file has a whole network, its first convolutions, or neither.

darknet's command `partial` keeps the first layers of a network, to start a training with:
`darknet53.conv.74` has the 52 convolutions of the backbone, `yolov3-tiny.conv.15` the first nine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.architecture import LEVELS, Architecture, Convolution
from headlab.checkpoint.yolov3.darknet.sections import Section
from headlab.checkpoint.yolov3.darknet.weights import StoredWeights, open_weights
from headlab.checkpoint.yolov3.layer_graphs import architecture, recognised
from headlab.checkpoint.yolov3.titles import TITLES, title
from headlab.errors import CheckpointError

_USUAL_SLOTS = 3


@dataclass(frozen=True)
class PartialWeights:
    """The first convolutions of a network, as a training starts with them.

    Attributes:
        path: the file.
        architecture: the network that they belong to; its head is not in the file.
        convolutions: those in the file, in file order.
        arrays: their tensors by name, float32: views of one block of memory.
    """

    path: Path
    architecture: Architecture
    convolutions: tuple[Convolution, ...]
    arrays: Mapping[str, NDArray[np.float32]]


def read_partial(path: Path, network: Architecture | None = None) -> PartialWeights:
    """Read a file with the first convolutions of a network, or all of them.

    Args:
        path: such as `darknet53.conv.74` or `yolov3-tiny.conv.15`.
        network: which network; None: the one whose first convolutions, without an output, have as many
            numbers. YOLOv3-SPP has the same backbone as YOLOv3; it is then taken for YOLOv3.

    Raises:
        CheckpointError: the file cannot be read, or does not end with a convolution of the network.
    """
    weights = open_weights(path)
    for candidate in [network] if network else _usual_networks():
        count = whole_convolutions(candidate, weights.floats)
        first = candidate.convolutions[:count]
        has_output = any(not convolution.batch_norm for convolution in first)
        if count and (network is not None or not has_output):
            return PartialWeights(path, candidate, first, weights.read_all(first))
    if network is None:
        raise CheckpointError(
            f"{path}: its {weights.floats:,} numbers are not the first convolutions of a network "
            f"that headlab knows{_as_many_as(weights.floats)}.",
            "darknet53.conv.74 has 40,620,640, yolov3-tiny.conv.15 7,743,344.",
        )
    raise _ill_fitting(weights, network, ())


def _usual_networks() -> list[Architecture]:
    return [architecture(name, 1, [_USUAL_SLOTS] * len(LEVELS[name])) for name in LEVELS]


def whole_convolutions(network: Architecture, floats: int) -> int | None:
    """How many of the first convolutions have exactly that many numbers; None if none do."""
    end = 0
    for number, convolution in enumerate(network.convolutions, start=1):
        end += convolution.floats
        if end >= floats:
            return number if end == floats else None
    return None


def check_whole(
    weights: StoredWeights, network: Architecture, sections: Sequence[Section] = ()
) -> None:
    """Check that a file has a whole network: as many numbers as its convolutions have.

    Args:
        weights: the file.
        network: what it should have.
        sections: of the cfg, if there is one, for messages.

    Raises:
        CheckpointError: it has more or fewer; the message says what that means.
    """
    if weights.floats != network.floats:
        raise _ill_fitting(weights, network, sections)


def _ill_fitting(
    weights: StoredWeights, network: Architecture, sections: Sequence[Section]
) -> CheckpointError:
    what = title(network.variant, network.class_count)
    found = recognised(weights.floats)
    start = whole_convolutions(network, weights.floats)
    if weights.floats == 0:
        return CheckpointError(f"{weights.path}: there is nothing after the header.", _COPY_AGAIN)
    if start:
        return _is_partial(weights.path, network, start)
    if found or weights.floats > network.floats:
        belongs = f"to {sections[0].path}" if sections else f"for {what}"
        return CheckpointError(
            f"{weights.path}: it holds {weights.floats:,} numbers{_as_many_as(weights.floats)}; "
            f"{what} has {network.floats:,}.",
            f"Give the file of weights that belongs {belongs}, or another description with --cfg.",
        )
    return _is_cut_short(weights, network, sections, what)


_COPY_AGAIN = "The file was cut short; copy or download it again."


def _is_partial(path: Path, network: Architecture, start: int) -> CheckpointError:
    backbone = len(network.backbone)
    part = "the backbone" if start == backbone else f"to {network.convolutions[start - 1].name}"
    count = len(network.convolutions)
    return CheckpointError(
        f"{path}: it holds the first {start} of the {count} convolutions of "
        f"{TITLES[network.variant]} ({part}), no head.",
        "Such a file is for starting a training; give one of a trained model.",
    )


def _is_cut_short(
    weights: StoredWeights, network: Architecture, sections: Sequence[Section], what: str
) -> CheckpointError:
    within, end = network.convolutions[0], 0
    for within in network.convolutions:
        end += within.floats
        if end > weights.floats:
            break
    layer = network.layers.index(within)
    line = f" in line {sections[layer + 1].line} of {sections[0].path.name}" if sections else ""
    return CheckpointError(
        f"{weights.path}: the file ends within {within.name} (layer {layer}, "
        f"[convolutional]{line}), {end - weights.floats:,} numbers before its end: it holds "
        f"{weights.floats:,}, {what} has {network.floats:,}.",
        _COPY_AGAIN,
    )


def _as_many_as(floats: int) -> str:
    found = recognised(floats)
    return f", as many as {title(*found)}" if found else ""
