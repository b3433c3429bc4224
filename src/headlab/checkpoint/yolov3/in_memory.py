"""A YOLOv3 model whose tensors are held in memory: made by a training, a conversion or a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.description import Description
from headlab.errors import CheckpointError


@dataclass(frozen=True, kw_only=True)
class InMemoryCheckpoint(Yolov3Checkpoint):
    """Tensors in memory; written, they become headlab's own format.

    Attributes:
        arrays: every tensor of the architecture by name, float32.
    """

    arrays: Mapping[str, NDArray[np.generic]]

    @property
    def format(self) -> str:
        """See `Yolov3Checkpoint.format`."""
        return "headlab"

    def stored(self, name: str) -> NDArray[np.generic]:
        """A tensor's numbers; see `Checkpoint.stored`."""
        self.tensor(name)
        return self.arrays[name]

    def write(self, file: BinaryIO) -> None:
        """Write a safetensors file; see `Checkpoint.write`."""
        from headlab.checkpoint.yolov3.safetensors_file import write_safetensors

        write_safetensors(self, file)


def in_memory(
    described: Description, arrays: Mapping[str, NDArray[np.generic]], file: Path = Path("memory")
) -> InMemoryCheckpoint:
    """Hold arrays as a checkpoint.

    Args:
        described: the model without its weights.
        arrays: its tensors by name.
        file: what to call the model in messages.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape.
    """
    wanted = described.architecture.tensors
    for name in [*wanted, *arrays]:
        expected = wanted[name].shape if name in wanted else None
        found = arrays[name].shape if name in arrays else None
        if expected != found:
            raise CheckpointError(
                f"{file}: the tensor {name} has shape {found or '(absent)'}; "
                f"{expected or 'no such tensor'} was expected.",
                f"The network is {described.variant} with {len(described.class_names)} classes.",
            )
    return InMemoryCheckpoint(file=file, described=described, arrays=arrays)
