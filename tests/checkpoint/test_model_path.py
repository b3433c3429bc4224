"""What is named as a model file and is none is told apart before it is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headlab.checkpoint.model_path import check_model_path
from headlab.errors import CheckpointError

JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF"


def refusal(path: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        check_model_path(path)
    return caught.value


@pytest.mark.parametrize(
    ("name", "contents", "message", "hint"),
    [
        ("m.onnx", b"\x08\x08", "an export for ONNX", "it was exported from"),
        ("m.engine", b"ftrt", "an export for TensorRT", "it was exported from"),
        ("m.TFLITE", b"\0\0\0\0TFL3", "an export for TensorFlow Lite", "it was exported from"),
        ("m.torchscript", b"PK\x03\x04", "an export for TorchScript", "it was exported from"),
        ("dog.jpg", JPEG, "is a photo or a video", "headlab trace MODEL SOURCE"),
        ("dog", JPEG, "is a photo or a video", "headlab trace MODEL SOURCE"),
        ("clip.mp4", b"", "is a photo or a video", "headlab trace MODEL SOURCE"),
        ("data.yaml", b"names: [a]", "is not a model file", "headlab evaluate MODEL DATA"),
        ("train.txt", b"a.jpg 1,2,3,4,0", "is not a model file", "headlab evaluate MODEL DATA"),
    ],
)
def test_files_of_other_kinds(
    tmp_path: Path, name: str, contents: bytes, message: str, hint: str
) -> None:
    (tmp_path / name).write_bytes(contents)
    error = refusal(tmp_path / name)
    assert message in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("m.pt", b"PK\x03\x04"),
        ("a checkpoint.txt", b"PK\x03\x04"),  # any name will do for one of torch.save
        ("m.safetensors", b"BM\0\0\0\0\0\0"),  # a header of 19,778 bytes, and no bitmap
        ("yolov3.weights", b"\0\0\0\0\x02\0\0\0"),
        ("weights", b"\0\0\0\0\x02\0\0\0"),
    ],
)
def test_model_files_pass(tmp_path: Path, name: str, contents: bytes) -> None:
    (tmp_path / name).write_bytes(contents)
    check_model_path(tmp_path / name)


def test_an_address_is_answered_without_the_network() -> None:
    error = refusal(Path("https://example.org/yolov8n.pt"))
    assert error.message == "https://example.org/yolov8n.pt: headlab downloads nothing."


@pytest.mark.parametrize(
    ("weights", "hint"),
    [
        (["best.safetensors", "last.safetensors"], "Its weights are in {0}/best.safetensors"),
        (["weights/best.pt"], "Its weights are in {0}/weights/best.pt"),
        (["a.pt", "b.h5"], "Give one of those in it: {0}/a.pt, {0}/b.h5."),
        ([], "Give the path of the model file inside it."),
    ],
)
def test_a_folder_names_the_model_in_it(tmp_path: Path, weights: list[str], hint: str) -> None:
    for name in weights:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert hint.format(tmp_path) in refusal(tmp_path).hint


def test_an_export_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "m_openvino_model").mkdir()
    assert "an export for OpenVINO" in refusal(tmp_path / "m_openvino_model").message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.pt")
    assert "not a regular file" in refusal(tmp_path / "m.pt").message
