"""A patched file differs from its source in the touched bytes and their checksums, and in nothing else."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pickles import checkpoint, floats, get, mapped, module, number, put, tensor, text, zipped

import models
from headlab.checkpoint.pt.archive import open_archive
from headlab.checkpoint.pt.checkpoint import PtCheckpoint, read
from headlab.errors import CheckpointError
from headlab.files.atomic import replacing

BIAS = "model.22.cv3.1.2.bias"
WEIGHT = "model.22.cv3.1.2.weight"


def written(edited: PtCheckpoint, path: Path) -> Path:
    with replacing(path) as file:
        edited.write(file)
    return path


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def loaded(path: Path, **options: Any) -> dict[str, Any]:
    return torch.load(path, weights_only=False, **options)


def saved(path: Path, **tensors: torch.Tensor) -> Path:
    network = torch.nn.Module()
    for name, each in tensors.items():
        network.register_buffer(name, each)
    torch.save({"model": network}, path)
    return path


def network_tensor(path: Path, name: str, **options: Any) -> torch.Tensor:
    return loaded(path, **options)["model"].state_dict()[name]


def test_only_the_touched_bytes_differ(small: Callable[..., Path], tmp_path: Path) -> None:
    source = read(small("yolov8"))
    rolled = np.roll(source.array(BIAS), 1)
    path = written(source.edited({BIAS: rolled}), tmp_path / "out.pt")

    before, after = source.path.read_bytes(), path.read_bytes()
    assert len(before) == len(after)
    entry = source.archive.entry(f"data/{source.tensor(BIAS).storage}")
    differ = {at for at, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}
    inside = set(range(entry.start, entry.start + entry.size))
    # Three class biases of two bytes each, and the checksum (4 bytes) in the central directory and
    # in the data descriptor behind the entry.
    assert differ & inside
    assert len(differ - inside) <= 8
    old, new = entries(source.path), entries(path)
    changed = {name for name in old if old[name] != new[name]}
    assert changed == {entry.name}
    assert list(old) == list(new)


def test_pytorch_loads_the_new_values(small: Callable[..., Path], tmp_path: Path) -> None:
    source = read(small("yolo26-seg"))
    name = "model.23.one2one_cv3.2.2.weight"
    doubled = source.array(name) * 2
    path = written(source.edited({name: doubled}), tmp_path / "out.pt")
    expected = loaded(source.path)["model"].state_dict()
    for options in ({}, {"mmap": True}):
        found = loaded(path, **options)["model"].state_dict()
        assert list(found) == list(expected)
        for key, value in expected.items():
            wanted = value * 2 if key == name else value
            assert torch.equal(found[key], wanted), key


def test_the_real_yolov8n_patched(yolov8n: Path, tmp_path: Path) -> None:
    source = read(yolov8n)
    rolled = np.roll(source.array(WEIGHT), 1, axis=0)
    path = written(source.edited({WEIGHT: rolled}), tmp_path / "out.pt")
    assert np.array_equal(network_tensor(path, WEIGHT, mmap=True).numpy(), rolled)
    old, new = entries(yolov8n), entries(path)
    assert [name for name in old if old[name] != new[name]] == [
        f"{source.archive.folder}/data/{source.tensor(WEIGHT).storage}"
    ]
    undone = np.roll(read(path).array(WEIGHT), -1, axis=0)
    back = written(read(path).edited({WEIGHT: undone}), tmp_path / "back.pt")
    assert back.read_bytes() == yolov8n.read_bytes()


@given(values=st.lists(st.floats(-60000, 60000, width=32), min_size=3, max_size=3))
@settings(max_examples=8, deadline=None)
def test_values_are_rounded_as_pytorch_rounds(values: list[float], small: Any) -> None:
    source = read(small("yolov8"))
    path = written(source.edited({BIAS: np.array(values)}), source.path.with_name("out.pt"))
    expected = torch.tensor(values, dtype=torch.float64).half()
    assert torch.equal(network_tensor(path, BIAS), expected)
    assert np.array_equal(read(path).array(BIAS), expected.numpy())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64, torch.int64])
def test_other_dtypes(dtype: torch.dtype, tmp_path: Path) -> None:
    source = read(saved(tmp_path / "x.pt", x=torch.arange(6).to(dtype).reshape(2, 3)))
    edited = source.edited({"x": source.array("x") + 1})
    found = network_tensor(written(edited, tmp_path / "out.pt"), "x")
    assert torch.equal(found, torch.arange(1, 7).to(dtype).reshape(2, 3))


def test_a_view_is_patched_where_it_lies(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    source = read(saved(tmp_path / "x.pt", base=base, part=base.T[1::2, :2]))
    # part holds base's columns 1 and 3 of rows 0 and 1: [[1, 5], [3, 7]].
    assert source.array("part").tolist() == [[1, 5], [3, 7]]
    edited = source.edited({"part": np.array([[10.0, 50.0], [30.0, 70.0]])})
    path = written(edited, tmp_path / "out.pt")
    assert network_tensor(path, "base").tolist() == [
        [0, 10, 2, 30],
        [4, 50, 6, 70],
        [8, 9, 10, 11],
    ]
    assert network_tensor(path, "part").tolist() == [[10, 50], [30, 70]]


def test_tied_weights_change_together(tmp_path: Path) -> None:
    weight = torch.arange(4.0)
    source = read(saved(tmp_path / "x.pt", a=weight, b=weight))
    path = written(source.edited({"a": np.full(4, 9.0)}), tmp_path / "out.pt")
    assert read(path).array("b").tolist() == [9, 9, 9, 9]
    assert network_tensor(path, "b").tolist() == [9, 9, 9, 9]


def test_tied_weights_with_different_values_are_refused(tmp_path: Path) -> None:
    weight = torch.arange(4.0)
    source = read(saved(tmp_path / "x.pt", a=weight, b=weight))
    written(source.edited({"a": np.ones(4), "b": np.ones(4)}), tmp_path / "out.pt")
    with pytest.raises(CheckpointError, match="a shares its storage with another tensor"):
        written(source.edited({"a": np.ones(4), "b": np.zeros(4)}), tmp_path / "no.pt")
    assert not (tmp_path / "no.pt").exists()


def test_another_shape_is_refused(small: Callable[..., Path], tmp_path: Path) -> None:
    edited = read(small("yolov8")).edited({BIAS: np.ones(1)})
    with pytest.raises(CheckpointError, match=r"has shape \(3,\); an array of shape \(1,\)"):
        written(edited, tmp_path / "no.pt")
    assert list(tmp_path.iterdir()) == []


def test_a_value_that_does_not_fit_is_refused(small: Callable[..., Path], tmp_path: Path) -> None:
    edited = read(small("yolov8")).edited({BIAS: np.array([np.nan, 70000.0, -1e6])})
    with pytest.raises(CheckpointError) as raised:
        written(edited, tmp_path / "no.pt")
    assert raised.value.message == f"{BIAS}: a value of 1e+06 does not fit float16."
    assert list(tmp_path.iterdir()) == []


def test_an_archive_without_data_descriptors(tmp_path: Path) -> None:
    """Python's zipfile writes the checksum into the local header instead."""
    network = module(parameters={"w": tensor("c", (3,))})
    source = read(zipped(tmp_path / "x.pt", checkpoint(network), {"c": floats(1, 2, 3)}))
    path = written(source.edited({"w": np.array([4.0, 5.0, 6.0])}), tmp_path / "out.pt")
    assert entries(path)["archive/data/c"] == floats(4, 5, 6)
    assert read(path).array("w").tolist() == [4, 5, 6]
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("archive/data/c")
    local = path.read_bytes()[info.header_offset + 14 : info.header_offset + 18]
    assert int.from_bytes(local, "little") == info.CRC


