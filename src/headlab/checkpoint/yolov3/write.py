"""Write a YOLOv3 model in the format that a file's name asks for, with its companion files."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from headlab.checkpoint.companions import companion_paths, missing, replacing_model
from headlab.checkpoint.file_format import FileFormat
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.description import DARKNET_EPSILON
from headlab.checkpoint.yolov3.formats import format_of


def write_model(model: Yolov3Checkpoint, path: Path) -> None:
    """Write a model and the companion files that its format needs; the numbers stay as exact as it allows.

    darknet: `STEM.cfg` and `STEM.names`. Keras: `STEM_classes.txt` and `STEM_anchors.txt`, which keras-yolo3
    asks for. headlab's own: nothing more.

    Raises:
        InputError: the name asks for no known format.
        CheckpointError: the model's numbers cannot be written in that format.
        OutputError: a file cannot be written.
    """
    chosen = format_of(path)
    companions = missing(companions_of(model, path))
    with replacing_model(path, companions) as files, files.writing(path) as file:
        write_as(model, chosen, file)


def write_as(model: Yolov3Checkpoint, chosen: FileFormat, file: BinaryIO) -> None:
    """Write a model's weights to an open, empty, seekable file.

    Raises:
        CheckpointError: the model's numbers cannot be written in that format.
    """
    if chosen.suffix == ".weights":
        from headlab.checkpoint.yolov3.darknet.weights import write_darknet
        from headlab.checkpoint.yolov3.epsilon import with_epsilon

        write_darknet(with_epsilon(model, DARKNET_EPSILON), file)
    elif chosen.suffix == ".safetensors":
        from headlab.checkpoint.yolov3.safetensors_file import write_safetensors

        write_safetensors(model, file)
    else:
        from headlab.checkpoint.yolov3.keras.write import write_keras

        write_keras(model, file, "keras3" if chosen.suffix == ".weights.h5" else "legacy")


def companions_of(model: Yolov3Checkpoint, path: Path) -> dict[Path, bytes]:
    """The companion files of a model that is written to a path: path -> contents.

    Raises:
        InputError: the name asks for no known format, or a class name cannot be written as a line.
    """
    from headlab.checkpoint.yolov3.anchor_list import anchors_text
    from headlab.checkpoint.yolov3.darknet.cfg_text import cfg_text
    from headlab.files.class_names import class_names_text

    chosen, described = format_of(path), model.description
    if chosen.suffix == ".safetensors":
        return {}
    names = class_names_text(described.class_names).encode("utf-8")
    if chosen.suffix == ".weights":
        cfg = cfg_text(described).encode("utf-8")
        return companion_paths(path, {".cfg": cfg, ".names": names})
    anchors = anchors_text(described.anchors_wh_px).encode("utf-8")
    return companion_paths(path, {"_classes.txt": names, "_anchors.txt": anchors})
