"""Check that a model's tensors are those of its network, before they are written."""

from __future__ import annotations

from headlab.checkpoint.yolov3.architecture import Architecture
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.errors import CheckpointError


def check_shapes(model: Yolov3Checkpoint, network: Architecture) -> None:
    """Refuse a model whose tensors are not those of the network that it is described as.

    Raises:
        CheckpointError: a tensor has another shape.
    """
    for name, tensor in network.tensors.items():
        if model.shape(name) != tensor.shape:
            raise CheckpointError(
                f"{model.path}: {name} has shape {model.shape(name)}; "
                f"{len(model.class_names)} classes need {tensor.shape}.",
                "Change the class names and the class rows together.",
            )
