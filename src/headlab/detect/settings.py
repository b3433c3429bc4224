"""How to detect: the arguments of `YOLO.predict` that headlab has too, with the same defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

from headlab.errors import InputError, UnknownName
from headlab.heads.detection import RESIZES, Resize
from headlab.heads.input_pixels import checked_size
from headlab.heads.layout import Layout


class DetectionSettings(TypedDict, total=False):
    """The keyword arguments that say how to detect: the fields of `Settings` apart from the classes.

    For public signatures, `**settings: Unpack[DetectionSettings]`; `Settings` says what each one means.
    """

    conf: float
    iou: float | None
    imgsz: int | tuple[int, int] | None
    resize: Resize | None
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
        iou: NMS merges boxes of one class that overlap more than this; None is the head's usual threshold:
            0.7, and 0.45 for YOLOv3, as in darknet and keras-yolo3.
        imgsz: the network's input size in px, one number or (height, width), rounded up to a multiple of
            the largest stride; None takes the size the model was made for, or 640. YOLOv3 sees the whole
            input; ultralytics cuts the padding of an image off.
        resize: how photos are brought to that size: "letterbox" scales both sides by one factor and pads;
            "stretch" scales each side by its own, as AlexeyAB's darknet does. None takes what the
            model's .cfg says (`letter_box`), else "letterbox". For YOLOv3 only: `YOLO.predict` letterboxes.
        classes: class numbers to detect; None means all.
        max_det: the most detections per image.
        agnostic_nms: NMS merges across classes.
        multi_label: a candidate counts for every class that scores above `conf`, not for its best
            class only, as in darknet and keras-yolo3. For YOLOv3 only: `YOLO.predict` has no such
            thing.
        end2end: use the branch without NMS where the head has one (`nms=False` in ultralytics).
        device: such as "cpu" or "cuda:0"; None lets ultralytics choose.
        vid_stride: take every n-th frame of a video.
    """

    conf: float = 0.25
    iou: float | None = None
    imgsz: int | tuple[int, int] | None = None
    resize: Resize | None = None
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
        object.__setattr__(self, "imgsz", checked_size(self.imgsz))
        if self.resize is not None and self.resize not in RESIZES:
            raise UnknownName("way to resize", self.resize, RESIZES)

    def for_head(self, layout: Layout) -> Settings:
        """These settings with nothing left open that depends on the head.

        Raises:
            InputError: the head does not have what a setting asks for.
        """
        for refusal in layout.detection.refusals:
            if getattr(self, refusal.setting) not in refusal.accepted:
                raise InputError(refusal.message, refusal.hint)
        usual = layout.detection
        return replace(
            self,
            iou=usual.iou if self.iou is None else self.iou,
            resize=self.resize or usual.resize,
        )
