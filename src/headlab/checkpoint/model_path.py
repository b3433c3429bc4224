"""What is named as a model file, before it is read: a file at all, and not of a kind that others mix up."""

from __future__ import annotations

import stat
from pathlib import Path

from headlab.checkpoint.first_bytes import first_bytes
from headlab.errors import CheckpointError
from headlab.files.web_address import web_address

_MODEL_MAGIC = (b"PK\x03\x04", b"\x89HDF")
_PHOTO_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
_PHOTO_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif", ".heic"),
    *(".mp4", ".avi", ".mov", ".mkv", ".webm"),
)
_DATA_SUFFIXES = (".yaml", ".yml", ".json", ".xml", ".txt", ".csv", ".data", ".names")
_EXPORTS = {
    ".onnx": "ONNX",
    ".engine": "TensorRT",
    ".trt": "TensorRT",
    ".plan": "TensorRT",
    ".tflite": "TensorFlow Lite",
    ".pb": "TensorFlow",
    ".mlmodel": "Core ML",
    ".mlpackage": "Core ML",
    ".torchscript": "TorchScript",
    ".mnn": "MNN",
    ".rknn": "RKNN",
    ".param": "NCNN",
    ".caffemodel": "Caffe",
}
_EXPORT_FOLDERS = {
    "_openvino_model": "OpenVINO",
    "_saved_model": "TensorFlow",
    "_ncnn_model": "NCNN",
    "_paddle_model": "PaddlePaddle",
    ".mlpackage": "Core ML",
}
_IN_TRAININGS = (
    *("best.safetensors", "last.safetensors", "best.h5", "best.weights"),
    *("weights/best.pt", "weights/last.pt", "best.pt"),
)
_MODEL_SUFFIXES = (".pt", ".safetensors", ".weights", ".h5")
_NAMED = 3


def check_model_path(path: Path) -> None:
    """Refuse what cannot be a model file, and say what it is.

    Raises:
        CheckpointError: it is an address, a folder, a device, a photo or a video, annotations, or an
            export for running only; or there is no such file.
    """
    address = web_address(path)
    if address is not None:
        raise CheckpointError(
            f"{address}: headlab downloads nothing.", "Download the file, and give its path."
        )
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: no such file.",
            "headlab downloads nothing; give the path of a file on this machine.",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CheckpointError(f"{path}: cannot be read: {reason}.", "Check the path.") from None
    if stat.S_ISDIR(mode):
        raise _folder(path)
    if not stat.S_ISREG(mode):
        raise CheckpointError(
            f"{path} is not a regular file; a model file was expected.",
            "It is a device or a pipe; give the path of a file.",
        )
    _check_kind(path)


def _check_kind(path: Path) -> None:
    suffix, start = path.suffix.lower(), first_bytes(path)
    if suffix in _EXPORTS:
        raise _export(path, _EXPORTS[suffix])
    if start.startswith(_MODEL_MAGIC):  # a checkpoint may have any name
        return
    if suffix in _PHOTO_SUFFIXES or (
        suffix not in _MODEL_SUFFIXES and start.startswith(_PHOTO_MAGIC)
    ):
        raise CheckpointError(
            f"{path} is a photo or a video; a model file was expected.",
            "The model comes first, as in headlab trace MODEL SOURCE.",
        )
    if suffix in _DATA_SUFFIXES:
        raise CheckpointError(
            f"{path} is not a model file, by its name.",
            "The model comes first, as in headlab evaluate MODEL DATA.",
        )


def _export(path: Path, program: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is an export for {program}, which headlab does not read.",
        "Give the model that it was exported from: .pt, .weights, .h5 or .safetensors.",
    )


def _folder(path: Path) -> CheckpointError:
    """What to say of a folder: a training's, an export, or another."""
    for ending, program in _EXPORT_FOLDERS.items():
        if path.name.endswith(ending):
            return _export(path, program)
    message = f"{path} is a folder; a model file was expected."
    for name in _IN_TRAININGS:
        if (path / name).is_file():
            return CheckpointError(message, f"Its weights are in {path / name}: give that.")
    models = sorted(
        each for each in path.glob("*") if each.suffix.lower() in _MODEL_SUFFIXES and each.is_file()
    )
    if not models:
        return CheckpointError(message, "Give the path of the model file inside it.")
    more = f" and {len(models) - _NAMED} more" if len(models) > _NAMED else ""
    return CheckpointError(
        message, f"Give one of those in it: {', '.join(map(str, models[:_NAMED]))}{more}."
    )
