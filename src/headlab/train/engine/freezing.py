"""Which parts of a network are trained, and which are frozen."""

from __future__ import annotations

from torch import nn

from headlab.train.configuration.values import Freeze
from headlab.yolov3.network import YOLOv3

_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm)


def freeze(network: YOLOv3, what: Freeze) -> None:
    """Choose the parameters to train; all others get no gradient.

    Args:
        network: `requires_grad` is set on all of its parameters.
        what: what is frozen. "heads-only" trains only the last convolution of each level, like
            keras-yolo3's `freeze_body=2`. "backbone" trains the whole head, like `freeze_body=1`, except
            that the latter also trains the last two convolutions of tiny's backbone; here all of the
            backbone is frozen, which is what a file such as `yolov3-tiny.conv.15` holds. "none" trains
            everything.
    """
    network.requires_grad_(what == "none")
    if what == "backbone":
        network.requires_grad_(True)
        network.backbone.requires_grad_(False)
    elif what == "heads-only":
        for level in network.description.level_names:
            network.get_submodule(level).get_submodule("output").requires_grad_(True)


def train_mode(network: YOLOv3) -> None:
    """Put a network into training mode, except for frozen batch norms.

    A frozen batch norm normalises with its running statistics and does not update them, so that the frozen
    part computes during the training what it computes afterwards. Keras in TensorFlow 2 does the same;
    Keras 2.1, for which keras-yolo3 was written, normalised with the batch and updated the statistics.

    Args:
        network: the network; call this again after `network.eval()` and after `freeze`.
    """
    network.train()
    for module in network.modules():
        if isinstance(module, _NORMS) and not module.weight.requires_grad:
            module.eval()


def trainable_count(network: nn.Module) -> int:
    """The number of trained parameters."""
    return sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


def frozen_count(network: nn.Module) -> int:
    """The number of frozen parameters; running statistics are not parameters."""
    return sum(weights.numel() for weights in network.parameters() if not weights.requires_grad)
