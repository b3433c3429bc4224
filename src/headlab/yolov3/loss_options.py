"""Options of the loss, beyond that of keras-yolo3."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from headlab.errors import InputError


@dataclass(frozen=True)
class LossOptions:
    """How the loss is computed. The defaults give keras-yolo3's loss, except for `ignore_truths`.

    Attributes:
        ignore_thresh: a candidate whose IoU with a truth is at least this is not penalised as background;
            0.5 in keras-yolo3, 0.7 when it trains YOLOv3-tiny.
        ignore_truths: with which truths. "image" is every truth of the image, as in the paper and in darknet:
            a box that fits an object is not background, whichever level is responsible for the object, and
            truths for which no slot is responsible count too. "level" is only those for which a slot of the
            candidate's own level is responsible, as in keras-yolo3.
        box: "xywh" for the terms xy and wh; "giou" or "ciou" for one term instead of them: 1 minus the GIoU
            or CIoU of the decoded box and the truth. The weight of CIoU's aspect ratio term has no gradient,
            as in the paper.
        box_weight: the factor of the box terms.
        focal_gamma: the exponent of the focal loss on the confidence; 0 turns it off.
        focal_alpha: the weight of positives there, negatives having 1 - alpha; None weights both by 1.
        label_smoothing: e; class bits become e / 2 and 1 - e / 2.
        class_weights: C factors of the class term, by the truth's class.

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
            raise InputError(
                f"class_weights={self.class_weights} has a weight that is negative, NaN or infinite."
            )

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the loss's terms."""
        box = ("xy", "wh") if self.box == "xywh" else (self.box,)
        return (*box, "confidence", "class")


KERAS_YOLO3 = LossOptions(ignore_truths="level")
"""The loss of keras-yolo3."""
