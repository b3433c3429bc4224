"""Adam, the learning rate and early stopping: by hand, and against what PyTorch and Keras do."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from headlab.train.configuration.config import StageConfig, TrainConfig
from headlab.train.engine.freezing import freeze
from headlab.train.engine.optimisation import Rate, Stopping, optimizer_for
from headlab.yolov3.network import YOLOv3
from yolov3_models import description


def rate_of(*, steps: int = 100, lower_is_better: bool = True, **stage: Any) -> Rate:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=9.0)
    return Rate(optimizer, StageConfig(**stage), steps=steps, lower_is_better=lower_is_better)


def rates_after(values: list[float], **stage: Any) -> list[float]:
    """The rate in the epoch after each value, one step per epoch."""
    rate = rate_of(schedule="plateau", lr=1.0, **stage)
    found = []
    for value in values:
        rate.end_epoch(value)
        found.append(rate.begin_step())
    return found


def through_a_file(state: object) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_the_rate_falls_after_the_third_epoch_without_improvement() -> None:
    # patience 3: 5 is the best; 6, 6, 6 are three worse ones, so that the fourth epoch's end lowers the
    # rate (wait 1, 2, 3 >= 3) and wait is 0 again; three more lower it a second time.
    found = rates_after([5, 6, 6, 6, 6, 6, 6, 6])
    assert found == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01])


def test_better_counts_from_a_ten_thousandth_on() -> None:
    # 5 - 0.00009 is not below 5 - 0.0001, so that two of them in a row use up a patience of 2; the best
    # stays 5. 4.9998 is below it, and three equal ones wait 0, 1, 2.
    found = rates_after([5, 4.99991, 4.99991, 4.9998, 4.9998, 4.9998], lr_patience=2, lr_factor=0.5)
    assert found == pytest.approx([1, 1, 0.5, 0.5, 0.5, 0.25])


def test_average_precision_is_better_when_higher() -> None:
    found = []
    rate = rate_of(schedule="plateau", lr=1.0, lr_patience=1, lower_is_better=False)
    for value in (0.1, 0.2, 0.2, 0.1, 0.3):
        rate.end_epoch(value)
        found.append(rate.begin_step())
    assert found == pytest.approx([1, 1, 0.1, 0.01, 0.01])


def test_not_a_number_is_never_better() -> None:
    assert rates_after([math.nan, 5, math.nan, math.nan], lr_patience=2) == pytest.approx(
        [1, 1, 1, 0.1]
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 6).map(lambda each: each / 2), max_size=20),
    st.integers(1, 4),
    st.booleans(),
)
def test_equals_the_scheduler_of_pytorch_with_one_epoch_less(
    values: list[float], patience: int, lower_is_better: bool
) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        "min" if lower_is_better else "max",
        factor=0.5,
        patience=patience - 1,
        threshold=1e-4,
        threshold_mode="abs",
        eps=0,
    )
    rate = rate_of(
        schedule="plateau",
        lr=1.0,
        lr_factor=0.5,
        lr_patience=patience,
        lower_is_better=lower_is_better,
    )
    for value in values:
        scheduler.step(value)
        rate.end_epoch(value)
        assert rate.begin_step() == optimizer.param_groups[0]["lr"]


def test_stops_after_ten_epochs_without_improvement() -> None:
    # The best is in the second epoch; the tenth after it is the twelfth.
    stopping = Stopping(StageConfig(stop_patience=10), lower_is_better=True)
    values = [3.0, 2.0, *[2.0] * 9, 2.0]
    assert [stopping.end_epoch(value) for value in values] == [False] * 11 + [True]


def test_any_better_value_keeps_a_stage_going() -> None:
    stopping = Stopping(StageConfig(stop_patience=2), lower_is_better=True)
    values = [2.0, 1.99999, 1.99998, 1.99998, 1.99998]
    assert [stopping.end_epoch(value) for value in values] == [False] * 4 + [True]


def test_no_patience_never_stops() -> None:
    stopping = Stopping(StageConfig(stop_patience=0), lower_is_better=True)
    assert not any(stopping.end_epoch(5.0) for _ in range(30))


def test_warmup_rises_to_the_rate() -> None:
    rate = rate_of(lr=0.4, warmup=4)
    assert [rate.begin_step() for _ in range(6)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_cosine_falls_to_two_percent_in_the_last_step() -> None:
    # Two steps of warmup, then five: angles 0, 45, 90, 135, 180 degrees;
    # 0.02 + 0.98 * (1 + cos) / 2 = 1, 0.85648, 0.51, 0.16352, 0.02. Beyond the end it stays.
    rate = rate_of(steps=7, lr=1.0, warmup=2, schedule="cosine")
    expected = [0.5, 1, 1, 0.8564823, 0.51, 0.1635177, 0.02, 0.02]
    assert [rate.begin_step() for _ in range(8)] == pytest.approx(expected, rel=1e-6)
    assert not rate.end_epoch(5.0)


def test_a_constant_rate_takes_no_notice_of_validation() -> None:
    rate = rate_of(lr=1e-3, lr_patience=1)
    assert not any(rate.end_epoch(value) for value in (1, 2, 3))
    assert rate.begin_step() == 1e-3


@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_goes_on_where_it_was_saved(schedule: str) -> None:
    settings_of = {"schedule": schedule, "lr": 1.0, "warmup": 3, "lr_patience": 2}
    values = [5.0, 6.0, 6.0, 4.0, 4.0, 4.0, 4.0]
    whole, parts = rate_of(steps=14, **settings_of), rate_of(steps=14, **settings_of)
    stops = [Stopping(StageConfig(stop_patience=3), lower_is_better=True) for _ in range(2)]
    for value in values:
        expected = (whole.begin_step(), whole.begin_step(), whole.end_epoch(value))
        found = (parts.begin_step(), parts.begin_step(), parts.end_epoch(value))
        assert found == expected
        assert stops[0].end_epoch(value) == stops[1].end_epoch(value)
        saved = through_a_file({"rate": parts.state_dict(), "stop": stops[1].state_dict()})
        parts = rate_of(steps=14, **settings_of)
        parts.load_state_dict(saved["rate"])
        stops[1] = Stopping(StageConfig(stop_patience=3), lower_is_better=True)
        stops[1].load_state_dict(saved["stop"])


def network(freezing: str = "none") -> YOLOv3:
    torch.manual_seed(0)
    made = YOLOv3(description())
    freeze(made, freezing)  # type: ignore[arg-type]
    return made


def test_the_optimizer_has_the_trained_parameters_alone() -> None:
    made = network("heads-only")
    optimizer = optimizer_for(made, StageConfig(lr=0.5), TrainConfig())
    sizes = [[each.numel() for each in group["params"]] for group in optimizer.param_groups]
    assert sizes == [[512 * 24, 256 * 24], [24, 24]]
    assert {group["lr"] for group in optimizer.param_groups} == {0.5}


def test_weight_decay_is_for_kernels() -> None:
    # Without a gradient but the decay, Adam's first step is the whole rate against the weight's sign.
    made = network()
    nn.init.ones_(made.P5.output.weight)
    nn.init.ones_(made.P5.output.bias)
    optimizer = optimizer_for(made, StageConfig(lr=0.5), TrainConfig(weight_decay=1e-3))
    for each in made.parameters():
        each.grad = torch.zeros_like(each)
    norms = made.backbone.conv1.norm.weight.clone()
    optimizer.step()
    assert made.P5.output.weight.flatten()[0].item() == pytest.approx(0.5, rel=1e-4)
    assert made.P5.output.bias[0].item() == 1.0
    assert made.backbone.conv1.norm.weight.equal(norms)


@pytest.mark.parametrize(("compat", "epsilon"), [(None, 1e-8), ("keras-yolo3", 1e-7)])
def test_epsilon(compat: Any, epsilon: float) -> None:
    optimizer = optimizer_for(network("heads-only"), StageConfig(), TrainConfig(compat=compat))
    assert {group["eps"] for group in optimizer.param_groups} == {epsilon}


@pytest.mark.parametrize(
    ("precision", "clip", "fused"),
    [("32-true", 1, True), ("bf16-mixed", 1, True), ("16-mixed", 0, True), ("16-mixed", 1, False)],
)
def test_not_fused_where_gradients_must_be_unscaled_for_clipping(
    precision: Any, clip: float, fused: bool
) -> None:
    config = TrainConfig(precision=precision, clip_norm=clip)
    optimizer = optimizer_for(network("heads-only"), StageConfig(), config)
    assert {group["fused"] for group in optimizer.param_groups} == {fused}


def test_the_fused_step_equals_the_plain_one() -> None:
    made = network("heads-only")
    plain = [
        each.detach().clone().requires_grad_() for each in made.parameters() if each.requires_grad
    ]
    fused_optimizer = optimizer_for(made, StageConfig(lr=1e-2), TrainConfig())
    plain_optimizer = torch.optim.Adam(plain, 1e-2, foreach=False)
    trained = [each for each in made.parameters() if each.requires_grad]
    for _ in range(3):
        for one, other in zip(trained, plain, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        fused_optimizer.step()
        plain_optimizer.step()
    for one, other in zip(trained, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
