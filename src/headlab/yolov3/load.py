"""A network from a checkpoint (`build`), and a checkpoint from a network (`to_checkpoint`).

`headlab.yolov3.start` loads into a network what fits of a file with other classes or anchors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint, in_memory
from headlab.errors import CheckpointError
from headlab.yolov3.network import YOLOv3

_COUNTER = "num_batches_tracked"


def build(checkpoint: Yolov3Checkpoint) -> YOLOv3:
    """The checkpoint's network with its weights, as edited, in evaluation mode.

    The network uses the memory of the arrays that the checkpoint reads: there is no second copy.

    Raises:
        CheckpointError: the file is damaged, or a tensor has another shape than the description says or
            holds NaN or infinite values.
    """
    with torch.device("meta"):
        network = YOLOv3(checkpoint.description)
    state = {}
    for name, expected in network.state_dict().items():
        if name.endswith(_COUNTER):
            state[name] = torch.zeros_like(expected, device="cpu")
            continue
        state[name] = tensor_of(checkpoint, name)
        if state[name].shape != expected.shape:
            raise CheckpointError(
                f"{checkpoint.path}: {name} has shape {tuple(state[name].shape)}; "
                f"{tuple(expected.shape)} was expected.",
                f"The network has {len(checkpoint.class_names)} classes: change the class names and "
                "the class rows together.",
            )
    network.load_state_dict(state, assign=True)
    network.eval()
    return network


def tensor_of(checkpoint: Yolov3Checkpoint, name: str) -> Tensor:
    """A checkpoint's tensor, float32, in the array's own memory if possible.

    Raises:
        CheckpointError: it is damaged, or holds NaN or infinite values.
    """
    array = np.require(checkpoint.array(name), np.float32, ["C", "W"])
    tensor = torch.from_numpy(array)
    # If a value is NaN or infinite, so is the sum, which is cheaper; but a sum may also overflow.
    if not tensor.sum().isfinite() and not tensor.isfinite().all():
        raise CheckpointError(
            f"{checkpoint.path}: {name} holds NaN or infinite values.",
            "The training diverged or the file is damaged; use an earlier checkpoint.",
        )
    return tensor


def to_checkpoint(network: YOLOv3, file: Path = Path("memory")) -> InMemoryCheckpoint:
    """A copy of a network's weights and description, for saving.

    Args:
        network: trained or not, on any device.
        file: what to call the model in messages.
    """
    state = network.state_dict()
    arrays = {
        name: state[name].detach().float().cpu().numpy().copy()
        for name in network.description.architecture.tensors
    }
    return in_memory(network.description, arrays, file)
