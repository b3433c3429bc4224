"""A description that would build or run a monster is refused before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import models
from headlab.errors import CheckpointError
from headlab.families.network import build
from headlab.families.read import read


@pytest.fixture(scope="module")
def network() -> Any:
    """The network that each test changes a copy of."""
    return models.build(awake=False)


def _scales(*scale: Any) -> Callable[[Any], None]:
    return lambda network: network.yaml.update(scales={"n": list(scale)}, scale="n")


def _says(**entries: Any) -> Callable[[Any], None]:
    return lambda network: network.yaml.update(entries)


def _row(layer: str, *args: Any, at: int = -1) -> Callable[[Any], None]:
    """One more row at the beginning of the head."""
    return lambda network: network.yaml["head"].insert(0, [at, 1, layer, list(args)])


def _identities(network: Any) -> None:
    network.yaml["backbone"].extend([[-1, 1000, "nn.Identity", []]] * 5000)


def _strides(*strides_px: float) -> Callable[[Any], None]:
    def change(network: Any) -> None:
        import torch

        network.model[-1].stride = torch.tensor(strides_px)

    return change


def _set(module: str, name: str, value: Any) -> Callable[[Any], None]:
    return lambda network: setattr(network.model.get_submodule(module), name, value)


CASES = {
    "depth": (_scales(1e6, 1 / 64, 1024), r"scales\.n .* is 1000000\.0"),
    "infinite width": (_scales(0.01, math.inf, 1024), r"scales\.n .* is inf"),
    "scale of text": (_scales("a", 0.1, 1024), r"scales\.n .* is 'a'"),
    "scale is missing": (_says(scale="z"), "is of scale 'z', but has n"),
    "identities": (
        _identities,
        r"asks for 50,023 blocks, but the file's network has 2\d\d modules",
    ),
    "many cells": (_row("nn.LSTM", 8, 8, 10**5), "asks for far more modules"),
    "no forward": (_row("nn.ModuleList"), r"model\.10 \(ModuleList\) fails with NotImplemented"),
    "two tensors": (_row("nn.MultiheadAttention", 8, 8), r"model\.10 \(MultiheadAttention\) fails"),
    "upsampling": (
        _row("nn.Upsample", None, 1000, "nearest"),
        r"model\.10 \(Upsample\) makes 1,024,000,000 numbers",  # 16 channels x (256 / 32 x 1000) ** 2
    ),
    "wide argument": (_row("nn.ZeroPad2d", 2**1000), "has the argument 1071"),
    "argument is NaN": (_row("nn.Upsample", None, math.nan), "has the argument nan"),
    "source": (_row("nn.Identity", at=10**9), r"model\.10 \(Identity\) fails with IndexError"),
    "activation": (_says(activation="nn.LeakyReLU("), "asks for the activation"),
    "activation of text": (
        _says(activation="nn.LeakyReLU('a')"),
        r"model\.0\.act \(LeakyReLU\) fails with TypeError",
    ),
    "activation's arguments": (_says(activation="nn.ReLU(1, 2, 3)"), "asks for the activation"),
    "channels": (_says(channels=2**40), "asks for 1099511627776 colour channels"),
    "strides": (
        _strides(4, 8, 16),
        "strides are 4, 8 and 16 px in the file, but .* 8, 16 and 32 px",
    ),
    "order": (_strides(32, 16, 8), "strides are 32, 16 and 8 px in the file, but"),
    "large stride": (_strides(8, 16, 2.0**30), "strides are"),
    "scale factor": (_set("10", "scale_factor", 1000.0), r"model\.10 \(Upsample\) makes 1,024,000"),
    "mode": (_set("10", "mode", "none"), r"model\.10 \(Upsample\) fails with NotImplementedError"),
    "step": (_set("0.conv", "stride", (0, 0)), r"model\.0\.conv \(Conv2d\) fails with"),
    "repetitions": (_set("9", "n", 10**9), r"model\.9 \(SPPF\) has n 1000000000 in the file"),
    "many repetitions": (_set("9", "n", 10**6), r"modules run more than|model\.9 \(SPPF\) has n"),
}


@pytest.mark.parametrize(("change", "message"), CASES.values(), ids=CASES.keys())
def test_is_refused(
    change: Callable[[Any], None], message: str, network: Any, tmp_path: Path
) -> None:
    changed = deepcopy(network)
    change(changed)
    path = models.save(changed, tmp_path / "hostile.pt")
    with pytest.raises(CheckpointError, match=message) as raised:
        build(read(path))
    assert str(path) in raised.value.message


SIZES = {
    "whole": (640, (640, 640)),
    "float": (320.0, (320, 320)),
    "list": ([320, 640], (320, 640)),
    "huge": (10**9, None),
    "wide": (2**1000, None),
    "nan": (math.nan, None),
    "text": ("large", None),
    "five": ([1, 2, 3, 4, 5], None),
    "bool": (True, None),
    "half": (0.5, None),
}


@pytest.mark.parametrize(("said", "expected"), SIZES.values(), ids=SIZES.keys())
def test_size_of_the_training(said: Any, expected: Any, network: Any, tmp_path: Path) -> None:
    changed = deepcopy(network)
    changed.args["imgsz"] = said
    path = models.save(changed, tmp_path / "size.pt")
    data = read(path)
    assert data.input_hw_px == expected
    from headlab.model import load

    notes = load(path).inspect().notes
    assert bool(notes) == (expected is None)
    assert all("which is no size" in note for note in notes)


def test_a_size_that_is_none_is_not_traced_with(network: Any, tmp_path: Path) -> None:
    import numpy as np

    from headlab.model import load

    changed = deepcopy(network)
    changed.args["imgsz"] = np.int64(96)
    path = models.save(changed, tmp_path / "size.pt")
    photo = np.zeros((64, 64, 3), np.uint8)
    assert next(iter(load(path).trace(photo, stream=True))).input_hw_px == (96, 96)
    changed.args["imgsz"] = "large"
    path = models.save(changed, tmp_path / "text.pt")
    assert next(iter(load(path).trace(photo, stream=True))).input_hw_px == (640, 640)


def test_four_channels_are_not_run_on_photos(network: Any, tmp_path: Path) -> None:
    import numpy as np
    from ultralytics.nn.tasks import DetectionModel

    from headlab.model import load

    four = DetectionModel(dict(network.yaml), ch=4, nc=3, verbose=False)
    four.names, four.task, four.args = network.names, network.task, network.args
    path = models.save(four, tmp_path / "four.pt")
    with pytest.raises(CheckpointError, match="takes images of 4 channels; photos have 3"):
        load(path).trace(np.zeros((64, 64, 3), np.uint8))
    load(path).edit({"op": "drop", "classes": ["cat"]}).save(tmp_path / "dropped.pt")
    assert load(tmp_path / "dropped.pt").class_names == ("ant", "bee")
