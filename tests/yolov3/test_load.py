"""Weights into networks, whole and in part, and out of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import yolov3_models
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.description import KERAS_EPSILON
from headlab.errors import CheckpointError
from headlab.families.read import read
from headlab.yolov3.load import build, to_checkpoint
from headlab.yolov3.network import YOLOv3
from headlab.yolov3.start import Skipped, load_weights


def test_build_uses_the_arrays_memory_and_evaluates() -> None:
    model = yolov3_models.random_model()
    network = build(model)
    assert not network.training
    weight = network.state_dict()["P5.output.weight"]
    assert np.shares_memory(weight.numpy(), model.arrays["P5.output.weight"])
    assert all(p.requires_grad for p in network.parameters())
    assert all(t.device.type == "cpu" for t in network.state_dict().values())


def test_build_and_back_gives_the_same_numbers() -> None:
    model = yolov3_models.random_model("yolov3-tiny", ("ant", "bee"))
    again = to_checkpoint(build(model), Path("again"))
    assert again.description == model.description
    assert again.path == Path("again")
    for name, array in model.arrays.items():
        assert np.array_equal(again.array(name), array)


def test_a_saved_network_is_a_copy() -> None:
    network = build(yolov3_models.random_model())
    saved = to_checkpoint(network)
    before = saved.array("P5.output.bias").copy()
    with torch.no_grad():
        network.P5.output.bias.add_(1.0)
    assert np.array_equal(saved.array("P5.output.bias"), before)


def test_build_takes_edits() -> None:
    model = yolov3_models.random_model()
    bias = np.full(24, 7.0, np.float32)
    network = build(model.edited({"P5.output.bias": bias}, ("x", "y", "z")))
    assert network.P5.output.bias.tolist() == [7.0] * 24
    assert network.description.class_names == ("x", "y", "z")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["P4.lateral.conv.weight", "backbone.conv3.norm.running_var"])
def test_values_that_are_not_finite_name_their_tensor(value: float, name: str) -> None:
    model = yolov3_models.random_model()
    array = model.array(name).copy()
    array.flat[3] = value
    with pytest.raises(CheckpointError, match=f"{name} holds NaN or infinite values"):
        build(model.edited({name: array}))


def test_numbers_whose_sum_overflows_are_finite() -> None:
    model = yolov3_models.random_model()
    bias = np.full(24, 3e38, np.float32)
    assert build(model.edited({"P5.output.bias": bias})).P5.output.bias[0].item() == np.float32(
        3e38
    )


def test_a_shape_that_does_not_fit_the_class_names_is_refused() -> None:
    model = yolov3_models.random_model()
    with pytest.raises(CheckpointError, match=r"\(24, 512, 1, 1\); \(21, 512, 1, 1\) was expected"):
        build(replace(model, renamed=("one", "two")))


def test_read_only_arrays_are_copied() -> None:
    model = yolov3_models.random_model()
    model.arrays["P5.output.bias"].flags.writeable = False
    network = build(model)
    assert not np.shares_memory(
        network.P5.output.bias.detach().numpy(), model.arrays["P5.output.bias"]
    )


def saved(tmp_path: Path, name: str, *, epsilon: float = 1e-6) -> tuple[Path, Yolov3Checkpoint]:
    model = yolov3_models.random_model("yolov3-tiny", epsilon=epsilon)
    return yolov3_models.saved(model, tmp_path / name), model


@pytest.mark.parametrize("name", ["t.weights", "t.h5", "t.weights.h5", "t.safetensors"])
def test_every_format_loads_whole_and_computes_the_same(tmp_path: Path, name: str) -> None:
    path, model = saved(tmp_path, name)
    network = YOLOv3(model.description).eval()
    report = load_weights(network, path)
    assert len(report.loaded) == 13
    assert report.skipped == ()
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        for one, other in zip(network(picture), build(model)(picture), strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["t.weights", "t.h5", "t.safetensors"])
def test_other_classes_leave_the_outputs_as_they_were(tmp_path: Path, name: str) -> None:
    path, model = saved(tmp_path, name)
    torch.manual_seed(0)
    network = YOLOv3(yolov3_models.description("yolov3-tiny", ("only",)))
    before = network.P5.output.weight.clone()
    report = load_weights(network, path)
    assert [each.name for each in report.skipped] == ["P5.output", "P4.output"]
    assert "P5.output" not in report.loaded
    assert torch.equal(network.P5.output.weight, before)
    loaded = network.state_dict()["P4.expand.conv.weight"]
    assert np.array_equal(loaded.numpy(), model.array("P4.expand.conv.weight"))


def test_a_mismatch_shows_both_shapes(tmp_path: Path) -> None:
    path, _ = saved(tmp_path, "t.safetensors")
    network = YOLOv3(yolov3_models.description("yolov3-tiny", ("only",)))
    report = load_weights(network, path)
    # 3 slots of 5 + 3 numbers in the file, of 5 + 1 in the network
    reason = "P5.output.weight is (24, 512, 1, 1) in the file, (18, 512, 1, 1) in the network"
    assert report.skipped[0] == Skipped("P5.output", reason)
    assert report.lines() == [
        f"{path}: 11 of 13 convolutions loaded.",
        f"Not loaded: P5.output: {reason}.",
        "Not loaded: P4.output: "
        "P4.output.weight is (24, 256, 1, 1) in the file, (18, 256, 1, 1) in the network.",
    ]


def test_another_epsilon_is_converted_and_said(tmp_path: Path) -> None:
    path, model = saved(tmp_path, "t.safetensors", epsilon=1e-6)
    network = YOLOv3(replace(model.description, batch_norm_epsilon=KERAS_EPSILON)).eval()
    report = load_weights(network, path)
    assert report.epsilons == (1e-6, 1e-3)
    assert report.lines()[1] == (
        "Batch-norm variances converted from epsilon 1e-06 to 0.001: same outputs."
    )
    name = "backbone.conv1.norm.running_var"
    # variance + 1e-6 = variance' + 1e-3
    expected = model.array(name).astype(np.float64) + 1e-6 - 1e-3
    assert network.state_dict()[name].numpy() == pytest.approx(expected, abs=1e-7)
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        for one, other in zip(network(picture), build(model)(picture), strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_a_backbone_loads_alone(tmp_path: Path) -> None:
    path, model = saved(tmp_path, "whole.weights")
    backbone = model.description.architecture.backbone
    floats = sum(each.floats for each in backbone)
    part = tmp_path / "yolov3-tiny.conv.15"
    part.write_bytes(path.read_bytes()[: 20 + 4 * floats])
    network = YOLOv3(yolov3_models.description("yolov3-tiny", ("other", "classes")))
    report = load_weights(network, part)
    assert report.loaded == tuple(each.name for each in backbone)
    assert {each.name.partition(".")[0] for each in report.skipped} == {"P5", "P4"}
    name = "backbone.conv7.conv.weight"
    assert np.array_equal(network.state_dict()[name].numpy(), model.array(name))


def test_another_network_is_refused(tmp_path: Path) -> None:
    path, _ = saved(tmp_path, "t.safetensors")
    network = YOLOv3(yolov3_models.description("yolov3"))
    with pytest.raises(CheckpointError, match=r"nothing of it fits yolov3: backbone\.stem"):
        load_weights(network, path)


def test_a_file_of_another_family_is_refused(yolov8n: Path) -> None:
    network = YOLOv3(yolov3_models.description())
    with pytest.raises(CheckpointError, match="is not a YOLOv3 model"):
        load_weights(network, yolov8n)


def test_loading_refuses_what_is_not_finite(tmp_path: Path) -> None:
    model = yolov3_models.random_model()
    bias = model.array("P4.lateral.norm.bias").copy()
    bias[0] = np.nan
    path = yolov3_models.saved(model.edited({"P4.lateral.norm.bias": bias}), tmp_path / "t.weights")
    with pytest.raises(CheckpointError, match=r"P4\.lateral\.norm\.bias holds NaN"):
        load_weights(YOLOv3(model.description), path)


def test_the_official_file_is_whole(shared: Path) -> None:
    checkpoint = read(shared / "weights/yolov3-tiny.weights")
    assert isinstance(checkpoint, Yolov3Checkpoint)
    report = load_weights(YOLOv3(checkpoint.description), checkpoint.path)
    assert (len(report.loaded), report.skipped) == (13, ())
