from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import yolov3_models
from headlab.errors import CheckpointError
from headlab.families.read import read


def test_the_official_tiny_weights_and_their_cfg_do_not_agree(shared: Path, tmp_path: Path) -> None:
    for name in ("yolov3-tiny.weights", "yolov3-tiny.cfg", "coco.names"):
        shutil.copy(shared / "weights" / name, tmp_path)
    (remark,) = read(tmp_path / "yolov3-tiny.weights").remarks()
    assert "trained with the anchors of mask 1,2,3 at P4; the .cfg says 0,1,2" in remark

    cfg = tmp_path / "yolov3-tiny.cfg"
    text = cfg.read_text()
    cfg.unlink()
    cfg.write_text(text.replace("mask = 0,1,2", "mask = 1,2,3"))
    assert read(tmp_path / "yolov3-tiny.weights").remarks() == ()


def test_nothing_is_said_of_other_weights() -> None:
    assert yolov3_models.random_model().remarks() == ()
    assert yolov3_models.random_model("yolov3").remarks() == ()


def test_classes_without_names(tmp_path: Path) -> None:
    model = yolov3_models.random_model()
    path = yolov3_models.saved(model, tmp_path / "m.weights")
    assert read(path).remarks() == ()
    (tmp_path / "m.names").unlink()
    (remark,) = read(path).remarks()
    assert remark.startswith("No class names were found next to it")
    assert read(path).class_names == ("0", "1", "2")


def test_a_cfg_is_no_model(tmp_path: Path) -> None:
    yolov3_models.saved(yolov3_models.random_model(), tmp_path / "m.weights")
    with pytest.raises(CheckpointError, match="describes a network, but holds no weights"):
        read(tmp_path / "m.cfg")
