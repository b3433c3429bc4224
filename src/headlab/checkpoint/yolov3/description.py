"""A YOLOv3 model apart from its weights: network, anchors, classes, input size, epsilon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from headlab.checkpoint.yolov3.architecture import LEVELS, Architecture
from headlab.checkpoint.yolov3.layer_graphs import architecture
from headlab.errors import InputError

Anchor = tuple[float, float]

DARKNET_EPSILON = 1e-6
"""What darknet adds to a variance before it takes the root; it adds about as much after it."""

KERAS_EPSILON = 1e-3
"""What Keras adds to a variance in batch normalisation by default."""

KERAS_TINY_MASKS = ((3, 4, 5), (1, 2, 3))
"""keras-yolo3's masks for six anchors: anchor 0 is unused, anchor 3 serves both levels."""

DEFAULT_INPUT_HW_PX = (416, 416)

LARGEST_INPUT_PX = 32_768
"""The largest side of an input that a file may ask for."""

_COCO_ANCHORS = (
    *((10.0, 13.0), (16.0, 30.0), (33.0, 23.0)),
    *((30.0, 61.0), (62.0, 45.0), (59.0, 119.0)),
    *((116.0, 90.0), (156.0, 198.0), (373.0, 326.0)),
)
_COCO_TINY_ANCHORS = (
    *((10.0, 14.0), (23.0, 27.0), (37.0, 58.0)),
    *((81.0, 82.0), (135.0, 169.0), (344.0, 319.0)),
)


def usual_anchors(variant: str) -> tuple[Anchor, ...]:
    """The anchors of darknet's cfg files, which were fitted to COCO at 416 px."""
    return _COCO_TINY_ANCHORS if variant == "yolov3-tiny" else _COCO_ANCHORS


@dataclass(frozen=True)
class Description:
    """A YOLOv3 model without its weights.

    Attributes:
        variant: "yolov3", "yolov3-spp" or "yolov3-tiny".
        anchors_wh_px: all anchors in pixels of the network's input, in the order of their file.
        masks: for each level, coarsest first, the numbers of its anchors, slot by slot.
        class_names: by class number.
        input_hw_px: the input size that the model was made for.
        batch_norm_epsilon: what is added to the variance: it differs by where the weights come from,
            and belongs to them.
        darknet_version: major, minor and revision in the header of a darknet file.
        seen: how many images the training has seen, in the same header.
        letter_box: whether photos are letterboxed to the input, as AlexeyAB's darknet reads it from the cfg
            (else it stretches them); None if the cfg does not say.
    """

    variant: str
    anchors_wh_px: tuple[Anchor, ...]
    masks: tuple[tuple[int, ...], ...]
    class_names: tuple[str, ...]
    input_hw_px: tuple[int, int] = DEFAULT_INPUT_HW_PX
    batch_norm_epsilon: float = DARKNET_EPSILON
    darknet_version: tuple[int, int, int] = (0, 2, 0)
    seen: int = 0
    letter_box: bool | None = None

    @property
    def level_names(self) -> tuple[str, ...]:
        """The levels, coarsest first."""
        return LEVELS[self.variant]

    @cached_property
    def architecture(self) -> Architecture:
        """The network's layers."""
        slots = [len(mask) for mask in self.masks]
        return architecture(self.variant, len(self.class_names), slots)

    def anchors_of(self, level: str) -> tuple[Anchor, ...]:
        """A level's anchors, slot by slot, as (width, height) in input pixels."""
        mask = self.masks[self.level_names.index(level)]
        return tuple(self.anchors_wh_px[number] for number in mask)


def default_masks(variant: str, anchor_count: int) -> tuple[tuple[int, ...], ...]:
    """The masks that keras-yolo3 uses: the largest anchors go to the coarsest level.

    Nine anchors: [[6,7,8],[3,4,5],[0,1,2]]. Six for tiny: [[3,4,5],[1,2,3]], as in keras-yolo3. Any other
    number is shared out evenly.

    Raises:
        InputError: the anchors cannot be shared out evenly.
    """
    if (variant, anchor_count) == ("yolov3-tiny", 6):
        return KERAS_TINY_MASKS
    levels = len(LEVELS[variant])
    each, rest = divmod(anchor_count, levels)
    if rest or not each:
        raise InputError(
            f"{anchor_count} anchors cannot be shared out among the {levels} levels of {variant}.",
            f"Give a multiple of {levels}, or a .cfg whose masks say which anchor serves which level.",
        )
    return tuple(
        tuple(range(each * (levels - 1 - at), each * (levels - at))) for at in range(levels)
    )


def variant_of_anchors(anchors: Sequence[Anchor]) -> str:
    """The network that keras-yolo3 takes for a number of anchors: tiny for six, else the full one."""
    return "yolov3-tiny" if len(anchors) == 6 else "yolov3"
