"""Random weights to start a training from."""

from __future__ import annotations

import math

from torch import nn

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS
from headlab.yolov3.blocks import LEAKY_SLOPE

OBJECTNESS_PRIOR = 0.01
"""The objectness that an untrained network gives to every candidate."""

_OUTPUT_DEVIATION = 0.01
_OBJECTNESS_ROW = BOX_NUMBERS - 1


def initialise(network: nn.Module, outputs_per_slot: int) -> None:
    """Draw all weights from torch's random generator.

    Convolutions before a leaky ReLU preserve the variance of their input: He et al., "Delving Deep into
    Rectifiers" (2015), equation 15. The last convolutions start close to zero with a prior for the
    objectness, so that the many empty candidates do not dominate the first steps: Lin et al., "Focal Loss
    for Dense Object Detection" (2017), section 4.1.

    Args:
        network: its convolutions with a bias are the last ones, as in `headlab.yolov3.network`. On the device
            "meta", where tensors have no memory, nothing is drawn.
        outputs_per_slot: 5 + C.
    """
    for module in network.modules():
        if not isinstance(module, nn.Conv2d) or module.weight.is_meta:
            continue
        if module.bias is None:
            nn.init.kaiming_normal_(module.weight, a=LEAKY_SLOPE)
        else:
            nn.init.normal_(module.weight, std=_OUTPUT_DEVIATION)
            nn.init.zeros_(module.bias)
            prior = -math.log((1 - OBJECTNESS_PRIOR) / OBJECTNESS_PRIOR)
            nn.init.constant_(module.bias[_OBJECTNESS_ROW::outputs_per_slot], prior)
