"""What is said of the boxes of a class, or of all boxes."""

from __future__ import annotations

from dataclasses import dataclass

SMALL_TO_PX, MEDIUM_TO_PX = 32.0, 96.0
"""A box is small below an area of 32 x 32 px, medium below 96 x 96 px, else large, as in COCO. COCO measures
in pixels of the original photo; here they are those of the boxes given, usually of the network's input.
Reference: T.-Y. Lin et al., "Microsoft COCO", and the detection evaluation of its web site."""

SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Spread:
    """The range of most of some values: their 5th, 50th and 95th percentile."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class SizeRow:
    """The sizes of the boxes of a class, or of all.

    Attributes:
        number: the class number; None for all boxes.
        name: the class name.
        boxes: how many boxes there are.
        share: their share of all boxes.
        images: how many images have such boxes.
        width: in pixels.
        height: in pixels.
        side: the square root of the area, in pixels.
        aspect: width / height.
        area_share: share of the area of the network's input, padding included; None if the input is unknown.
        by_size: how many boxes are small, medium, large.
        by_level: how many boxes each level gets, finest first.
    """

    number: int | None
    name: str
    boxes: int
    share: float
    images: int
    width: Spread
    height: Spread
    side: Spread
    aspect: Spread
    area_share: Spread | None
    by_size: tuple[int, ...]
    by_level: tuple[int, ...]


@dataclass(frozen=True)
class PerImage:
    """How many boxes an image has.

    Attributes:
        images: how many images there are.
        without_boxes: how many images have no box that counts.
        mean: mean number of boxes per image.
        median: median number of boxes per image.
        most: largest number of boxes on one image.
    """

    images: int
    without_boxes: int
    mean: float
    median: float
    most: int
