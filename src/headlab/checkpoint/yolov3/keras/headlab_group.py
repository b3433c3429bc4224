"""What headlab adds to a Keras file, in a group that Keras does not look at.

    /headlab/description   the model's description as JSON (UTF-8 bytes)
    /headlab/variances     only for weights with another epsilon than Keras': the original running variances,
                           one convolution after the other in the order of a darknet file

Keras' own arrays always have the variances that fit Keras' epsilon. As long as they are exactly what the
original ones convert to, the original ones are used, so that darknet -> h5 -> darknet gives the same bytes;
once the model has been trained further in Keras, they are outdated and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headlab.checkpoint.yolov3.architecture import Architecture
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.description import KERAS_EPSILON, Description
from headlab.checkpoint.yolov3.description_json import from_text, to_text
from headlab.checkpoint.yolov3.epsilon import shifted
from headlab.checkpoint.yolov3.keras.h5 import Reader, StoredArray

if TYPE_CHECKING:
    import h5py

GROUP = "/headlab"
_DESCRIPTION = f"{GROUP}/description"
_VARIANCES = f"{GROUP}/variances"
_LARGEST_DESCRIPTION_BYTES = 2**26


@dataclass(frozen=True)
class Kept:
    """The variances before they were converted to Keras' epsilon.

    Attributes:
        array: where they are.
        parts: by tensor name, which of its elements.
    """

    array: StoredArray
    parts: Mapping[str, slice]


def read_own(reader: Reader) -> Description | None:
    """The description that headlab wrote into the file; None: the file is not from headlab.

    Its epsilon is that of the weights' origin, not that of the arrays which Keras reads.

    Raises:
        CheckpointError: it is damaged.
    """
    if not reader.has(GROUP):
        return None
    dataset = reader.dataset(_DESCRIPTION)
    length = dataset.shape[0] if len(dataset.shape) == 1 else 0
    if dataset.dtype != np.uint8 or not 0 < length <= _LARGEST_DESCRIPTION_BYTES:
        raise reader.error(f"{_DESCRIPTION!r} does not hold headlab's description.")
    return from_text(dataset[...].tobytes(), str(reader.path))


def kept_variances(
    reader: Reader, described: Description, arrays: Mapping[str, StoredArray]
) -> Kept | None:
    """The original variances, if those for Keras are still what they convert to.

    Args:
        reader: the open file.
        described: headlab's description in it.
        arrays: where each tensor is.

    Raises:
        CheckpointError: they are damaged.
    """
    if described.batch_norm_epsilon == KERAS_EPSILON or not reader.has(_VARIANCES):
        return None
    parts = _parts(described.architecture)
    kept = Kept(reader.array(_VARIANCES), parts)
    channels = max(part.stop for part in parts.values())
    if kept.array.shape != (channels,):
        raise reader.error(
            f"{_VARIANCES!r} has shape {kept.array.shape}; {(channels,)} was expected."
        )
    original = reader.float32(kept.array)
    for name, part in parts.items():
        for_keras = shifted(original[part], described.batch_norm_epsilon, KERAS_EPSILON)
        if for_keras.tobytes() != reader.float32(arrays[name]).tobytes():
            return None
    return kept


def write_own(model: Yolov3Checkpoint, file: h5py.File) -> None:
    """Add the group to a file that is being written.

    Raises:
        CheckpointError: the model's own file is damaged.
    """
    described = model.description
    write_description(described, file)
    if described.batch_norm_epsilon != KERAS_EPSILON:
        variances = [model.array(name) for name in _parts(described.architecture)]
        file.create_dataset(_VARIANCES, data=np.concatenate(variances).astype(np.float32))


def write_description(described: Description, file: h5py.File) -> None:
    """Write the description, replacing one that is there."""
    if _DESCRIPTION in file:
        del file[_DESCRIPTION]
    text = to_text(described).encode("ascii")
    file.create_dataset(_DESCRIPTION, data=np.frombuffer(text, np.uint8))


def with_keras_epsilon(described: Description) -> Description:
    """A description for arrays that fit Keras' epsilon."""
    return replace(described, batch_norm_epsilon=KERAS_EPSILON)


def _parts(architecture: Architecture) -> dict[str, slice]:
    """Each running variance's place among all of them."""
    parts, start = {}, 0
    for layer in architecture.convolutions:
        if layer.batch_norm:
            parts[layer.variance] = slice(start, start + layer.out_channels)
            start += layer.out_channels
    return parts
