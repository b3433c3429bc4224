"""How to detect: the arguments of `YOLO.predict` that headlab passes on, with the same defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

from headlab.errors import InputError
from headlab.heads.layout import Layout

ANCHOR_FREE_IOU = 0.7
"""`YOLO.predict`'s default."""

ANCHORS_IOU = 0.45
"""darknet's, and that of keras-yolo3's yolo.py."""


class DetectionSettings(TypedDict, total=False):
    """The keyword arguments that say how to detect: the fields of `Settings` apart from the classes.

    For public signatures, `**settings: Unpack[DetectionSettings]`; `Settings` says what each one means.
    """

    conf: float
    iou: float | None
    imgsz: int | tuple[int, int] | None
    max_det: int
    agnostic_nms: bool
    multi_label: bool
    end2end: bool
    device: str | None
    vid_stride: int


@dataclass(frozen=True)
class Settings:
    """Detection settings; the defaults are those of `YOLO.predict`.

    Attributes:
        conf: candidates must score above this.
        iou: NMS merges boxes of one class that overlap more than this; None is 0.7, and 0.45 for heads
            with anchors (YOLOv3), where darknet and keras-yolo3 have it.
        imgsz: the network's input size in px, one number or (height, width), rounded up to a multiple of
            the largest stride; None takes the size the model was made for, or 640. YOLOv3 sees the whole
            input; ultralytics cuts the padding of an image off.
        classes: class numbers to detect; None means all.
        max_det: detections per image at most.
        agnostic_nms: NMS merges across classes.
        multi_label: a candidate counts for every class that scores above `conf`, not for its best
            class only, as in darknet and keras-yolo3. For heads with anchors only: `YOLO.predict` has no
            such thing.
        end2end: use the branch without NMS where the head has one (`nms=False` in ultralytics).
        device: such as "cpu" or "cuda:0"; None lets ultralytics choose.
        vid_stride: take every n-th frame of a video.
    """

    conf: float = 0.25
    iou: float | None = None
    imgsz: int | tuple[int, int] | None = None
    classes: tuple[int, ...] | None = None
    max_det: int = 300
    agnostic_nms: bool = False
    multi_label: bool = False
    end2end: bool = False
    device: str | None = None
    vid_stride: int = 1

    def __post_init__(self) -> None:
        for name, value in (("conf", self.conf), ("iou", self.iou)):
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"{name} is {value}; a number from 0 to 1 was expected.")
        for name, count in (("max_det", self.max_det), ("vid_stride", self.vid_stride)):
            if count < 1:
                raise InputError(f"{name} is {count}; at least 1 was expected.")
        sizes = self.imgsz if isinstance(self.imgsz, tuple) else (self.imgsz or 1,)
        if any(size < 1 for size in sizes):
            raise InputError(f"imgsz is {self.imgsz}; positive pixels were expected.")

    def for_head(self, layout: Layout) -> Settings:
        """These settings with nothing left open that depends on the head.

        Raises:
            InputError: the head does not have what a setting asks for.
        """
        anchors = layout.has_anchors
        if self.multi_label and not anchors:
            raise InputError(
                f"{layout.head}: multi_label is for heads with anchors (YOLOv3); the detections of "
                "ultralytics models are those of YOLO.predict, which takes the best class only.",
                "Leave --multi-label out.",
            )
        if self.end2end and anchors:
            raise InputError(
                f"{layout.head} has no branch without NMS.", "Leave --end2end out for this model."
            )
        if self.iou is not None:
            return self
        return replace(self, iou=ANCHORS_IOU if anchors else ANCHOR_FREE_IOU)
