"""What a loss can be asked for beyond that of keras-yolo3."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from headlab.errors import InputError


@dataclass(frozen=True)
class LossOptions:
    """How the loss is reckoned. The defaults are keras-yolo3's loss, except for `ignore_truths`.

    Attributes:
        ignore_thresh: a candidate whose IoU with a truth is at least this is not punished as background;
            0.5 in keras-yolo3, 0.7 where it trains tiny.
        ignore_truths: which truths that goes for. "image" is every truth of the image, as in the paper
            and in darknet: a box that fits an object is no background, whichever level answers for the
            object, and truths that no slot answers for count too. "level" is only those that a slot of
            the candidate's own level answers for, as in keras-yolo3.
        box: "xywh" for the terms xy and wh; "giou" or "ciou" for one term in their place, 1 minus that
            of the decoded box and the truth. The weight of CIoU's term of aspect is held constant in the
            gradient, as by its authors.
        box_weight: what the terms of the box are multiplied by.
        focal_gamma: the exponent of the focal loss on the confidence; 0 turns it off.
        focal_alpha: the weight of positives there, that of negatives being 1 - alpha; None for 1 and 1.
        label_smoothing: e; class bits become e / 2 and 1 - e / 2.
        class_weights: C numbers that the class term of a truth is multiplied by, by its class.

    Sources: Rezatofighi et al., "Generalized Intersection over Union" (2019); Zheng et al., "Distance-IoU
    Loss" (2020); Lin et al., "Focal Loss for Dense Object Detection" (2017); Szegedy et al., "Rethinking
    the Inception Architecture for Computer Vision" (2016).
    """

    ignore_thresh: float = 0.5
    ignore_truths: Literal["image", "level"] = "image"
    box: Literal["xywh", "giou", "ciou"] = "xywh"
    box_weight: float = 1.0
    focal_gamma: float = 0.0
    focal_alpha: float | None = None
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name, known in (
            ("ignore_truths", ("image", "level")),
            ("box", ("xywh", "giou", "ciou")),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name}={getattr(self, name)!r} is unknown.",
                    f"Give one of {', '.join(known)}.",
                )
        ranges = {
            "ignore_thresh": (self.ignore_thresh, 0, 1),
            "box_weight": (self.box_weight, 0, float("inf")),
            "focal_gamma": (self.focal_gamma, 0, float("inf")),
            "focal_alpha": (self.focal_alpha or 0.0, 0, 1),
            "label_smoothing": (self.label_smoothing, 0, 1),
        }
        for name, (value, least, most) in ranges.items():
            if not (isfinite(value) and least <= value <= most):
                raise InputError(f"{name}={value:g} is not from {least} to {most:g}.")
        if any(not isfinite(weight) or weight < 0 for weight in self.class_weights or ()):
            raise InputError(f"class_weights={self.class_weights} has a weight below 0.")

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the loss's terms."""
        box = ("xy", "wh") if self.box == "xywh" else (self.box,)
        return (*box, "confidence", "class")


KERAS_YOLO3 = LossOptions(ignore_truths="level")
"""The loss of keras-yolo3."""
