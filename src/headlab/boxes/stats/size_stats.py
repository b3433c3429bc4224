"""How large boxes are at the network's input: by class, by size, by level, and how many an image has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headlab.boxes.overlap import best_anchor
from headlab.boxes.shapes import Resize, Shapes, Units
from headlab.errors import InputError
from headlab.heads.anchor_set import AnchorSet
from headlab.heads.levels import Levels

SMALL_TO_PX, MEDIUM_TO_PX = 32.0, 96.0
"""A box is small below an area of 32 x 32 px, medium below 96 x 96, else large, as COCO counts. COCO takes
the original photo's pixels; here they are those of the boxes given, usually of the network's input.
Reference: T.-Y. Lin et al., "Microsoft COCO", and the detection evaluation of its web site."""

SIZES = ("small", "medium", "large")

_LOW, _HIGH = 5, 95


@dataclass(frozen=True)
class Spread:
    """Where most of some values are: the 5th, the 50th and the 95th of a hundred."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class SizeRow:
    """The sizes of the boxes of a class, or of all.

    Attributes:
        number: the class; None for all.
        name: its name.
        boxes: how many.
        share: of all boxes.
        images: how many have some.
        width: in pixels.
        height: in pixels.
        side: the root of the area, in pixels.
        aspect: width / height.
        area_share: of the network's input, padding included; None if the input is unknown.
        by_size: how many are small, medium, large.
        by_level: how many each level gets, finest first.
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
        images: how many there are.
        without_boxes: how many have none that counts.
        mean: boxes per image.
        median: the same.
        most: boxes of the fullest image.
    """

    images: int
    without_boxes: int
    mean: float
    median: float
    most: int


@dataclass(frozen=True)
class SizeStats:
    """The sizes of boxes.

    Attributes:
        all: of all boxes.
        classes: by class, the most frequent first.
        levels: the head's, finest first.
        anchors: those that say which level a box belongs to; None if its side does.
        unserved: how many boxes have a best anchor that no level has.
        per_image: how many boxes images have.
        input_hw: height and width of the network's input, or None if unknown.
        units: "input" or "original".
        resize: "letterbox" or "stretch", or None.
        skipped: how many boxes were left out, by reason.
    """

    all: SizeRow
    classes: tuple[SizeRow, ...]
    levels: Levels
    anchors: AnchorSet | None
    unserved: int
    per_image: PerImage
    input_hw: tuple[int, int] | None
    units: Units
    resize: Resize | None
    skipped: Mapping[str, int]


def size_stats(shapes: Shapes, images: int, levels: Levels | AnchorSet) -> SizeStats:
    """Describe the sizes of boxes.

    Args:
        shapes: with class numbers and image numbers.
        images: how many images there are, with boxes or without.
        levels: the head's levels, which take boxes by the root of their area (see
            `headlab.heads.levels`), or anchors, of which the best takes a box to its level or levels.

    Raises:
        InputError: there are no boxes, or it is unknown what they show or where they are.
    """
    shapes.check_not_empty()
    if shapes.class_ids is None or shapes.image_ids is None:
        raise InputError(
            "These boxes have no class numbers or no image numbers.", "Give annotations."
        )
    anchors = levels if isinstance(levels, AnchorSet) else None
    known = levels.levels if isinstance(levels, AnchorSet) else levels
    on_level = _by_anchor(shapes, anchors) if anchors is not None else _by_side(shapes, known)
    everything = _Sizes(shapes, shapes.class_ids, shapes.image_ids, _size_of(shapes), on_level)
    numbers, counts = np.unique(shapes.class_ids, return_counts=True)
    return SizeStats(
        all=everything.row(None, np.ones(len(shapes), bool)),
        classes=tuple(
            everything.row(int(number), shapes.class_ids == number)
            for number in numbers[np.argsort(-counts, kind="stable")]
        ),
        levels=known,
        anchors=anchors,
        unserved=int((~on_level.any(axis=0)).sum()),
        per_image=_per_image(shapes.image_ids, images),
        input_hw=shapes.input_hw,
        units=shapes.units,
        resize=shapes.resize,
        skipped=shapes.skipped,
    )


@dataclass(frozen=True)
class _Sizes:
    """Boxes with their size, 0 to 2 (N,), and whether they are on each of L levels (L, N)."""

    shapes: Shapes
    class_ids: npt.NDArray[np.int64]
    image_ids: npt.NDArray[np.int64]
    size_of: npt.NDArray[np.int64]
    on_level: npt.NDArray[np.bool_]

    def row(self, number: int | None, chosen: npt.NDArray[np.bool_]) -> SizeRow:
        """The sizes of some of the boxes, those of one class or of all."""
        w, h = self.shapes.wh[chosen].astype(np.float64).T
        size = self.shapes.input_hw
        return SizeRow(
            number=number,
            name="all" if number is None else self.shapes.class_name(number),
            boxes=len(w),
            share=len(w) / len(self.shapes),
            images=len(np.unique(self.image_ids[chosen])),
            width=_spread(w),
            height=_spread(h),
            side=_spread(np.sqrt(w * h)),
            aspect=_spread(w / h),
            area_share=None if size is None else _spread(w * h / (size[0] * size[1])),
            by_size=tuple(np.bincount(self.size_of[chosen], minlength=len(SIZES)).tolist()),
            by_level=tuple(self.on_level[:, chosen].sum(axis=1).tolist()),
        )


def _spread(values: npt.NDArray[np.float64]) -> Spread:
    low, median, high = np.percentile(values, (_LOW, 50, _HIGH)).tolist()
    return Spread(low, median, high)


def _sides(shapes: Shapes) -> npt.NDArray[np.float64]:
    return np.asarray(np.sqrt(shapes.wh[:, 0].astype(np.float64) * shapes.wh[:, 1]))


def _size_of(shapes: Shapes) -> npt.NDArray[np.int64]:
    return np.searchsorted((SMALL_TO_PX, MEDIUM_TO_PX), _sides(shapes), side="right")


def _by_side(shapes: Shapes, levels: Levels) -> npt.NDArray[np.bool_]:
    level_of = np.searchsorted(levels.edges_px, _sides(shapes), side="right")
    return np.asarray(level_of == np.arange(len(levels))[:, None])


def _by_anchor(shapes: Shapes, anchors: AnchorSet) -> npt.NDArray[np.bool_]:
    _, best = best_anchor(shapes.wh, anchors.wh)
    return np.array([np.isin(best, its) for its in anchors.by_level])


def _per_image(image_ids: npt.NDArray[np.int64], images: int) -> PerImage:
    counts = np.bincount(image_ids, minlength=images)
    return PerImage(
        images=images,
        without_boxes=int((counts == 0).sum()),
        mean=float(counts.mean()),
        median=float(np.median(counts)),
        most=int(counts.max()),
    )
