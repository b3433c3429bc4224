"""Refuse to edit a tensor whose numbers are also another tensor's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.pt.tensors import StoredTensor
from headlab.errors import CheckpointError


def check_not_shared(
    path: str, tensors: Mapping[str, StoredTensor], changed: Mapping[str, NDArray[np.generic]]
) -> None:
    """Check that no other tensor would silently change as well.

    Tensors that are next to each other in one storage are fine; tensors that overlap (tied weights) are
    fine only if both get the same new values.

    Raises:
        CheckpointError: an edited tensor overlaps one that is not edited in the same way.
    """
    for name, array in changed.items():
        tensor = tensors[name]
        for other in tensors.values():
            if other.name == name or not _overlap(tensor, other):
                continue
            alike = changed.get(other.name)
            same_place = (other.byte_offset, other.shape, other.stride) == (
                tensor.byte_offset,
                tensor.shape,
                tensor.stride,
            )
            if alike is None or not same_place or alike.tobytes() != array.tobytes():
                raise CheckpointError(
                    f"{path}: {name} shares its numbers with {other.name}, so that "
                    "an edit of one would change the other.",
                    "Edit all levels in the same way, or untie the two by saving the model again.",
                )


def _overlap(one: StoredTensor, other: StoredTensor) -> bool:
    if one.storage != other.storage or 0 in one.shape or 0 in other.shape:
        return False
    (a, a_end), (b, b_end) = _span(one), _span(other)
    return a < b_end and b < a_end


def _span(tensor: StoredTensor) -> tuple[int, int]:
    """The first byte of a tensor in its storage, and the one after its last."""
    steps = zip(tensor.shape, tensor.stride, strict=True)
    last = sum((count - 1) * step for count, step in steps)
    return tensor.byte_offset, tensor.byte_offset + (last + 1) * tensor.item_bytes
