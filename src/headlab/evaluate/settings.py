"""How to evaluate; the defaults are those of COCO evaluations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

from headlab.detect import settings as detection
from headlab.evaluate.scoring import MAX_DET
from headlab.heads.detection import Resize
from headlab.heads.layout import Layout

_NOTHING_ABOVE = 1.0


class EvaluationSettings(TypedDict, total=False):
    """The keyword arguments that say how to evaluate: the fields of `Settings`, which says what each means.

    For public signatures, `**settings: Unpack[EvaluationSettings]`.
    """

    conf: float
    iou: float | None
    imgsz: int | tuple[int, int] | None
    resize: Resize | None
    max_det: int
    best_class: bool
    end2end: bool
    difficult: bool
    device: str | None


@dataclass(frozen=True)
class Settings:
    """Settings of an evaluation.

    Attributes:
        conf: candidates must score above this; it is low so that precision is known at every recall.
        iou: NMS merges boxes of one class that overlap more; None is 0.7, and 0.45 for YOLOv3.
        imgsz: the network's input size in px, one number or (height, width); None takes the model's.
        resize: how photos are brought to that size; None is what the model's .cfg says, else "letterbox".
        max_det: detections per photo at most; of each class at most 100 of them count, as in COCO.
        best_class: a candidate counts for its best class only, not for every class above `conf`.
        end2end: use the branch without NMS where the head has one.
        difficult: Pascal VOC's difficult boxes count like any others, instead of being neither right nor
            wrong as in VOC's own evaluation.
        device: such as "cpu" or "cuda:0"; None lets ultralytics choose.
    """

    conf: float = 0.001
    iou: float | None = None
    imgsz: int | tuple[int, int] | None = None
    resize: Resize | None = None
    max_det: int = 300
    best_class: bool = False
    end2end: bool = False
    difficult: bool = False
    device: str | None = None

    def __post_init__(self) -> None:
        self._as_detection()

    def for_head(self, layout: Layout) -> Settings:
        """These settings with nothing left open that depends on the head.

        Raises:
            InputError: the head does not have what a setting asks for.
        """
        decided = self._as_detection().for_head(layout)
        return replace(self, iou=decided.iou, resize=decided.resize)

    @property
    def counted(self) -> int:
        """How many detections of each class count in each photo."""
        return min(self.max_det, MAX_DET)

    def forward(self) -> detection.Settings:
        """Settings of the forward pass, in which no candidate reaches the detector's own NMS."""
        return replace(self._as_detection(), conf=_NOTHING_ABOVE)

    def _as_detection(self) -> detection.Settings:
        """The same as detection settings.

        Raises:
            InputError: a value is out of range.
        """
        return detection.Settings(
            conf=self.conf,
            iou=self.iou,
            imgsz=self.imgsz,
            resize=self.resize,
            max_det=self.max_det,
            end2end=self.end2end,
            device=self.device,
        )
