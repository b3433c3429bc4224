"""A darknet `.cfg` to write: a new one from a description, or the user's own with other classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from textwrap import dedent

from headlab.checkpoint.yolov3.anchor_list import joined_anchors
from headlab.checkpoint.yolov3.architecture import (
    BOX_NUMBERS,
    Convolution,
    Detection,
    Layer,
    MaxPool,
    Route,
    Shortcut,
    Upsample,
)
from headlab.checkpoint.yolov3.darknet.layers import KINDS
from headlab.checkpoint.yolov3.darknet.sections import Section
from headlab.checkpoint.yolov3.description import Description
from headlab.files.text import lines_with_ends

_NEAR_LAYERS = 6
_NUMBER = re.compile(rb"(=\s*)[+\-0-9](?:\s*[0-9])*")


def cfg_text(described: Description) -> str:
    """A complete cfg, which darknet can also train with: its usual training settings are in it."""
    height, width = described.input_hw_px
    blocks = [_NET.format(width=width, height=height)]
    if described.letter_box is not None:
        blocks[0] += f"letter_box={int(described.letter_box)}\n"
    for number, layer in enumerate(described.architecture.layers):
        settings = _settings(layer, number, described)
        lines = [f"[{KINDS[type(layer)]}]", *(f"{key}={value}" for key, value in settings.items())]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def with_classes(data: bytes, sections: Sequence[Section], described: Description) -> bytes:
    """A cfg's contents for other classes; every other byte stays as it is.

    Args:
        data: the contents, in an encoding that extends ASCII.
        sections: of it, as checked by `headlab.checkpoint.yolov3.darknet.cfg.description_of`.
        described: the same model with other classes, whose number goes into `classes=` and, before
            each `[yolo]`, into `filters=`.
    """
    lines = lines_with_ends(data)
    class_count = len(described.class_names)
    heads = [pair for pair in pairwise(sections) if pair[1].kind == "yolo"]
    for (output, head), mask in zip(heads, described.masks, strict=True):
        rows = len(mask) * (BOX_NUMBERS + class_count)
        for section, key, number in ((output, "filters", rows), (head, "classes", class_count)):
            for value in (section.values[key], *section.repeats.get(key, ())):
                at = value.line - 1
                lines[at] = _NUMBER.sub(rb"\g<1>%d" % number, lines[at], count=1)
    return b"".join(lines)


def _settings(layer: Layer, number: int, described: Description) -> dict[str, object]:
    """A layer's settings by key."""
    match layer:
        case Convolution():
            return _convolution(layer)
        case MaxPool(size, stride):
            return {"size": size, "stride": stride}
        case Shortcut(source):
            return {"from": source - number, "activation": "linear"}
        case Route(sources):
            return {"layers": ",".join(str(_reference(at, number)) for at in sources)}
        case Upsample(stride):
            return {"stride": stride}
        case Detection(level):
            return _yolo(level, described)


def _reference(source: int, number: int) -> int:
    """A layer as darknet's own files name it: near ones by their distance, others by their number."""
    distance = number - source
    return -distance if distance <= _NEAR_LAYERS else source


def _convolution(layer: Convolution) -> dict[str, object]:
    normalised = {"batch_normalize": 1} if layer.batch_norm else {}
    return {
        **normalised,
        "filters": layer.out_channels,
        "size": layer.size,
        "stride": layer.stride,
        "pad": 1,
        "activation": "leaky" if layer.batch_norm else "linear",
    }


def _yolo(level: str, described: Description) -> dict[str, object]:
    mask = described.masks[described.level_names.index(level)]
    return {
        "mask": ",".join(map(str, mask)),
        "anchors": joined_anchors(described.anchors_wh_px),
        "classes": len(described.class_names),
        "num": len(described.anchors_wh_px),
        "jitter": ".3",
        "ignore_thresh": ".7",
        "truth_thresh": "1",
        "random": "1",
    }


_NET = dedent(
    """\
    [net]
    batch=64
    subdivisions=16
    width={width}
    height={height}
    channels=3
    momentum=0.9
    decay=0.0005
    angle=0
    saturation=1.5
    exposure=1.5
    hue=.1
    learning_rate=0.001
    burn_in=1000
    max_batches=500200
    policy=steps
    steps=400000,450000
    scales=.1,.1
    """
)
