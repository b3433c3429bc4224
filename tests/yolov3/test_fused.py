"""The network for prediction computes what the network computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import yolov3_models
from headlab.checkpoint.yolov3.description import KERAS_EPSILON
from headlab.errors import CheckpointError
from headlab.yolov3 import packed
from headlab.yolov3.fused import FoldedConvolution, folded, fused
from headlab.yolov3.load import build

VARIANTS = ("yolov3", "yolov3-spp", "yolov3-tiny")
RELATIVE = 1e-5

needs_packed = pytest.mark.skipif(
    not packed.usable(), reason="this build of PyTorch has no packed convolutions"
)


def assert_close(found: tuple[torch.Tensor, ...], wanted: tuple[torch.Tensor, ...]) -> None:
    """Equal but for the noise of float32 in the largest values."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=RELATIVE * float(other.abs().max()))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("use_packed", [pytest.param(True, marks=needs_packed), False])
def test_fused_is_the_network(variant: str, use_packed: bool) -> None:
    model = yolov3_models.random_model(variant, ("only",), input_hw_px=(64, 320))
    network = build(model)
    made = fused(network, use_packed=use_packed)
    with torch.inference_mode():
        for shape in (
            (1, 3, 160, 192),
            (3, 3, 96, 64),
        ):  # the size that it is made for, and another
            picture = torch.rand(shape)
            assert_close(made(picture), network(picture))


@needs_packed
def test_on_this_machine_every_convolution_is_packed() -> None:
    model = yolov3_models.random_model("yolov3-tiny")
    modules = dict(fused(model).body.named_modules())
    kinds = {
        type(modules[convolution.name])
        for convolution in model.description.architecture.convolutions
    }
    assert kinds == {packed.PackedConvolution}


def test_without_the_packed_operations_the_public_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    model = yolov3_models.random_model("yolov3-tiny")
    picture = torch.rand(2, 3, 96, 96)
    monkeypatch.setattr(packed, "usable", lambda: False)
    made = fused(model)
    assert any(isinstance(module, FoldedConvolution) for module in made.modules())
    with torch.inference_mode():
        assert_close(made(picture), build(model)(picture))


def test_a_build_without_the_operations_is_not_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(packed.PackedConvolution, "__init__", absent)
    packed.usable.cache_clear()
    try:
        assert not packed.usable()
    finally:
        packed.usable.cache_clear()


def test_a_checkpoint_and_its_network_give_the_same() -> None:
    model = yolov3_models.random_model("yolov3-tiny")
    picture = torch.rand(1, 3, 96, 96)
    for one, other in zip(fused(model)(picture), fused(build(model))(picture), strict=True):
        assert torch.equal(one, other)


def test_a_batch_is_its_images_one_by_one() -> None:
    made = fused(yolov3_models.random_model("yolov3-tiny"))
    pictures = torch.rand(3, 3, 64, 64)
    together = made(pictures)
    for number in range(3):
        for one, all_ in zip(made(pictures[number : number + 1]), together, strict=True):
            torch.testing.assert_close(one[0], all_[number], rtol=0, atol=1e-5)


def test_an_empty_batch_gives_empty_outputs() -> None:
    made = fused(yolov3_models.random_model("yolov3-tiny"), use_packed=False)
    assert [tuple(each.shape) for each in made(torch.zeros(0, 3, 32, 32))] == [
        (0, 24, 1, 1),
        (0, 24, 2, 2),
    ]


def test_the_network_stays_as_it_is() -> None:
    network = build(yolov3_models.random_model("yolov3-tiny"))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    made = fused(network)
    with torch.no_grad():
        network.P5.output.bias.add_(1.0)
        before["P5.output.bias"].add_(1.0)
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())
    coarse, _ = made(torch.rand(1, 3, 32, 32))
    assert not coarse.requires_grad


def test_folding_by_hand() -> None:
    model = yolov3_models.random_model("yolov3-tiny", epsilon=KERAS_EPSILON)
    first = model.description.architecture.convolutions[0]
    values = {
        first.weight: np.full((16, 3, 3, 3), 2.0, np.float32),
        first.scale: np.full(16, 3.0, np.float32),
        first.bias: np.full(16, 0.5, np.float32),
        first.mean: np.full(16, 4.0, np.float32),
        first.variance: np.full(16, 2.249, np.float32),
    }
    weight, bias = folded(first, lambda name: torch.from_numpy(values[name]), KERAS_EPSILON)
    # gamma / sqrt(variance + epsilon) = 3 / sqrt(2.25) = 2; weight 2 * 2; bias 0.5 - 2 * 4
    assert weight.unique().tolist() == pytest.approx([4.0])
    assert bias.unique().tolist() == pytest.approx([-7.5])


def test_values_that_are_not_finite_are_refused() -> None:
    model = yolov3_models.random_model("yolov3-tiny")
    bias = np.full(24, np.nan, np.float32)
    with pytest.raises(CheckpointError, match=r"P5\.output\.bias holds NaN"):
        fused(model.edited({"P5.output.bias": bias}))