def renamed(source: Path, path: Path, *names: str) -> Path:
    return written(read(source).edited({}, names), path)


@pytest.mark.parametrize(
    "names",
    [
        ("x", "y", "z"),
        ("a much longer name than it was", "bee", "cat"),
        ("蟻", "蜂", "ねこ 🐈"),
        ("cat", "ant", "bee"),
        ("", "0", "new\nline"),
    ],
    ids=["shorter", "longer", "japanese", "exchanged", "odd"],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_renaming(names: tuple[str, ...], protocol: int, tmp_path: Path) -> None:
    source = models.save(
        models.build("yolov3-tiny", awake=False), tmp_path / "x.pt", protocol=protocol
    )
    path = renamed(source, tmp_path / "out.pt", *names)
    assert read(path).class_names == names
    found = loaded(path, mmap=True)
    assert found["model"].names == dict(enumerate(names))
    expected = loaded(source)
    assert {**found, "model": 0} == {**expected, "model": 0}
    assert found["model"].yaml == expected["model"].yaml
    old, new = entries(source), entries(path)
    assert list(old) == list(new)
    assert [name for name in old if old[name] != new[name]] == ["x/data.pkl"]
    assert all(entry.start % 64 == 0 for entry in open_archive(path).entries.values())


def test_renaming_to_the_same_names_changes_no_byte(tmp_path: Path) -> None:
    network = models.build("yolov3-tiny", awake=False)
    source = models.save(network, tmp_path / "x.pt", protocol=4)
    path = renamed(source, tmp_path / "out.pt", "ant", "bee", "cat")
    assert path.read_bytes() == source.read_bytes()


def test_renaming_and_new_weights_together(small: Callable[..., Path], tmp_path: Path) -> None:
    source = read(small("yolov8"))
    edited = source.edited({BIAS: np.array([1.0, 2.0, 3.0])}, ("x", "y", "z"))
    path = written(edited, tmp_path / "out.pt")
    assert loaded(path)["model"].names == {0: "x", 1: "y", 2: "z"}
    assert network_tensor(path, BIAS, mmap=True).tolist() == [1, 2, 3]
    assert all(entry.start % 64 == 0 for entry in open_archive(path).entries.values())


def test_a_training_checkpoint_is_renamed_in_both_networks(tmp_path: Path) -> None:
    path = renamed(models.training_checkpoint(tmp_path), tmp_path / "out.pt", "x", "y", "z")
    found = loaded(path)
    assert found["model"].names == found["ema"].names == {0: "x", 1: "y", 2: "z"}


def test_names_given_as_a_list(tmp_path: Path) -> None:
    network = models.build("yolov3-tiny", awake=False)
    network.names = ["ant", "bee", "cat"]
    path = renamed(models.save(network, tmp_path / "x.pt"), tmp_path / "out.pt", "x", "bee", "z")
    assert loaded(path)["model"].names == ["x", "bee", "z"]


def test_a_text_shared_through_the_memo_changes_in_one_place_only(tmp_path: Path) -> None:
    """Python pickles one text object once: "task" here is a class name, a key and a value elsewhere."""
    network = models.build("yolov3-tiny", awake=False)
    word = "task"
    network.names = {0: word, 1: word, 2: "cat"}
    network.args = {word: word, "other": [word]}
    path = renamed(models.save(network, tmp_path / "x.pt"), tmp_path / "out.pt", "x", word, "z")
    found = loaded(path)["model"]
    assert found.names == {0: "x", 1: "task", 2: "z"}
    assert found.args == {"task": "task", "other": ["task"]}
    assert found.task == "detect"


def test_names_shared_by_both_networks_are_renamed_once(tmp_path: Path) -> None:
    names = b"}(" + number(0) + text("ant") + put(9) + b"u" + put(1)
    live = module(parameters={"w": tensor("c", (2,))}, names=names)
    other = module(parameters={"w": tensor("c", (2,))}, names=get(1), first=get(9))
    source = zipped(tmp_path / "x.pt", checkpoint(live, ema=other))
    path = renamed(source, tmp_path / "out.pt", "bee")
    root = read(path).pickle.root
    assert root["model"].state["names"] == root["ema"].state["names"] == {0: "bee"}
    assert root["ema"].state["first"] == "ant"


def test_names_that_are_no_texts_cannot_be_renamed(tmp_path: Path) -> None:
    network = module(parameters={"w": tensor("c", (2,))}, names=b"](" + number(7) + b"e")
    source = zipped(tmp_path / "x.pt", checkpoint(network, note=mapped({})))
    with pytest.raises(CheckpointError, match="class 0 has no name in the file to replace"):
        renamed(source, tmp_path / "no.pt", "bee")
    assert not (tmp_path / "no.pt").exists()


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d")])
def test_another_number_of_names_is_refused(
    names: tuple[str, ...], small: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError) as raised:
        renamed(small("yolov8"), tmp_path / "no.pt", *names)
    assert f"{len(names)} class names were given; `model` has 3" in raised.value.message
    assert list(tmp_path.iterdir()) == []
