"""A model whose classes were kept works in all of ultralytics: predict, val, export, train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import headlab

Small = Callable[..., Path]
KEPT = ("dog", "ant")


@pytest.fixture(scope="module")
def kept(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of five classes, in the model's order: ant, dog."""
    folder = tmp_path_factory.mktemp("kept")
    model = headlab.load(small("yolov8", nc=5))
    return model.edit(headlab.Keep(classes=KEPT)).save(folder / "kept.pt").output


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLO data set of four pictures with one box each."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for seed in range(4):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
        cv2.imwrite(str(folder / "images" / f"{seed}.png"), cv2.resize(coarse, (128, 128)))
        (folder / "labels" / f"{seed}.txt").write_text(f"{seed % 2} 0.5 0.5 0.4 0.4\n")
    described = folder / "data.yaml"
    described.write_text(
        f"path: {folder}\ntrain: images\nval: images\nnames: {{0: ant, 1: dog}}\n", "utf-8"
    )
    return described


def _yolo(path: Path) -> Any:
    from ultralytics import YOLO

    return YOLO(str(path))


def _quiet(folder: Path) -> dict[str, Any]:
    return {"imgsz": 128, "plots": False, "verbose": False, "project": str(folder), "workers": 0}


def test_val(kept: Path, data: Path, tmp_path: Path) -> None:
    measured = _yolo(kept).val(data=str(data), batch=2, **_quiet(tmp_path))
    assert measured.names == {0: "ant", 1: "dog"}
    assert 0 <= measured.box.map <= 1


def test_export_computes_the_same(kept: Path, tmp_path: Path) -> None:
    import torch

    copied = tmp_path / "kept.pt"
    copied.write_bytes(kept.read_bytes())
    exported = _yolo(copied).export(format="torchscript", imgsz=128)
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        native = _yolo(kept).model.fuse(verbose=False).eval()(image)[0]
        traced = torch.jit.load(exported)(image)
    assert traced.shape == (1, 4 + 2, 16 * 16 + 8 * 8 + 4 * 4)
    torch.testing.assert_close(traced, native, rtol=1e-3, atol=1e-3)


def test_train_goes_on_from_it(kept: Path, data: Path, tmp_path: Path) -> None:
    model = _yolo(kept)
    model.train(data=str(data), epochs=1, batch=2, amp=False, val=False, **_quiet(tmp_path))
    trained = headlab.load(next(tmp_path.rglob("last.pt")))
    assert trained.class_names == ("ant", "dog")
