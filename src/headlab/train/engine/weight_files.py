"""The weights of a training as files that every other command, darknet and keras-yolo3 read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from headlab.checkpoint.yolov3.in_memory import in_memory
from headlab.checkpoint.yolov3.write import write_model
from headlab.yolov3.load import to_checkpoint
from headlab.yolov3.network import YOLOv3

SUFFIXES = {"safetensors": ".safetensors", "darknet": ".weights", "h5": ".h5"}
"""The suffix of each format's files."""


def write_weights(
    network: YOLOv3, folder: Path, name: str, formats: Sequence[str], images: int
) -> tuple[Path, ...]:
    """Write a network's weights, and what belongs beside them, in every format asked for.

    Args:
        network: as it is now.
        folder: where to.
        name: such as "best".
        formats: of `SUFFIXES`.
        images: how many photos the training has seen; darknet's header says so.

    Returns:
        The weight files.

    Raises:
        OutputError: a file cannot be written; what was there before stays.
    """
    model = to_checkpoint(network, folder / f"{name}.safetensors")
    model = in_memory(replace(model.description, seen=images), model.arrays, model.path)
    paths = tuple(folder / f"{name}{SUFFIXES[each]}" for each in formats)
    for path in paths:
        write_model(model, path)
    return paths
