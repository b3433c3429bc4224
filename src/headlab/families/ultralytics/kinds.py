"""What headlab knows of each kind of head in ultralytics. A new kind is a new row here.

Reference: ultralytics `nn/modules/head.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

PACKAGES = ("ultralytics.nn.modules", "ultralytics.nn.modules.head")


@dataclass(frozen=True)
class HeadKind:
    """A kind of head whose class logits come from one convolution per level.

    Attributes:
        task: "detect", "segment", "pose" or "obb".
        branches: branch name -> the child of the head that holds one class branch per level.
        rotated: boxes have an angle.
        per_class: convolutions of the head that have a row per class, too, but that prediction does not use.
    """

    task: str
    branches: tuple[tuple[str, str], ...] = (("one2many", "cv3"), ("one2one", "one2one_cv3"))
    rotated: bool = False
    per_class: tuple[str, ...] = ()


SUPPORTED: dict[str, HeadKind] = {
    "Detect": HeadKind("detect"),
    "OBB": HeadKind("obb", rotated=True),
    "OBB26": HeadKind("obb", rotated=True),
    "Pose": HeadKind("pose"),
    "Pose26": HeadKind("pose"),
    "Segment": HeadKind("segment"),
    "Segment26": HeadKind("segment", per_class=("proto.semseg.2",)),
    "v10Detect": HeadKind("detect"),
}

_TEXT = "its class scores come from text embeddings, not from class rows"

REFUSED: dict[str, str] = {
    "Classify": "it classifies whole images: there are no levels or cells",
    "Depth": "it predicts a depth map: there are no classes",
    "RTDETRDecoder": "its detections come from decoder queries, not from cells of a level",
    "SemanticSegment": "it labels pixels: there are no detections",
    "WorldDetect": _TEXT,
    "YOLOEDetect": _TEXT,
    "YOLOESegment": _TEXT,
    "YOLOESegment26": _TEXT,
}
