"""The tensors of a `.pt` file: where each is in the archive's storages."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.pt.archive import Archive
from headlab.checkpoint.pt.objects import TensorRef
from headlab.checkpoint.pt.torch_calls import ITEM_BYTES
from headlab.checkpoint.tensors import Tensor, storage_dtype
from headlab.errors import CheckpointError

_MOST_BYTES = 1 << 47


@dataclass(frozen=True)
class StoredTensor(Tensor):
    """A tensor, and where its numbers are.

    Attributes:
        stride: elements to step, per axis.
        storage: the key of the storage it views; tensors that share one share memory.
        byte_offset: of its first element, from the beginning of the storage.
    """

    stride: tuple[int, ...]
    storage: str
    byte_offset: int

    @property
    def item_bytes(self) -> int:
        """The bytes of one element."""
        return ITEM_BYTES[self.dtype]


def placed(name: str, ref: TensorRef, archive: Archive, is_parameter: bool) -> StoredTensor:
    """Check that a tensor is inside its storage, and name it.

    Raises:
        CheckpointError: the storage is missing or too short.
    """
    item = ITEM_BYTES[ref.storage.dtype]
    entry = archive.entry(f"data/{ref.storage.key}")
    steps = zip(ref.shape, ref.stride, strict=True)
    last = ref.offset + sum((count - 1) * step for count, step in steps)
    needed = 0 if 0 in ref.shape else max(last + 1, math.prod(ref.shape))
    spread = math.prod(max(count, 1) for count in ref.shape)
    if needed * item > entry.size or spread * item > _MOST_BYTES:
        raise CheckpointError(
            f"{archive.path}: {name} of shape {ref.shape} does not fit storage "
            f"{ref.storage.key}, which holds {entry.size // item} elements.",
            "The file is damaged; copy or download it again.",
        )
    return StoredTensor(
        name,
        ref.shape,
        ref.storage.dtype,
        is_parameter,
        ref.stride,
        ref.storage.key,
        ref.offset * item,
    )


def view(tensor: StoredTensor, storage: bytes | bytearray | memoryview) -> NDArray[np.generic]:
    """The tensor's elements as a strided view of its storage's bytes."""
    dtype = storage_dtype(tensor.dtype)
    if 0 in tensor.shape:
        return np.empty(tensor.shape, dtype)
    flat = np.frombuffer(storage, np.uint8)[tensor.byte_offset :]
    usable = flat[: flat.size - flat.size % dtype.itemsize].view(dtype)
    steps = tuple(step * dtype.itemsize for step in tensor.stride)
    return np.lib.stride_tricks.as_strided(usable, tensor.shape, steps)
