"""The rebuilt network computes what ultralytics' own loading computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
from headlab.checkpoint.checkpoint import Checkpoint
from headlab.errors import CheckpointError
from headlab.families.identify import identify
from headlab.families.network import build
from headlab.families.read import read
from headlab.families.ultralytics.rebuild import save_rebuilt

Small = Callable[..., Path]


def _outputs(network: Any, end2end: bool = False) -> Any:
    import torch

    network.eval()
    network.end2end = end2end
    image = torch.rand(1, 3, 128, 192, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        first = network(image)[0]
    return first[0] if isinstance(first, tuple) else first


def _pickled(path: Path) -> Any:
    """The network as ultralytics loads it."""
    from ultralytics import YOLO

    return YOLO(str(path)).model


def _keep(checkpoint: Checkpoint, kept: list[int]) -> Checkpoint:
    arrays = {
        name: checkpoint.array(name)[kept]
        for level in identify(checkpoint).levels
        for rows in level.class_rows
        for name in (rows.weight, rows.bias)
    }
    return checkpoint.edited(arrays, tuple(checkpoint.class_names[at] for at in kept))


@pytest.mark.parametrize("kind", models.KINDS)
def test_outputs_equal_those_of_the_pickled_network(kind: str, small: Small) -> None:
    path = small(kind)
    rebuilt = build(read(path))
    original = _pickled(path)
    for end2end in {False, models.KINDS[kind].end2end}:
        assert (_outputs(rebuilt, end2end) == _outputs(original, end2end)).all()
    assert rebuilt.names == original.names
    assert rebuilt.stride.tolist() == original.stride.tolist()


def test_outputs_equal_for_real_weights(yolov8n: Path) -> None:
    assert (_outputs(build(read(yolov8n))) == _outputs(_pickled(yolov8n))).all()


def test_fused_network_is_rebuilt(tmp_path: Path) -> None:
    path = models.fused(tmp_path, kind="yolo26")
    rebuilt = build(read(path))
    assert (_outputs(rebuilt, end2end=True) == _outputs(_pickled(path), end2end=True)).all()


@pytest.mark.parametrize(
    ("kind", "count"), [("yolov8", 5), ("yolov8-seg", 101), ("yolov10", 101), ("yolo26-obb", 5)]
)
def test_kept_classes_score_as_before(kind: str, count: int, small: Small, tmp_path: Path) -> None:
    """Also where the class branch is as wide as its class count made it (101 -> 100 channels).

    What enters the class rows and the rows themselves are the same bits. The logits are sums of up to
    100 products of magnitude 1 to 10 that the kernels add in an order which depends on the number of
    rows: they agree to 100 * 10 * 2**-24 = 6e-5.
    """
    import torch

    checkpoint = read(small(kind, nc=count, half=False))
    kept = [4, 0, 3]
    output = tmp_path / "kept.pt"
    with output.open("wb") as file:
        save_rebuilt(_keep(checkpoint, kept), file)
    again = read(output)
    assert again.class_names == tuple(checkpoint.class_names[at] for at in kept)
    for level in identify(again).levels:
        for rows in level.class_rows:
            for name in (rows.weight, rows.bias):
                assert np.array_equal(again.array(name), checkpoint.array(name)[kept])
    before, after, headlabs = build(checkpoint), _pickled(output), build(again)
    for old, new in zip(_class_inputs(before), _class_inputs(after), strict=True):
        assert (old == new).all()
    rows = [0, 1, 2, 3, *(4 + at for at in kept)]
    torch.testing.assert_close(_outputs(after)[:, :7], _outputs(before)[:, rows], rtol=0, atol=6e-5)
    assert (_outputs(headlabs) == _outputs(after)).all()


def _class_inputs(network: Any) -> list[Any]:
    """What the class rows of every level and branch are given."""
    seen: list[Any] = []
    hooks = [
        convolution.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        for convolution in models.class_convolutions(network)
    ]
    _outputs(network)
    for hook in hooks:
        hook.remove()
    return seen


def test_kept_real_model_exports_and_validates_its_shape(yolov8n: Path, tmp_path: Path) -> None:
    """The saved network says of itself what its tensors are: ultralytics' trainer reads the yaml."""
    output = tmp_path / "kept.pt"
    with output.open("wb") as file:
        save_rebuilt(_keep(read(yolov8n), [14, 16]), file)
    network = _pickled(output)
    assert network.names == {0: "bird", 1: "dog"}
    assert network.yaml["nc"] == network.model[-1].nc == 2
    assert network.model[-1].no == 2 + 4 * 16
    assert network.model[-1].cv3[0][0].conv.out_channels == 80


