"""The tensors of a checkpoint as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.archive import Archive
from headlab.checkpoint.objects import TensorRef
from headlab.checkpoint.torch_calls import ITEM_BYTES
from headlab.errors import CheckpointError

_MOST_BYTES = 1 << 47


@dataclass(frozen=True)
class Tensor:
    """One named tensor of a checkpoint, and where its numbers lie.

    Attributes:
        name: the dotted name, as in `state_dict`.
        shape: its shape.
        dtype: as PyTorch calls it, such as "float16".
        stride: elements to step, per axis.
        storage: the key of the storage it views; tensors that share one share memory.
        byte_offset: of its first element, from the beginning of the storage.
        is_parameter: a parameter, as opposed to a buffer.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    stride: tuple[int, ...]
    storage: str
    byte_offset: int
    is_parameter: bool

    @property
    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def item_bytes(self) -> int:
        """The bytes of one element."""
        return ITEM_BYTES[self.dtype]


def placed(name: str, ref: TensorRef, archive: Archive, is_parameter: bool) -> Tensor:
    """Check that a tensor lies inside its storage, and name it.

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
    return Tensor(
        name,
        ref.shape,
        ref.storage.dtype,
        ref.stride,
        ref.storage.key,
        ref.offset * item,
        is_parameter,
    )


def storage_dtype(dtype: str) -> np.dtype[np.generic]:
    """The numpy dtype of a storage's elements; bfloat16, which numpy lacks, as its 16 bits."""
    return np.dtype("<u2") if dtype == "bfloat16" else np.dtype(dtype).newbyteorder("<")


def view(tensor: Tensor, storage: bytes | bytearray | memoryview) -> NDArray[np.generic]:
    """The tensor's elements as a strided view of its storage's bytes."""
    dtype = storage_dtype(tensor.dtype)
    if 0 in tensor.shape:
        return np.empty(tensor.shape, dtype)
    flat = np.frombuffer(storage, np.uint8)[tensor.byte_offset :]
    usable = flat[: flat.size - flat.size % dtype.itemsize].view(dtype)
    steps = tuple(step * dtype.itemsize for step in tensor.stride)
    return np.lib.stride_tricks.as_strided(usable, tensor.shape, steps)


def decoded(tensor: Tensor, elements: NDArray[np.generic]) -> NDArray[np.generic]:
    """A copy of stored elements as numbers: bfloat16 becomes float32, the rest stays as it is."""
    numbers: NDArray[np.generic] = elements.copy()
    if tensor.dtype == "bfloat16":
        numbers = (elements.astype(np.uint32) << 16).view(np.float32)
    return numbers


def encoded(tensor: Tensor, numbers: NDArray[np.generic]) -> NDArray[np.generic]:
    """Numbers as a tensor's dtype stores them, rounded to nearest even.

    Raises:
        CheckpointError: a finite number does not fit the dtype.
    """
    with np.errstate(over="ignore"):
        if tensor.dtype == "bfloat16":
            stored = _as_bfloat16(numbers.astype(np.float32))
        else:
            stored = numbers.astype(storage_dtype(tensor.dtype))
    finite = np.isfinite(numbers)
    lost = finite & ~np.isfinite(decoded(tensor, stored))
    if lost.any():
        raise CheckpointError(
            f"{tensor.name}: a value of {float(np.abs(numbers[lost]).max()):.3g} does not fit "
            f"{tensor.dtype}.",
            "Use a smaller scale or bias.",
        )
    return stored


def _as_bfloat16(numbers: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper 16 bits of float32, rounded to nearest even; NaN stays NaN."""
    bits = np.ascontiguousarray(numbers).view(np.uint32)
    rounded = ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype("<u2")
    quiet_nan = (bits >> 16 | 0x40).astype("<u2")
    return np.where(np.isnan(numbers), quiet_nan, rounded).reshape(numbers.shape)
