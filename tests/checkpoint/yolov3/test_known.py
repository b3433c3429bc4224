from __future__ import annotations

import shutil
from pathlib import Path

import yolov3_models
from headlab.checkpoint.read import read


def test_the_official_tiny_weights_and_their_cfg_do_not_agree(shared: Path, tmp_path: Path) -> None:
    for name in ("yolov3-tiny.weights", "yolov3-tiny.cfg"):
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