def test_kept_from_a_running_training(tmp_path: Path) -> None:
    """The live weights are those of `ema`; the state of the training is left out."""
    import torch

    path = models.training_checkpoint(tmp_path, nc=4)
    running = torch.load(path, weights_only=False)
    running.update(
        epoch=7, optimizer={"state": {0: {"momentum_buffer": torch.ones(3)}}}, updates=70
    )
    torch.save(running, path)
    checkpoint = read(path)
    assert checkpoint.live == "ema"
    output = tmp_path / "kept.pt"
    with output.open("wb") as file:
        save_rebuilt(_keep(checkpoint, [2, 1]), file)
    saved = torch.load(output, weights_only=False)
    assert (saved["ema"], saved["optimizer"], saved["updates"], saved["epoch"]) == (
        None,
        None,
        None,
        -1,
    )
    assert saved["train_args"]["epochs"] == 3
    row = identify(checkpoint).levels[0].class_rows[0].bias
    assert np.array_equal(read(output).array(row), checkpoint.array(row)[[2, 1]])


def test_saved_dtype_is_that_of_the_file(small: Small, tmp_path: Path) -> None:
    for half, dtype in ((True, "float16"), (False, "float32")):
        output = tmp_path / f"{dtype}.pt"
        with output.open("wb") as file:
            save_rebuilt(_keep(read(small("yolov8", half=half)), [1, 0]), file)
        dtypes = {tensor.dtype for tensor in read(output).tensors.values()}
        assert dtypes == {dtype, "int64"}


def test_nan_weight_is_named(small: Small) -> None:
    checkpoint = read(small("yolov8"))
    name = next(iter(checkpoint.tensors))
    broken = checkpoint.array(name).copy()
    broken.flat[0] = np.nan
    with pytest.raises(CheckpointError, match=f"{name} holds NaN or infinite values"):
        build(checkpoint.edited({name: broken}))


def _described(
    small: Small, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> Checkpoint:
    network = models.build("yolov8")
    change(network.yaml)
    return read(models.save(network, tmp_path / "changed.pt"))


def test_description_may_name_layers_only(small: Small, tmp_path: Path) -> None:
    def load_a_file(yaml: dict[str, Any]) -> None:
        yaml["backbone"][1] = [-1, 1, "torch_safe_load", ["stranger.pt"]]

    with pytest.raises(CheckpointError, match=r"backbone row 1 .*'torch_safe_load'.*not a layer"):
        build(_described(small, tmp_path, load_a_file))


@pytest.mark.parametrize(
    "activation",
    [
        "__import__('os').system('touch canary')",
        "nn.SiLU() if open('canary', 'w') else 0",
        "nn.Module.__subclasses__()",
        "nn.LeakyReLU(open('canary','w'))",
    ],
)
def test_activation_is_never_evaluated(
    activation: str, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = _described(small, tmp_path, lambda yaml: yaml.update(activation=activation))
    with pytest.raises(CheckpointError, match="asks for the activation"):
        build(checkpoint)
    assert not (tmp_path / "canary").exists()


def test_plain_activation_is_accepted(tmp_path: Path) -> None:
    from ultralytics.nn.tasks import DetectionModel

    yaml = models.build("yolov8").yaml
    yaml["activation"] = "torch.nn.LeakyReLU(0.1)"
    network = DetectionModel(yaml, ch=3, nc=3, verbose=False)
    network.task, network.args = "detect", {}
    path = models.save(network.eval(), tmp_path / "leaky.pt")
    assert (_outputs(build(read(path))) == _outputs(_pickled(path))).all()


def test_description_of_a_much_larger_network_is_refused(small: Small, tmp_path: Path) -> None:
    def grow(yaml: dict[str, Any]) -> None:
        yaml["scales"] = {"n": [1.0, 8.0, 100_000]}

    with pytest.raises(CheckpointError, match="the description is of a network with"):
        build(_described(small, tmp_path, grow))


def test_description_of_another_network_is_refused(small: Small, tmp_path: Path) -> None:
    def swap(yaml: dict[str, Any]) -> None:
        yaml["backbone"][2][2] = "C3"

    with pytest.raises(CheckpointError, match=r"model\.2 is a C2f in the file, but C3"):
        build(_described(small, tmp_path, swap))
