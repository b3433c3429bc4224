"""The tensors of a model file, and how their numbers are stored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headlab.errors import CheckpointError


@dataclass(frozen=True)
class Tensor:
    """One named tensor of a model file.

    Attributes:
        name: the dotted name, as in `state_dict`.
        shape: its shape, in PyTorch's order of axes.
        dtype: as PyTorch calls it, such as "float16".
        is_parameter: a parameter, as opposed to a buffer.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    is_parameter: bool

    @property
    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


def storage_dtype(dtype: str) -> np.dtype[np.generic]:
    """The numpy dtype of a storage's elements; bfloat16, which numpy lacks, as its 16 bits."""
    return np.dtype("<u2") if dtype == "bfloat16" else np.dtype(dtype).newbyteorder("<")


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
