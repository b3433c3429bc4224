"""Which parts of a network are trained, and which stay as they are."""

from __future__ import annotations

from torch import nn

from headlab.train.configuration.values import Freeze
from headlab.yolov3.network import YOLOv3

_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm)


def freeze(network: YOLOv3, what: Freeze) -> None:
    """Choose the parameters that are trained; all others get no gradient.

    Args:
        network: its `requires_grad` is set, of every parameter.
        what: "heads-only" trains the last convolution of each level alone, as keras-yolo3's
            `freeze_body=2`; "backbone" trains all of the head, as `freeze_body=1`, which in tiny trains
            the last two convolutions of the backbone too, while here the whole of it is frozen: it is
            what a file such as `yolov3-tiny.conv.15` holds; "none" trains everything.
    """
    network.requires_grad_(what == "none")
    if what == "backbone":
        network.requires_grad_(True)
        network.backbone.requires_grad_(False)
    elif what == "heads-only":
        for level in network.description.level_names:
            network.get_submodule(level).get_submodule("output").requires_grad_(True)


def train_mode(network: YOLOv3) -> None:
    """Bring a network into training mode, but for batch norms that are frozen.

    A frozen batch norm normalises with its running statistics, which do not move, so that the frozen part
    computes what it will compute when the training is over. Keras in TensorFlow 2 does so too; the Keras
    2.1 that keras-yolo3 was written for normalised with the batch, and moved the statistics.

    Args:
        network: call this again after `network.eval()` and after `freeze`.
    """
    network.train()
    for module in network.modules():
        if isinstance(module, _NORMS) and not module.weight.requires_grad:
            module.eval()


def trainable_count(network: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(each.numel() for each in network.parameters() if each.requires_grad)


def frozen_count(network: nn.Module) -> int:
    """How many numbers are not; the running statistics, which are no parameters, are left out."""
    return sum(each.numel() for each in network.parameters() if not each.requires_grad)
