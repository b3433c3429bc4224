"""How detections of a head are made where the user does not say, and what cannot be asked of it."""

from __future__ import annotations

from dataclasses import dataclass

USUAL_IOU = 0.7
"""The NMS threshold of `YOLO.predict`."""


@dataclass(frozen=True)
class Refusal:
    """A detection setting that a head does not have.

    Attributes:
        setting: its name in `headlab.detect.settings.Settings`; refused is any value but False and None.
        message: what to say to whoever sets it.
        hint: what to do instead.
    """

    setting: str
    message: str
    hint: str


@dataclass(frozen=True)
class DetectionRules:
    """What a head says of detection settings.

    Attributes:
        iou: NMS merges boxes of one class that overlap more than this.
        refusals: the settings that it does not have.
    """

    iou: float = USUAL_IOU
    refusals: tuple[Refusal, ...] = ()
