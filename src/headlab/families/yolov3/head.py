"""The layout of a YOLOv3 model: known from its description, and checked against its tensors."""

from __future__ import annotations

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS, STRIDES_PX
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.description import Description
from headlab.checkpoint.yolov3.titles import TITLES
from headlab.heads.layout import ClassRows, Layout, Level


def identify_yolov3(checkpoint: Yolov3Checkpoint) -> Layout:
    """Describe a YOLOv3 checkpoint's head."""
    return layout_of(checkpoint.description)


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
    return Layout(
        head=TITLES[described.variant],
        task="detect",
        levels=tuple(levels),
        class_names=described.class_names,
        end_to_end=False,
        rotated=False,
    )
