"""How photos are varied for training."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

from headlab.errors import InputError


@dataclass(frozen=True)
class AugmentOptions:
    """The ranges of the random changes. The defaults are keras-yolo3's, where it has them.

    Attributes:
        enabled: whether to vary photos at all; otherwise they are only letterboxed.
        jitter: j; width and height are each multiplied by a number from 1 - j to 1 + j, so that the aspect
            ratio changes by up to (1 + j) / (1 - j).
        scale_min: the smallest size of a photo; at 1 it just fits into the input.
        scale_max: the largest size.
        hflip: the probability of a horizontal flip (left and right).
        vflip: the probability of a vertical flip (top and bottom).
        hue: hue jitter, as a fraction of the colour circle: the hue changes by up to this in both directions.
        saturation: the largest factor of the saturation; the inverse of a factor is as likely.
        value: the same for the brightness (value).
        min_visible: a box is dropped if less than this share of its area is left.
        mosaic: the probability of a mosaic of four photos.

    Raises:
        InputError: a value is out of its range.
    """

    enabled: bool = True
    jitter: float = 0.3
    scale_min: float = 0.25
    scale_max: float = 2.0
    hflip: float = 0.5
    vflip: float = 0.0
    hue: float = 0.1
    saturation: float = 1.5
    value: float = 1.5
    min_visible: float = 0.2
    mosaic: float = 0.0

    def __post_init__(self) -> None:
        ranges = {
            "jitter": (0, 1),
            "scale_min": (0, inf),
            "scale_max": (0, inf),
            "hflip": (0, 1),
            "vflip": (0, 1),
            "hue": (0, 0.5),
            "saturation": (1, inf),
            "value": (1, inf),
            "min_visible": (0, 1),
            "mosaic": (0, 1),
        }
        for name, (least, most) in ranges.items():
            given = getattr(self, name)
            if not (isfinite(given) and least <= given <= most):
                raise InputError(f"{name}={given:g} is not from {least} to {most:g}.")
        if self.jitter == 1:
            raise InputError("jitter=1 would make photos 0 px wide.", "Give a number below 1.")
        if self.scale_min == 0:
            raise InputError("scale_min=0 would make photos 0 px large.", "Give more than 0.")
        if self.scale_min > self.scale_max:
            raise InputError(
                f"scale_min={self.scale_min:g} is larger than scale_max={self.scale_max:g}.",
                "Give the smaller size as scale_min.",
            )
