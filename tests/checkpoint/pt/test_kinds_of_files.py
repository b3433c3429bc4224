"""What torch.save writes besides a checkpoint is called by its name; the remedies are tried."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pickles import checkpoint, convolution, detector, group, number, stream, zipped

import models
from headlab.checkpoint.plain import as_plain
from headlab.checkpoint.pt.unpickle import unpickle
from headlab.errors import CheckpointError
from headlab.families.read import read
from headlab.model import load


def refused(path: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as raised:
        read(path)
    return raised.value


def remedied(error: CheckpointError, path: Path, folder: Path, monkeypatch: Any) -> Path:
    """Do what the hint says."""
    import torch

    monkeypatch.chdir(folder)
    code = error.hint.partition(": ")[2].removesuffix(".").replace("FILE", repr(str(path)))
    exec(code, {"torch": torch})  # noqa: S102 - the remedy that users are told
    return folder / "model.pt"


def test_a_whole_network(tmp_path: Path, monkeypatch: Any) -> None:
    import torch
    from ultralytics import YOLO

    path = tmp_path / "net.pt"
    torch.save(models.build(awake=False), path)
    error = refused(path)
    assert "holds a DetectionModel alone, as torch.save(model) writes it" in error.message
    made = remedied(error, path, tmp_path, monkeypatch)
    assert load(made).class_names == ("ant", "bee", "cat")
    assert YOLO(made).names[0] == "ant"


def test_a_yolo_object(tmp_path: Path, monkeypatch: Any) -> None:
    import torch
    from ultralytics import YOLO

    path = tmp_path / "yolo.pt"
    torch.save(YOLO(models.detector(tmp_path, awake=False)), path)
    error = refused(path)
    assert "holds a YOLO object, as torch.save(model) writes it" in error.message
    made = remedied(error, path, tmp_path, monkeypatch)
    assert load(made).class_names == ("ant", "bee", "cat")


def test_a_wrapped_network(tmp_path: Path, monkeypatch: Any) -> None:
    import torch

    path = tmp_path / "wrapped.pt"
    network = models.build(awake=False)
    torch.save({"model": torch.nn.DataParallel(network), "train_args": {}}, path)
    error = refused(path)
    assert "the network is wrapped in a DataParallel" in error.message
    made = remedied(error, path, tmp_path, monkeypatch)
    assert load(made).class_names == ("ant", "bee", "cat")


@pytest.mark.parametrize("protocol", range(5))
def test_numpy_numbers_paths_and_dates_are_data(protocol: int) -> None:
    import datetime

    value = {
        "float": np.float64(0.125),
        "half": np.float16(0.5),
        "int": np.int32(-7),
        "bool": np.bool_(True),
        "big": np.dtype(">i4").type(258),
        "path": Path("/data/runs") / "my.yaml",
        "date": datetime.datetime(2026, 1, 2, 3, 4, 5),
    }
    plain = as_plain(unpickle(pickle.dumps(value, protocol), "it").root, 3)
    assert plain == {
        "float": 0.125,
        "half": 0.5,
        "int": -7,
        "bool": True,
        "big": 258,
        "path": "/data/runs/my.yaml",
        "date": "2026-01-02T03:04:05",
    }


def test_a_model_saved_anew_keeps_data_as_data(tmp_path: Path) -> None:
    import torch

    path = models.training_checkpoint(tmp_path)
    data = torch.load(path, weights_only=False)
    data |= {
        "best_fitness": np.float64(0.125),
        "epoch": 7,
        "updates": 9,
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.01}]},
        "train_results": {"epoch": [1, 2], "odd": np.zeros(3)},
    }
    data["train_args"] |= {"lr0": np.float64(0.25), "data": Path("/data/runs/my.yaml")}
    torch.save(data, path)
    saved = load(path).edit({"op": "drop", "classes": ["cat"]}).save(tmp_path / "o.pt")
    kept = torch.load(tmp_path / "o.pt", weights_only=False)
    assert kept["best_fitness"] == 0.125
    assert kept["train_results"] == {"epoch": [1, 2]}
    assert kept["train_args"]["lr0"] == 0.25
    assert kept["train_args"]["data"] == kept["model"].args["data"] == "/data/runs/my.yaml"
    assert kept["epoch"] == -1
    state, others = saved.left_out
    assert "model, epoch 7, optimizer and updates" in state
    assert others == "Left out, since they are no plain data: train_results.odd."
    assert list(saved.left_out) == saved.to_dict()["left_out"]
    assert set(saved.left_out) <= set(saved.text())
    patched = load(path).edit({"op": "shift", "by": 1}).save(tmp_path / "p.pt")
    assert patched.left_out == ()


def test_tuple_keys_are_not_hashed_without_end() -> None:
    """Of a tuple of numbers the hash can be computed, and so be made equal to others'."""
    keys = b"".join(group(number(at), number(-at)) + b"N" for at in range(1500))
    found = unpickle(stream(b"}(" + keys + b"u"), "it").root
    assert sum(isinstance(key, tuple) for key in found) == 1000
    assert len(found) == 1500


def test_a_byte_order_larger_than_any_is_not_read(tmp_path: Path) -> None:
    network = checkpoint(detector(convolution("c", 2), convolution("c", 2)))
    path = zipped(tmp_path / "m.pt", network, byteorder=b"l" * 17)
    assert "archive/byteorder has 17 bytes; at most 16 were expected" in refused(path).message


def test_a_pickle_larger_than_any_is_not_read(tmp_path: Path) -> None:
    """Of the largest size and a byte."""
    path = zipped(tmp_path / "m.pt", bytes((1 << 26) + 1))
    assert "archive/data.pkl has 67,108,865 bytes" in refused(path).message
