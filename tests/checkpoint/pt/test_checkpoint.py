"""What is read inertly equals what PyTorch loads: names, shapes, dtypes, strides, values, metadata."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import models
from headlab.checkpoint.pt.checkpoint import read
from headlab.errors import CheckpointError, UnknownName


def loaded(path: Path) -> dict[str, Any]:
    """What PyTorch makes of a file that this test wrote itself."""
    return torch.load(path, weights_only=False)


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()


def assert_equals_state_dict(path: Path, network: torch.nn.Module) -> None:
    checkpoint = read(path)
    expected = network.state_dict()
    own = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    assert list(checkpoint.tensors) == list(expected)
    for name, tensor in expected.items():
        found = checkpoint.tensor(name)
        assert found.shape == tuple(tensor.shape), name
        assert f"torch.{found.dtype}" == str(tensor.dtype), name
        assert found.stride == tensor.stride(), name
        assert found.byte_offset == tensor.storage_offset() * tensor.element_size(), name
        assert found.is_parameter == (name in own), name
        assert np.array_equal(checkpoint.array(name), numbers(tensor), equal_nan=True), name


@pytest.mark.parametrize("kind", [*models.KINDS, *models.REFUSED_KINDS])
def test_tensors_equal_the_state_dict(kind: str, small: Callable[..., Path]) -> None:
    path = small(kind)
    assert_equals_state_dict(path, loaded(path)["model"])


def test_tensors_of_the_real_yolov8n_equal_the_state_dict(yolov8n: Path) -> None:
    assert_equals_state_dict(yolov8n, loaded(yolov8n)["model"])


def test_single_precision_is_read(small: Callable[..., Path]) -> None:
    path = small("yolov8", half=False)
    assert read(path).tensor("model.0.conv.weight").dtype == "float32"
    assert_equals_state_dict(path, loaded(path)["model"])


def test_the_ema_is_live_where_there_is_one(tmp_path: Path) -> None:
    path = models.training_checkpoint(tmp_path)
    both = loaded(path)
    name = "model.22.cv3.0.2.weight"
    assert not torch.equal(both["ema"].state_dict()[name], both["model"].state_dict()[name])
    assert read(path).live == "ema"
    assert_equals_state_dict(path, both["ema"])


def test_an_ema_without_model_is_live(tmp_path: Path) -> None:
    path = models.save(None, tmp_path / "last.pt", ema=models.build(seed=3))
    assert read(path).live == "ema"
    assert_equals_state_dict(path, loaded(path)["ema"])


def test_metadata_is_what_was_saved(small: Callable[..., Path]) -> None:
    path = small("yolov8-pose", nc=2, names=("ねこ", "dog"))
    checkpoint, saved = read(path), loaded(path)
    assert checkpoint.class_names == ("ねこ", "dog")
    assert checkpoint.yaml == saved["model"].yaml
    assert checkpoint.train_args == saved["train_args"]
    said = checkpoint.metadata
    assert said["date"] == "2026-01-02T03:04:05+00:00"
    assert said["version"] == saved["version"]
    assert (said["task"], said["live"], said["epoch"]) == ("pose", "model", -1)
    assert said["train_metrics"] == {"metrics/mAP50(B)": 0.5, "fitness": 0.5}
    assert "model" not in said


def network_of(**tensors: torch.Tensor) -> torch.nn.Module:
    network = torch.nn.Module()
    for name, tensor in tensors.items():
        network.register_buffer(name, tensor)
    return network


def saved(path: Path, network: torch.nn.Module, protocol: int = 2) -> Path:
    torch.save({"model": network}, path, pickle_protocol=protocol)
    return path


DTYPES = [
    torch.bfloat16,
    torch.bool,
    torch.float16,
    torch.float32,
    torch.float64,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.int8,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.uint8,
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype(dtype: torch.dtype, tmp_path: Path) -> None:
    x = torch.arange(24).reshape(2, 3, 4).to(dtype)
    network = network_of(x=x, part=x[:, 1:, ::2], scalar=x[1, 2, 3], empty=x[:0])
    assert_equals_state_dict(saved(tmp_path / "x.pt", network), network)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_pickle_protocol(protocol: int, tmp_path: Path) -> None:
    network = models.build("yolov3-tiny", awake=False)
    network.register_buffer("transient", torch.ones(3), persistent=False)
    network.register_buffer("kept", torch.ones(3))
    path = models.save(network, tmp_path / "x.pt", protocol=protocol)
    assert "transient" not in read(path).tensors
    assert_equals_state_dict(path, loaded(path)["model"])
    assert read(path).class_names == ("ant", "bee", "cat")


def test_views_that_are_not_contiguous(tmp_path: Path) -> None:
    base = torch.arange(60.0).reshape(3, 4, 5)
    network = network_of(
        turned=base.permute(2, 0, 1),
        steps=base[:, ::2, 1::3],
        row=base[1, 2],
        column=base[:, 1, 3],
        last=torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
    )
    assert_equals_state_dict(saved(tmp_path / "x.pt", network), network)


def test_tied_weights_have_two_names_and_one_storage(tmp_path: Path) -> None:
    network = torch.nn.Module()
    network.a, network.b = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
    network.b.weight = network.a.weight
    path = saved(tmp_path / "x.pt", network)
    assert_equals_state_dict(path, network)
    checkpoint = read(path)
    assert checkpoint.tensor("a.weight").storage == checkpoint.tensor("b.weight").storage
    assert checkpoint.tensor("a.bias").storage != checkpoint.tensor("b.bias").storage


def test_a_module_in_two_places_comes_twice(tmp_path: Path) -> None:
    network = torch.nn.Module()
    network.first = torch.nn.Linear(2, 2)
    network.second = torch.nn.Sequential(network.first)
    path = saved(tmp_path / "x.pt", network)
    assert list(read(path).tensors) == [
        "first.weight",
        "first.bias",
        "second.0.weight",
        "second.0.bias",
    ]
    assert_equals_state_dict(path, network)


def test_a_sparse_tensor_is_refused_by_name(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.pt", network_of(s=torch.eye(3).to_sparse()))
    with pytest.raises(CheckpointError, match=r"s of a .*Module is not stored as a plain tensor"):
        _ = read(path).tensors


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["ant", "bee"], ("ant", "bee")),
        (("ant", "bee"), ("ant", "bee")),
        ({1: "bee", 0: "ant"}, ("ant", "bee")),
        ({0: 10, 1: 2.5}, ("10", "2.5")),
        ({0: "", 1: "half \ud800"}, ("", "half \\ud800")),
        ({}, ()),
    ],
    ids=["list", "tuple", "unordered", "numbers", "odd texts", "none"],
)
def test_forms_of_class_names(names: Any, expected: tuple[str, ...], tmp_path: Path) -> None:
    network = network_of(x=torch.ones(1))
    network.names = names
    assert read(saved(tmp_path / "x.pt", network)).class_names == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({1: "ant", 2: "bee"}, "the classes are not numbered 0, 1, 2, … without a gap"),
        ({"0": "ant"}, "the classes are not numbered 0, 1, 2, … without a gap"),
        (7, "the classes are not numbered 0, 1, 2, … without a gap"),
        ({0: ["ant"]}, "the name of class 0 is not a text"),
        ({0: "a" * 1001}, "the name of class 0 is not a text"),
    ],
    ids=["gap", "text keys", "number", "list", "long"],
)
def test_class_names_that_are_none(names: Any, message: str, tmp_path: Path) -> None:
    network = network_of(x=torch.ones(1))
    network.names = names
    with pytest.raises(CheckpointError) as raised:
        _ = read(saved(tmp_path / "x.pt", network)).class_names
    assert message in raised.value.message
    assert "x.pt" in raised.value.message


def test_an_edit_returns_a_new_checkpoint(small: Callable[..., Path]) -> None:
    checkpoint = read(small("yolov8"))
    name = "model.22.cv3.0.2.bias"
    before = checkpoint.array(name)
    edited = checkpoint.edited({name: before + 1}, ("x", "y", "z"))
    assert np.array_equal(edited.array(name), before + 1)
    assert edited.class_names == ("x", "y", "z")
    assert np.array_equal(checkpoint.array(name), before)
    assert checkpoint.class_names == ("ant", "bee", "cat")
    assert edited.edited({}).class_names == ("x", "y", "z")
    assert edited.keeps_shapes
    assert not edited.edited({name: before[:2]}).keeps_shapes


def test_an_unknown_tensor_names_the_nearest(small: Callable[..., Path]) -> None:
    with pytest.raises(UnknownName) as raised:
        read(small("yolov8")).array("model.22.cv3.0.2.biass")
    assert "'model.22.cv3.0.2.bias'" in raised.value.hint


def test_a_network_without_description_says_so(tmp_path: Path) -> None:
    checkpoint = read(saved(tmp_path / "x.pt", network_of(x=torch.ones(1))))
    with pytest.raises(CheckpointError, match="carries no description of its network"):
        _ = checkpoint.yaml


def test_a_network_without_tensors_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="the model in this file has no tensors"):
        _ = read(saved(tmp_path / "x.pt", torch.nn.Module())).tensors
