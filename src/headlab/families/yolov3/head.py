"""The layout of a YOLOv3 model, from its description."""

from __future__ import annotations

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS, STRIDES_PX
from headlab.checkpoint.yolov3.description import Description
from headlab.checkpoint.yolov3.titles import TITLES
from headlab.heads.detection import DetectionRules, Refusal
from headlab.heads.layout import ClassRows, Layout, Level

NMS_IOU = 0.45
"""darknet's NMS threshold, and that of keras-yolo3's yolo.py."""


def layout_of(described: Description) -> Layout:
    """Describe the head of a YOLOv3 model.

    The class rows of slot a are the rows a * (5 + C) + 5 … a * (5 + C) + 4 + C of the level's last
    convolution.
    """
    count = len(described.class_names)
    levels = []
    for name in reversed(described.level_names):
        output = described.architecture.output(name)
        rows = ClassRows("one2many", output.weight, output.bias, BOX_NUMBERS, BOX_NUMBERS + count)
        anchors = described.anchors_of(name)
        levels.append(Level(name, STRIDES_PX[name], len(anchors), (rows,), anchors))
    head = TITLES[described.variant]
    return Layout(
        head=head,
        task="detect",
        levels=tuple(levels),
        class_names=described.class_names,
        end_to_end=False,
        rotated=False,
        detection=DetectionRules(
            NMS_IOU,
            "stretch" if described.letter_box is False else "letterbox",
            (_no_end2end(head),),
        ),
    )


def _no_end2end(head: str) -> Refusal:
    return Refusal(
        "end2end",
        f"{head} has no branch without NMS.",
        "Leave --end2end out for this model.",
    )
