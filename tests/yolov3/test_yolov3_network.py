"""YOLOv3's networks: what they are made of, and that they compute what keras-yolo3 and darknet do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from recipe_weights import recipe_input, recipe_model

import yolov3_models
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.description import KERAS_EPSILON, Description
from headlab.errors import InputError
from headlab.families.read import read
from headlab.yolov3.blocks import Convolution, joined, keeping_pool, pyramid_pool
from headlab.yolov3.fused import fused
from headlab.yolov3.initial import OBJECTNESS_PRIOR
from headlab.yolov3.load import build
from headlab.yolov3.network import YOLOv3
from headlab.yolov3.start import load_weights

VARIANTS = ("yolov3", "yolov3-spp", "yolov3-tiny")
GOLDEN_TOLERANCE = 2e-4


def blank(described: Description) -> YOLOv3:
    """A network without numbers: enough to ask for names, shapes and counts."""
    with torch.device("meta"):
        return YOLOv3(described)


def nchw(nhwc: np.ndarray) -> torch.Tensor:  # type: ignore[type-arg]
    return torch.from_numpy(np.ascontiguousarray(nhwc)).permute(0, 3, 1, 2)


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    assert one.shape == other.shape
    return float((one - other).abs().max())


@pytest.mark.parametrize("variant", VARIANTS)
def test_names_shapes_and_order_are_those_of_the_architecture(variant: str) -> None:
    described = yolov3_models.description(variant)
    state = blank(described).state_dict()
    found = {name: tuple(t.shape) for name, t in state.items() if "num_batches" not in name}
    wanted = {name: tensor.shape for name, tensor in described.architecture.tensors.items()}
    assert list(found.items()) == list(wanted.items())


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_and_buffers_are_what_the_architecture_calls_so(variant: str) -> None:
    described = yolov3_models.description(variant)
    parameters = {name for name, _ in blank(described).named_parameters()}
    tensors = described.architecture.tensors
    assert parameters == {name for name, tensor in tensors.items() if tensor.is_parameter}


# Counted by Keras on the original (network_full.json, network_tiny_layers.json), batch norms' running
# statistics included; 252 / 44 layers there.
@pytest.mark.parametrize(
    ("variant", "classes", "all_numbers", "trainable"),
    [
        ("yolov3", 80, 62_001_757, 61_949_149),
        ("yolov3", 20, 61_678_657, 61_678_657 - 52_608),
        ("yolov3-tiny", 3, 8_680_864, 8_674_496),
    ],
)
def test_counts(variant: str, classes: int, all_numbers: int, trainable: int) -> None:
    network = blank(yolov3_models.description(variant, tuple(map(str, range(classes)))))
    state = network.state_dict()
    assert sum(t.numel() for name, t in state.items() if "num_batches" not in name) == all_numbers
    assert sum(parameter.numel() for parameter in network.parameters()) == trainable


def test_freezing_the_backbone_and_all_but_the_outputs_leaves_what_keras_yolo3_leaves() -> None:
    network = blank(yolov3_models.description("yolov3", tuple(map(str, range(80)))))
    backbone = sum(p.numel() for p in network.backbone.parameters())
    running = sum(b.numel() for b in network.backbone.buffers() if b.ndim)
    assert backbone + running == 40_620_640
    left = {name: p for name, p in network.named_parameters() if not name.startswith("backbone.")}
    assert sum(p.numel() for p in left.values()) == 21_364_221
    outputs = [p.numel() for name, p in left.items() if ".output." in name]
    assert len(outputs) == 6
    # 255 * (1024 + 1) + 255 * (512 + 1) + 255 * (256 + 1)
    assert sum(outputs) == 457_725


def test_the_backbone_has_52_convolutions_and_tinys_has_7() -> None:
    for variant, count in (("yolov3", 52), ("yolov3-tiny", 7)):
        modules = blank(yolov3_models.description(variant)).backbone.modules()
        assert sum(isinstance(module, Convolution) for module in modules) == count


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 160), (416, 608)])
def test_any_multiple_of_32_gives_grids_of_a_32nd_a_16th_an_8th(
    variant: str, height: int, width: int
) -> None:
    network = blank(yolov3_models.description(variant, ("only",)))
    outputs = network(torch.empty(2, 3, height, width, device="meta"))
    strides = (32, 16, 8)[: len(outputs)]
    # 3 slots of 5 + 1 numbers
    assert [tuple(each.shape) for each in outputs] == [
        (2, 18, height // stride, width // stride) for stride in strides
    ]
    assert len(outputs) == (2 if variant == "yolov3-tiny" else 3)


def test_any_number_of_slots() -> None:
    anchors = ((10.0, 14.0), (23.0, 27.0), (37.0, 58.0))
    network = blank(Description("yolov3-tiny", anchors, ((0, 2), (1,)), ("a", "b")))
    coarse, fine = network(torch.empty(2, 3, 32, 32, device="meta"))
    assert (coarse.shape[1], fine.shape[1]) == (2 * 7, 1 * 7)


@pytest.mark.parametrize(
    "shape", [(1, 3, 416, 400), (1, 3, 33, 64), (1, 1, 64, 64), (3, 64, 64), (1, 3, 0, 32)]
)
@pytest.mark.parametrize("make", [lambda network: network, fused])
def test_other_inputs_are_refused(shape: tuple[int, ...], make: object) -> None:
    network = build(yolov3_models.random_model("yolov3-tiny"))
    assert callable(make)
    with pytest.raises(InputError, match="cannot take an input of shape") as raised:
        make(network)(torch.zeros(shape))
    assert "multiples of 32" in raised.value.hint


def test_outputs_are_channels_last() -> None:
    network = build(yolov3_models.random_model("yolov3-tiny"))
    for output in network(torch.rand(2, 3, 64, 96)):
        assert output.is_contiguous(memory_format=torch.channels_last)


def test_the_pool_that_keeps_the_grid_looks_right_and_below() -> None:
    x = torch.tensor([[-1.0, -2.0, -3.0], [-4.0, -5.0, -0.5]])[None, None]
    # The last column sees itself and the cell below, the last row itself and its right neighbour.
    expected = torch.tensor([[-1.0, -0.5, -0.5], [-4.0, -0.5, -0.5]])[None, None]
    assert torch.equal(keeping_pool(x), expected)


def test_the_pyramid_puts_13_9_and_5_before_the_features() -> None:
    x = torch.zeros(1, 1, 1, 15)
    x[..., 7] = 1.0
    # A maximum over k cells sees the one at 7 from (k - 1) / 2 cells to either side.
    reach = [int(channel.sum()) for channel in pyramid_pool(x)[0]]
    assert reach == [13, 9, 5, 1]


def test_joining_repeats_cells_and_puts_the_coarser_features_first() -> None:
    coarse, fine = torch.tensor([[[[1.0, 2.0]]]]), torch.full((1, 1, 2, 4), 9.0)
    made = joined(coarse, fine)
    assert made[0, 0].tolist() == [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    assert made[0, 1].tolist() == fine[0, 0].tolist()


def test_running_statistics_move_by_a_hundredth() -> None:
    block = Convolution(1, 1, 1, epsilon=1e-3)
    torch.nn.init.ones_(block.conv.weight)
    block(torch.tensor([1.0, 3.0]).view(1, 1, 1, 2))
    # The batch has mean 2 and unbiased variance 2: 0.99 * 0 + 0.01 * 2 and 0.99 * 1 + 0.01 * 2.
    assert block.norm.running_mean.item() == pytest.approx(0.02)
    assert block.norm.running_var.item() == pytest.approx(1.01)


def test_an_untrained_network_finds_nothing_and_keeps_the_variance() -> None:
    torch.manual_seed(0)
    network = YOLOv3(yolov3_models.description("yolov3-tiny"))
    coarse, _ = network.eval()(torch.rand(1, 3, 96, 96))
    slots = coarse.view(1, 3, 8, 3, 3)
    assert torch.sigmoid(slots[:, :, 4]).mean().item() == pytest.approx(OBJECTNESS_PRIOR, rel=0.2)
    assert slots[:, :, 5:].abs().max().item() < 1.0


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_parameter_learns(variant: str) -> None:
    torch.manual_seed(0)
    network = YOLOv3(yolov3_models.description(variant)).train()
    outputs = network(torch.rand(2, 3, 64, 64))
    sum(output.square().mean() for output in outputs).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.fixture(scope="module")
def keras_tiny(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> YOLOv3:
    """The tiny network with the recorded Keras weights."""
    path = tmp_path_factory.mktemp("keras") / "tiny.h5"
    path.write_bytes(gzip.decompress((shared / "golden/tiny_random_legacy.h5.gz").read_bytes()))
    network = YOLOv3(yolov3_models.description("yolov3-tiny", epsilon=KERAS_EPSILON))
    report = load_weights(network, path)
    assert (len(report.loaded), report.skipped, report.epsilons) == (13, (), None)
    return network.eval()


@pytest.mark.parametrize("make", [lambda network: network, fused])
@pytest.mark.parametrize(("rows", "columns", "key"), [(416, 416, ""), (160, 288, "crop160x288_")])
def test_tiny_agrees_with_keras_yolo3(
    shared: Path, keras_tiny: YOLOv3, rows: int, columns: int, key: str, make: object
) -> None:
    golden = np.load(shared / "golden/network_tiny.npz")
    image = golden["image_uint8"][:, :rows, :columns].astype(np.float32) / 255
    assert callable(make)
    with torch.inference_mode():
        outputs = make(keras_tiny)(nchw(image))
    for number, output in enumerate(outputs):
        assert distance(output, nchw(golden[f"{key}output_{number}"])) < GOLDEN_TOLERANCE


@pytest.mark.parametrize("photo", ["dog", "eagle"])
@pytest.mark.parametrize("make", [build, fused])
def test_darknets_own_weights_agree_with_opencv(shared: Path, photo: str, make: object) -> None:
    checkpoint = read(shared / "weights/yolov3-tiny.weights")
    assert isinstance(checkpoint, Yolov3Checkpoint)
    golden = np.load(shared / "golden/darknet_tiny_opencv.npz")
    image = golden[f"{photo}_input_rgb"][None].astype(np.float32) / 255
    assert callable(make)
    with torch.inference_mode():
        coarse, fine = make(checkpoint)(nchw(image))
    assert distance(coarse, torch.from_numpy(golden[f"{photo}_conv_15"])) < GOLDEN_TOLERANCE
    assert distance(fine, torch.from_numpy(golden[f"{photo}_conv_22"])) < GOLDEN_TOLERANCE


def test_tiny_converted_by_keras_yolo3_agrees(shared: Path) -> None:
    facts = json.loads((shared / "golden/convert_darknet_order.json").read_text("utf-8"))["tiny"]
    model, _ = recipe_model("yolov3-tiny")
    with torch.inference_mode():
        outputs = build(model)(torch.from_numpy(recipe_input()))
    for output, fact in zip(outputs, facts["outputs_after_conversion"], strict=True):
        assert list(output.permute(0, 2, 3, 1).shape) == fact["shape"]
        assert output.mean().item() == pytest.approx(fact["mean"], abs=1e-5)
        assert output.std(correction=0).item() == pytest.approx(fact["std"], abs=1e-5)
        assert output[0, :50, 0, 0].numpy() == pytest.approx(fact["first50"], abs=1e-4)


def test_full_agrees_with_keras_yolo3(shared: Path) -> None:
    """The network and the fused one, on 62 million numbers; outputs are of order 10, noise of 2e-4."""
    golden = json.loads((shared / "golden/network_full.json").read_text("utf-8"))
    run = golden["numeric_check"]["runs"][0]
    model, digest = recipe_model("yolov3")
    assert digest == run["weights_sha256"]
    samples = np.load(shared / "golden/network_full_samples.npz")
    picture = torch.from_numpy(recipe_input())
    with torch.inference_mode():
        for make in (build, fused):
            outputs = make(model)(picture)
            for output, fact in zip(outputs, run["outputs"], strict=True):
                first = output[0, :50, 0, 0].numpy()
                assert first == pytest.approx(fact["first50"], abs=5e-4)
                assert output.std(correction=0).item() == pytest.approx(fact["std"], rel=1e-5)
            for number, (output, step) in enumerate(zip(outputs, (1, 1, 2), strict=True), start=1):
                sample = nchw(samples[f"y{number}_channels_first_anchor"])
                assert distance(output[:, :85, ::step, ::step], sample) < 5e-4
