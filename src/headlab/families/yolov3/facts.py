"""What `headlab inspect` says of a YOLOv3 model."""

from __future__ import annotations

from collections.abc import Iterator

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.description import DEFAULT_INPUT_HW_PX
from headlab.families.facts import (
    Facts,
    anchor_text,
    classes_text,
    mask_text,
    parameters_text,
    size_text,
)
from headlab.families.yolov3.explain.anchors import unusual_masks
from headlab.families.yolov3.remarks import remarks
from headlab.heads.layout import Layout


def facts(checkpoint: Yolov3Checkpoint, layout: Layout) -> Facts:
    """Its network, file format, input size, epsilon, anchors and masks, and what is unusual about them."""
    described = checkpoint.description
    # Foreign Keras weights do not say their size: their reader takes the usual one.
    size_said = checkpoint.format != "keras" or described.input_hw_px != DEFAULT_INPUT_HW_PX
    return Facts(
        tuple(_summary(checkpoint, layout)),
        "model" if size_said else "default",
        dict(zip(described.level_names, described.masks, strict=True)),
        (*unusual_masks(described), *remarks(checkpoint)),
    )


def _summary(checkpoint: Yolov3Checkpoint, layout: Layout) -> Iterator[tuple[str, str]]:
    described = checkpoint.description
    yield "head", f"{layout.head} ({layout.task}), {classes_text(layout)}"
    yield "network", f"{described.variant}, {parameters_text(checkpoint)}"
    yield "format", ", ".join(_format(checkpoint))
    yield "input", size_text(described.input_hw_px)
    if described.letter_box is not None:
        yield (
            "resize",
            f"{layout.detection.resize} (letter_box={int(described.letter_box)} in its .cfg)",
        )
    yield "batch norm", f"epsilon {described.batch_norm_epsilon:g}"
    yield "anchors", " ".join(map(anchor_text, described.anchors_wh_px))
    masks = zip(described.level_names, described.masks, strict=True)
    yield "masks", ", ".join(f"{level} {mask_text(mask)}" for level, mask in masks)


def _format(checkpoint: Yolov3Checkpoint) -> Iterator[str]:
    described = checkpoint.description
    yield checkpoint.format
    if checkpoint.format == "darknet":
        yield f"version {'.'.join(map(str, described.darknet_version))}"
    if described.seen:
        yield f"{described.seen:,} images seen in training"
