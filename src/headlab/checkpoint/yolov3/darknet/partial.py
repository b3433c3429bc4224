"""Whether a `.weights` file has a whole network, its first convolutions, or neither.

darknet's command `partial` keeps the first layers of a network, to start a training with:
`darknet53.conv.74` has the 52 convolutions of the backbone, `yolov3-tiny.conv.15` the first nine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS, LEVELS, Architecture, Convolution
from headlab.checkpoint.yolov3.darknet.other_networks import known_by_size
from headlab.checkpoint.yolov3.darknet.sections import Section
from headlab.checkpoint.yolov3.darknet.weights import StoredWeights, laid_out, open_weights
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
        remarks: what is unusual about the file, in sentences.
    """

    path: Path
    architecture: Architecture
    convolutions: tuple[Convolution, ...]
    arrays: Mapping[str, NDArray[np.float32]]
    remarks: tuple[str, ...] = ()


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
    for candidate, reading in product(
        [network] if network else _usual_networks(), weights.readings
    ):
        count = whole_convolutions(candidate, reading.floats)
        first = candidate.convolutions[:count]
        has_output = any(not convolution.batch_norm for convolution in first)
        usable = network is not None or not has_output
        if count and usable and _plausible(reading, first):
            arrays = reading.read_all(first)
            return PartialWeights(path, candidate, first, arrays, reading.remarks)
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


def whole(
    weights: StoredWeights, network: Architecture, sections: Sequence[Section] = ()
) -> StoredWeights:
    """The reading of a file that has a whole network: as many numbers as its convolutions have.

    Args:
        weights: the file.
        network: what it should have.
        sections: of the cfg, if there is one, for messages.

    Raises:
        CheckpointError: it has more or fewer; the message says what that means.
    """
    fitting = weights.holding(network.floats)
    if fitting is None or not _plausible(fitting, network.convolutions):
        raise _ill_fitting(weights, network, sections)
    return fitting


def _plausible(reading: StoredWeights, convolutions: Sequence[Convolution]) -> bool:
    """Whether a reading with the header's other length can be meant: no variance is negative.

    A file that is cut short by one number has the right length for it, too; its numbers are then those of
    their neighbours, and a mean, which may be negative, is where each first variance should be.
    """
    if not reading.header.contradicts:
        return True
    places, _ = laid_out(convolutions)
    variances = (places[each.variance] for each in convolutions if each.batch_norm)
    return all((reading.read(place.tensor.numel, place.first) >= 0).all() for place in variances)


def class_count_in(weights: StoredWeights, network: Architecture) -> int | None:
    """With how many classes a network of that kind has as many numbers as a file; None: with none."""
    none, one = (architecture(network.variant, count, network.slots).floats for count in (0, 1))
    for reading in weights.readings:
        count, rest = divmod(reading.floats - none, one - none)
        if rest == 0 and count > 0:
            return count
    return None


def _ill_fitting(
    weights: StoredWeights, network: Architecture, sections: Sequence[Section]
) -> CheckpointError:
    what = title(network.variant, network.class_count)
    start = whole_convolutions(network, weights.floats)
    if weights.floats == 0:
        return CheckpointError(f"{weights.path}: there is nothing after the header.", _COPY_AGAIN)
    if start:
        return _is_partial(weights.path, network, start)
    count = class_count_in(weights, network)
    found = recognised(weights.floats)
    held = f"{weights.path}: it holds {weights.floats:,} numbers"
    belongs = f"to {sections[0].path}" if sections else f"for {what}"
    give = f"Give the file of weights that belongs {belongs}, or another description with --cfg."
    if count is not None and count != network.class_count:
        said = f", as many as {title(network.variant, count)}; {what} has {network.floats:,}."
        if sections:
            rows = " and ".join(
                sorted({str(slots * (BOX_NUMBERS + count)) for slots in network.slots})
            )
            give = (
                f"{sections[0].path.name} says classes={network.class_count}. Name the .cfg of these weights "
                f"with --cfg: it has classes={count} in each [yolo], and filters={rows} before it."
            )
        return CheckpointError(held + said, give)
    if found and found[0] == network.variant:
        slots = " and ".join(map(str, network.slots))
        return CheckpointError(
            f"{held}, as many as {title(*found)} and {_USUAL_SLOTS} anchors at each level; {what} and "
            f"{slots} anchors at its levels has {network.floats:,}.",
            f"Give each [yolo] the mask that the weights were trained with. {give}",
        )
    other = (found and title(*found)) or known_by_size(weights.floats)
    if other:
        return CheckpointError(
            f"{held}, as many as {other}; {what} has {network.floats:,}.",
            give,
        )
    if weights.floats > network.floats:
        more = weights.floats - network.floats
        return CheckpointError(
            f"{held}, {more:,} more than {what}, which has {network.floats:,}.",
            f"With no number of classes has {TITLES[network.variant]} so many. {give}",
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
    other = title(*found) if found else known_by_size(floats)
    return f", as many as {other}" if other else ""
