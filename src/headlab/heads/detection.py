"""How detections of a head are made where the user does not say, and what cannot be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Resize = Literal["letterbox", "stretch"]
RESIZES: tuple[Resize, ...] = get_args(Resize)
"""How a photo is brought to the network's input: by one factor and padded, or each side by its own."""

USUAL_IOU = 0.7
"""The NMS threshold of `YOLO.predict`."""


@dataclass(frozen=True)
class Refusal:
    """A detection setting that a head does not have.

    Attributes:
        setting: its name in `headlab.detect.settings.Settings`.
        message: what to say to whoever sets it.
        hint: what to do instead.
        accepted: the values that are not refused.
    """

    setting: str
    message: str
    hint: str
    accepted: tuple[object, ...] = (None, False)


@dataclass(frozen=True)
class DetectionRules:
    """What a head says of detection settings.

    Attributes:
        iou: NMS merges boxes of one class that overlap more than this.
        resize: how photos are brought to the network's input.
        refusals: the settings that it does not have.
    """

    iou: float = USUAL_IOU
    resize: Resize = "letterbox"
    refusals: tuple[Refusal, ...] = ()
