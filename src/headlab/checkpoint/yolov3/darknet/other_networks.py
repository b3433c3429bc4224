"""Networks of darknet that headlab does not read, known by how many numbers their weights have.

A detector's outputs are convolutions with (inputs + 1) x anchors x (5 + C) numbers, so that all of them have
`base + step * (5 + C)` numbers: `step` is (inputs + 1) x anchors, added over the outputs, `base` the rest,
from the cfg files of darknet and of AlexeyAB's darknet. The official files for COCO and VOC have these sizes.
"""

from __future__ import annotations

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS

_DETECTORS = {
    "YOLOv4": (63_971_680, 3 * (257 + 513 + 1025)),
    "YOLOv4-tiny": (5_866_464, 3 * (257 + 513)),
    "YOLOv3-tiny with three levels (yolov3-tiny_3l)": (8_991_088, 3 * (129 + 257 + 513)),
    "YOLOv2": (50_547_935, 5 * 1025),
    "YOLOv2-tiny": (11_019_120, 5 * 513),
    "YOLOv2-tiny of VOC": (15_739_760, 5 * 1025),
}
_DARKNET53_CLASSIFIER = 40_620_640 + 1000 * 1025
_MOST_CLASSES = 10_000


def known_by_size(floats: int) -> str:
    """The network whose weights have so many numbers, in words; empty if none is known."""
    if floats == _DARKNET53_CLASSIFIER:
        return "the classifier Darknet-53 for ImageNet"
    for name, (base, step) in _DETECTORS.items():
        outputs, rest = divmod(floats - base, step)
        count = outputs - BOX_NUMBERS
        if rest == 0 and 0 < count <= _MOST_CLASSES:
            return f"{name} with {count} class{'' if count == 1 else 'es'}"
    return ""
