"""How to detect: the arguments of `YOLO.predict` that headlab passes on, with the same defaults."""

from __future__ import annotations

from dataclasses import dataclass

from headlab.errors import InputError


@dataclass(frozen=True)
class Settings:
    """Detection settings; the defaults are those of `YOLO.predict`.

    Attributes:
        conf: candidates must score above this.
        iou: NMS merges boxes of one class that overlap more than this.
        imgsz: the network's input size in px, one number or (height, width); None takes the size the
            model was trained at, or 640.
        classes: class numbers to detect; None means all.
        max_det: detections per image at most.
        agnostic_nms: NMS merges across classes.
        end2end: use the branch without NMS where the head has one (`nms=False` in ultralytics).
        device: such as "cpu" or "cuda:0"; None lets ultralytics choose.
        vid_stride: take every n-th frame of a video.
    """

    conf: float = 0.25
    iou: float = 0.7
    imgsz: int | tuple[int, int] | None = None
    classes: tuple[int, ...] | None = None
    max_det: int = 300
    agnostic_nms: bool = False
    end2end: bool = False
    device: str | None = None
    vid_stride: int = 1

    def __post_init__(self) -> None:
        for name, value in (("conf", self.conf), ("iou", self.iou)):
            if not 0 <= value <= 1:
                raise InputError(f"{name} is {value}; a number from 0 to 1 was expected.")
        for name, count in (("max_det", self.max_det), ("vid_stride", self.vid_stride)):
            if count < 1:
                raise InputError(f"{name} is {count}; at least 1 was expected.")
        sizes = self.imgsz if isinstance(self.imgsz, tuple) else (self.imgsz or 1,)
        if any(size < 1 for size in sizes):
            raise InputError(f"imgsz is {self.imgsz}; positive pixels were expected.")
