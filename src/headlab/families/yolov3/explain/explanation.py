"""Where a YOLOv3 model's numbers come from, with that model's own numbers."""

from __future__ import annotations

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.families.facts import Section
from headlab.families.yolov3.explain.anchors import explain_anchors, explain_classes
from headlab.families.yolov3.explain.decoding import explain_decoding
from headlab.families.yolov3.explain.freezing import explain_freezing
from headlab.families.yolov3.explain.grids import explain_candidates, explain_grids
from headlab.families.yolov3.explain.slots import explain_outputs, explain_slots
from headlab.heads.layout import Layout


def explanation(
    checkpoint: Yolov3Checkpoint, layout: Layout, input_hw_px: tuple[int, int]
) -> tuple[Section, ...]:
    """The sections that `headlab inspect --explain` prints, in order.

    Args:
        checkpoint: the model, of which only names and shapes of tensors are read.
        layout: its head.
        input_hw_px: the input's height and width in pixels, multiples of the largest stride.
    """
    described = checkpoint.description
    return (
        explain_grids(described, layout, input_hw_px),
        explain_slots(described, layout),
        explain_outputs(described, layout),
        explain_decoding(layout, input_hw_px),
        explain_anchors(described, input_hw_px),
        explain_classes(described, layout, input_hw_px),
        explain_candidates(layout, input_hw_px),
        explain_freezing(described),
    )
