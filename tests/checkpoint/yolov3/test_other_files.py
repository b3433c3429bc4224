"""Files with a model's name that are something else: each message says what, and a remedy that works."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from keras_files import hollow, hollow_keras_3

from headlab.checkpoint.yolov3.anchor_list import anchors_text
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.keras.checkpoint import read_keras
from headlab.errors import CheckpointError
from headlab.families.read import read
from headlab.yolov3.network import YOLOv3
from headlab.yolov3.start import load_weights
from yolov3_models import description, random_model, saved


def refusal(path: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        read(path)
    return caught.value


@pytest.mark.parametrize(
    ("name", "data", "said", "hint"),
    [
        ("m.h5", b"", "the file is empty.", "Copy or download it again."),
        ("m.h5", b"<!DOCTYPE html><html>", "this is a web page", "Download the file itself"),
        ("m.hdf5", b"<html>" + bytes(20), "this is a web page", "Download the file itself"),
        ("m.safetensors", b"version https://git-lfs.github.com", "a pointer of Git LFS", "git lfs"),
        ("m.safetensors", b'{"a": 1}' + bytes(9), "this is no safetensors file", "again"),
        ("m.h5", b"\0\0\0\0\2\0\0\0\5\0\0\0" + bytes(20), "begins like a darknet file", ".weights"),
        (
            "m.keras",
            b"not an archive at all",
            "this is no Keras file: it begins with b'not an a'",
            "",
        ),
        ("m.h5", b"\x1f\x8b\x08" + bytes(20), "this is a gzip archive", "Unpack it with gunzip."),
    ],
)
def test_what_the_name_does_not_say(
    tmp_path: Path, name: str, data: bytes, said: str, hint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    error = refusal(path)
    assert error.message.startswith(f"{path}: ")
    assert said in error.message
    assert hint in error.hint
    with pytest.raises(CheckpointError) as caught:
        load_weights(YOLOv3(description()), path)
    assert caught.value.message == error.message


def test_darknets_bytes_in_a_name_of_keras_are_read_after_the_remedy(tmp_path: Path) -> None:
    path = saved(random_model(), tmp_path / "voc.weights")
    path.rename(tmp_path / "voc.h5")
    assert refusal(tmp_path / "voc.h5").hint == "If it is one, let its name end in .weights."
    (tmp_path / "voc.h5").rename(path)
    assert read(path).class_names == ("ant", "bee", "cat")


def test_an_archive_of_keras_3_is_unpacked_as_the_hint_says(tmp_path: Path) -> None:
    weights = hollow_keras_3(tmp_path / "model.weights.h5")
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(weights, "model.weights.h5")
        archive.writestr("config.json", "{}")
    weights.unlink()
    error = refusal(path)
    assert error.message.endswith(
        "an archive of Keras 3 that holds the weights as model.weights.h5."
    )
    assert error.hint.endswith("unzip model.keras model.weights.h5")
    with zipfile.ZipFile(path) as archive:
        archive.extract("model.weights.h5", tmp_path)
    assert read_keras(weights, CompanionFiles()).described.variant == "yolov3-tiny"


def test_a_whole_model_of_keras_is_read(tmp_path: Path) -> None:
    """model.save(...) has the weights in the group model_weights, besides the optimizer's."""
    whole = hollow(tmp_path / "whole.h5", root="model_weights")
    plain = hollow(tmp_path / "plain.h5")
    found = read_keras(whole, CompanionFiles())
    assert found.described == read_keras(plain, CompanionFiles()).described
    assert (found.stored("P5.expand.norm.bias") == 9.25).all()


def test_anchors_of_keras_that_are_shares(tmp_path: Path) -> None:
    path = hollow(tmp_path / "m.h5")
    anchors = [(width / 416, height / 416) for width, height in description().anchors_wh_px]
    (tmp_path / "anchors.txt").write_text(anchors_text(anchors))
    error = refusal(path)
    assert error.message.startswith(
        f"{tmp_path / 'anchors.txt'}: the largest side of the anchors is 0.8"
    )
    assert "Multiply the widths by the input's width" in error.hint


def test_a_start_whose_cfg_has_other_classes(tmp_path: Path) -> None:
    """COCO's weights next to the cfg and names of one's own classes, as people prepare a training."""
    path = saved(random_model(), tmp_path / "start.weights")
    one = saved(random_model(class_names=("ant",)), tmp_path / "one.weights")
    for suffix in (".cfg", ".names"):
        shutil.copy(one.with_suffix(suffix), path.with_suffix(suffix))
    network = YOLOv3(description(class_names=("ant",)))
    report = load_weights(network, path)
    assert [each.name for each in report.skipped] == ["P5.output", "P4.output"]
    assert report.lines()[1] == (
        f"{path.with_suffix('.cfg')} says classes=1, but {path} has as many numbers as YOLOv3-tiny with 3 "
        "classes: it was read as such."
    )
    kernel = network.state_dict()["P4.expand.conv.weight"].numpy()
    assert (kernel == random_model().array("P4.expand.conv.weight")).all()
