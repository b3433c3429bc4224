"""Numbers are stored as PyTorch would store them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from headlab.checkpoint.tensors import Tensor, decoded, encoded, storage_dtype
from headlab.errors import CheckpointError


def tensor_of(dtype: str, count: int = 8) -> Tensor:
    return Tensor("w", (count,), dtype, is_parameter=True)


_ANY_BITS = arrays(np.uint32, 8, elements=st.integers(0, 2**32 - 1))


@given(_ANY_BITS)
def test_bfloat16_rounds_as_pytorch_does(bits: np.ndarray) -> None:
    numbers = bits.view(np.float32)
    expected = torch.from_numpy(numbers.copy()).bfloat16()
    if bool((torch.isinf(expected) & torch.from_numpy(np.isfinite(numbers))).any()):
        with pytest.raises(CheckpointError, match="does not fit bfloat16"):
            encoded(tensor_of("bfloat16"), numbers)
        return
    found = decoded(tensor_of("bfloat16"), encoded(tensor_of("bfloat16"), numbers))
    assert np.array_equal(found, expected.float().numpy(), equal_nan=True)


@given(_ANY_BITS)
def test_float16_rounds_as_pytorch_does(bits: np.ndarray) -> None:
    numbers = bits.view(np.float32)
    expected = torch.from_numpy(numbers.copy()).half()
    if bool((torch.isinf(expected) & torch.from_numpy(np.isfinite(numbers))).any()):
        with pytest.raises(CheckpointError, match="does not fit float16"):
            encoded(tensor_of("float16"), numbers)
        return
    found = decoded(tensor_of("float16"), encoded(tensor_of("float16"), numbers))
    assert np.array_equal(found, expected.numpy(), equal_nan=True)


@given(arrays(np.uint16, 8))
def test_every_bfloat16_goes_out_and_in_unchanged(bits: np.ndarray) -> None:
    numbers = decoded(tensor_of("bfloat16"), bits)
    again = encoded(tensor_of("bfloat16"), numbers)
    nan = np.isnan(numbers)
    assert np.array_equal(again[~nan], bits[~nan])
    assert np.isnan(decoded(tensor_of("bfloat16"), again)[nan]).all()


def test_ties_round_to_even() -> None:
    # bfloat16 keeps 7 bits behind the point: 1 + 1/256 lies between 1 (even) and 1 + 1/128, and
    # 1 + 3/256 between 1 + 1/128 and 1 + 2/128 (even).
    numbers = np.array([1 + 1 / 256, 1 + 3 / 256], np.float32)
    tensor = tensor_of("bfloat16", 2)
    assert decoded(tensor, encoded(tensor, numbers)).tolist() == [1, 1 + 2 / 128]


def test_the_largest_lost_value_is_named() -> None:
    # float16 ends at 65504; an infinity that is meant stays one.
    with pytest.raises(CheckpointError) as raised:
        encoded(tensor_of("float16", 3), np.array([np.inf, 70000.0, -80000.0]))
    assert raised.value.message == "w: a value of 8e+04 does not fit float16."
    assert encoded(tensor_of("float16", 1), np.array([-np.inf])).tolist() == [-np.inf]


def test_decoding_copies() -> None:
    stored = np.zeros(8, storage_dtype("float32"))
    decoded(tensor_of("float32"), stored)[...] = 1
    assert not stored.any()
