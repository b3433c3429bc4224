"""Another epsilon, the same outputs: hand-computed values and bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headlab.checkpoint.yolov3.epsilon import converted_variance, shifted, with_epsilon
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint
from headlab.errors import CheckpointError
from yolov3_models import random_model

FIRST = "backbone.conv1.norm.running_var"


@pytest.fixture(scope="module")
def tiny() -> InMemoryCheckpoint:
    return random_model(epsilon=1e-6)


def with_variance(model: InMemoryCheckpoint, value: float) -> InMemoryCheckpoint:
    changed = np.full(model.shape(FIRST), value, np.float32)
    return replace(model, arrays={**model.arrays, FIRST: changed})


def test_the_variance_takes_up_the_difference() -> None:
    # 0.5 + 0.25 - 0.125 = 0.625, exact in binary
    assert shifted(np.array([0.5], np.float32), 0.25, 0.125).tolist() == [0.625]


def test_a_larger_epsilon_can_make_a_variance_negative() -> None:
    # 0.0001 + 0.000001 - 0.001 = -0.000899
    assert shifted(np.array([1e-4], np.float32), 1e-6, 1e-3)[0] == pytest.approx(-8.99e-4, rel=1e-6)


def test_the_factor_stays_within_the_bound(tiny: InMemoryCheckpoint) -> None:
    converted = with_epsilon(tiny, 1e-3)
    for each in tiny.description.architecture.convolutions:
        if each.batch_norm:
            before = np.asarray(tiny.array(each.variance), np.float64)
            after = np.asarray(converted.array(each.variance), np.float64)
            ratio = np.sqrt((before + 1e-6) / (after + 1e-3))
            bound = 2**-25 * np.abs(after) / (before + 1e-6)
            assert np.all(np.abs(ratio - 1) <= bound * 1.001 + 1e-15)


def test_the_bound_holds_for_a_dead_channel() -> None:
    # variance' = 1e-6 - 1e-3 = -9.99e-4; the bound is 2^-25 * 9.99e-4 / 1e-6 = 2.98e-5
    converted = float(shifted(np.zeros(1, np.float32), 1e-6, 1e-3)[0])
    assert abs(np.sqrt(1e-6 / (converted + 1e-3)) - 1) <= 2.98e-5


def test_only_variances_change(tiny: InMemoryCheckpoint) -> None:
    converted = with_epsilon(tiny, 1e-3)
    assert converted.description == replace(tiny.description, batch_norm_epsilon=1e-3)
    for name in tiny.tensors:
        same = np.array_equal(converted.array(name), tiny.array(name))
        assert same is not name.endswith("running_var"), name
        assert converted.array(name).dtype == np.float32


def test_the_same_epsilon_changes_nothing(tiny: InMemoryCheckpoint) -> None:
    assert with_epsilon(tiny, 1e-6) is tiny


def test_it_can_be_edited_and_measured(tiny: InMemoryCheckpoint) -> None:
    converted = with_epsilon(tiny, 1e-3)
    output = converted.description.architecture.output("P5").bias
    zeros = np.zeros(converted.shape(output), np.float32)
    assert np.array_equal(converted.edited({output: zeros}).array(output), zeros)


def test_there_and_back_is_nearly_the_same(tiny: InMemoryCheckpoint) -> None:
    back = with_epsilon(with_epsilon(tiny, 1e-3), 1e-6)
    # values near 1 are rounded twice, by half a unit in the last place (2^-24) each time
    np.testing.assert_allclose(back.array(FIRST), tiny.array(FIRST), rtol=2**-23, atol=0)


@pytest.mark.parametrize("value", [-1.1e-6, -1.0, np.nan, np.inf])
def test_what_is_no_variance_is_refused(tiny: InMemoryCheckpoint, value: float) -> None:
    with pytest.raises(CheckpointError, match=r"running_var: channel 0 has the variance") as caught:
        with_epsilon(with_variance(tiny, value), 1e-3)
    assert "with the epsilon 1e-06 added it must be above 0" in str(caught.value)


def test_slightly_negative_is_allowed_as_long_as_the_sum_is_above_zero() -> None:
    model = with_variance(random_model(epsilon=1e-3), -5e-4)
    # -0.0005 + 0.001 - 0.000001 = 0.000499
    assert converted_variance(model, FIRST, 1e-6)[0] == pytest.approx(4.99e-4, rel=1e-6)
