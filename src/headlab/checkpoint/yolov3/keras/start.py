"""The arrays of a Keras file that a training can start from, whatever classes and anchors its model has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.architecture import Architecture
from headlab.checkpoint.yolov3.keras.h5 import Reader, opened
from headlab.checkpoint.yolov3.keras.layers import from_keras
from headlab.checkpoint.yolov3.keras.match import matched_in_part
from headlab.checkpoint.yolov3.keras.stored import stored_layers


def arrays_to_start_from(path: Path, network: Architecture) -> dict[str, NDArray[np.generic]]:
    """Read a Keras file's arrays by our tensor names, float32 and in our order of axes.

    Its layers are found as in `matched`, which reads whole models: the same file gives the same numbers.

    Args:
        path: the file; of a whole model, or of a part such as a backbone.
        network: the one to start, with classes and anchors of its own.

    Raises:
        CheckpointError: the file is damaged, was not written by Keras, or its layers are not those of a
            network or of a part of this one.
    """
    with opened(path) as file:
        reader = Reader(path, file)
        arrays = matched_in_part(reader, stored_layers(reader).layers, network)
        return {name: from_keras(reader.float32(array)) for name, array in arrays.items()}
