"""The weights of a training as files that headlab's other commands, darknet and keras-yolo3 can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from headlab.checkpoint.yolov3.in_memory import in_memory
from headlab.checkpoint.yolov3.write import write_model
from headlab.train.run_folder import WEIGHT_SUFFIXES
from headlab.yolov3.load import to_checkpoint
from headlab.yolov3.network import YOLOv3


def write_weights(
    network: YOLOv3, folder: Path, name: str, formats: Sequence[str], images: int
) -> tuple[Path, ...]:
    """Write a network's weights and their companion files in each of the formats.

    Args:
        network: the network.
        folder: where to write.
        name: such as "best".
        formats: keys of `WEIGHT_SUFFIXES`.
        images: the number of photos that the training has seen, for darknet's header.

    Returns:
        The weight files.

    Raises:
        OutputError: a file cannot be written; the previous ones stay.
    """
    model = to_checkpoint(network, folder / f"{name}.safetensors")
    model = in_memory(replace(model.description, seen=images), model.arrays, model.path)
    paths = tuple(folder / f"{name}{WEIGHT_SUFFIXES[each]}" for each in formats)
    for path in paths:
        write_model(model, path)
    return paths
