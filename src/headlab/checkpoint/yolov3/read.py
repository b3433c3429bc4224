"""Read a YOLOv3 model file of any format."""

from __future__ import annotations

from pathlib import Path

from headlab.checkpoint.first_bytes import first_bytes
from headlab.checkpoint.model_path import check_model_path
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.darknet.weights import OTHER_FILES, begins_like_darknet
from headlab.checkpoint.yolov3.formats import recognised
from headlab.errors import CheckpointError

_ZIP_MAGIC = b"PK\x03\x04"


def read_yolov3(
    path: Path, companions: CompanionFiles | None = None, *, as_start: bool = False
) -> Yolov3Checkpoint:
    """Read a darknet, Keras or safetensors file as data.

    Args:
        path: the file.
        companions: the files that say what the weights do not; by default they are looked for.
        as_start: of a training, which brings its own classes: darknet's weights are read even if the cfg or
            the class names next to them are those of another number of classes.

    Raises:
        CheckpointError: the file is missing, damaged, or no YOLOv3 model.
    """
    check_model_path(path)
    companions, start = companions or CompanionFiles(), first_bytes(path)
    match recognised(path, start):
        case "keras":
            from headlab.checkpoint.yolov3.keras.checkpoint import read_keras

            return read_keras(path, companions)
        case "headlab":
            from headlab.checkpoint.yolov3.safetensors_file import read_safetensors

            return read_safetensors(path, companions)
        case "darknet":
            from headlab.checkpoint.yolov3.darknet.checkpoint import read_darknet

            return read_darknet(path, companions, as_start=as_start)
    raise _no_model(path, start)


def _no_model(path: Path, start: bytes) -> CheckpointError:
    """What is wrong with a file that is no YOLOv3 model."""
    if path.suffix.lower() == ".cfg" and path.is_file():
        return CheckpointError(
            f"{path}: a .cfg describes a network, but holds no weights.",
            "Give the .weights file; the .cfg is found next to it, or named with --cfg.",
        )
    if start.startswith(_ZIP_MAGIC) and path.suffix.lower() == ".keras":
        return CheckpointError(
            f"{path}: a .keras file is an archive of Keras 3 that holds the weights as model.weights.h5.",
            f"Unpack them, and give that file: unzip {path.name} model.weights.h5",
        )
    if start.startswith(_ZIP_MAGIC):
        return CheckpointError(
            f"{path}: this is an ultralytics checkpoint, which is not a YOLOv3 model with anchors.",
            "Give a .weights, .h5 or .safetensors file. ultralytics exports its own models: yolo export.",
        )
    for beginning, what, remedy in OTHER_FILES:
        if start.lower().startswith(beginning):
            return CheckpointError(f"{path}: this is {what}, not a model.", remedy)
    expected = _EXPECTED.get(path.suffix.lower(), "")
    if expected and not start:
        return CheckpointError(f"{path}: the file is empty.", "Copy or download it again.")
    if expected and begins_like_darknet(start):
        return CheckpointError(
            f"{path}: this is no {expected} file: it begins like a darknet file.",
            "If it is one, let its name end in .weights.",
        )
    if expected:
        return CheckpointError(
            f"{path}: this is no {expected} file: it begins with {start[:8]!r}.",
            "Copy or download it again.",
        )
    return CheckpointError(
        f"{path}: this is not a YOLOv3 model.",
        "Give a darknet .weights, a keras-yolo3 .h5, or headlab's .safetensors.",
    )


_EXPECTED = {
    **dict.fromkeys((".h5", ".hdf5"), "HDF5"),
    ".keras": "Keras",
    ".safetensors": "safetensors",
}
