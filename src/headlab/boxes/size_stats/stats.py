"""How large boxes are at the network's input: by class, by size, by level, and how many an image has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from headlab.boxes.input_size import ImageSize, InputSize, Resize, Units
from headlab.boxes.overlap import best_anchor
from headlab.boxes.shapes import Shapes, shapes_from
from headlab.boxes.size_stats.rows import (
    MEDIUM_TO_PX,
    SIZES,
    SMALL_TO_PX,
    PerImage,
    SizeRow,
    Spread,
)
from headlab.boxes.table import BoxTable, Problem
from headlab.errors import InputError
from headlab.heads.anchor_files import Anchors, as_anchor_set
from headlab.heads.anchor_set import AnchorSet
from headlab.heads.levels import Levels, levels_of
from headlab.plain_text import counted
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure
    from rich.console import RenderableType
    from typing_extensions import Unpack

    from headlab.boxes.reading import ReadSettings

_LOW, _HIGH = 5, 95


@dataclass(frozen=True, repr=False, eq=False)
class SizeStats(Result):
    """The sizes of annotated boxes, by class, by size and by level.

    Attributes:
        all: the sizes of all boxes.
        classes: the sizes by class, the most frequent class first.
        levels: the head's levels, finest first.
        anchors: the anchors that decide which level a box belongs to; None if its side does.
        unserved: how many boxes have a best anchor that no level has.
        per_image: how many boxes images have.
        input_hw: height and width of the network's input, or None if unknown.
        units: "input" or "original".
        resize: "letterbox" or "stretch", or None.
        skipped: how many boxes were left out, by reason.
        unread: problems that annotations were lost to while reading.
        sources: the annotations, as the user named them.
        shapes: the boxes' widths and heights, for the plot.
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
    unread: tuple[Problem, ...]
    sources: tuple[str, ...]
    shapes: Shapes

    title: ClassVar[str] = "box sizes"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png", ".svg")

    def __len__(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    @property
    def table(self) -> pl.DataFrame:
        """One row per class, with the 5th, 50th and 95th percentiles."""
        from headlab.boxes.size_stats.document import rows

        return rows(self)

    @property
    def summary(self) -> str:
        """How many boxes and classes."""
        boxes = counted(self.all.boxes, "box", "boxes")
        return f"{boxes} of {counted(len(self.classes), 'class', 'classes')}"

    def to_dict(self) -> dict[str, Any]:
        """Everything; docs/boxes.md describes the keys."""
        from headlab.boxes.size_stats.document import document

        return document(self)

    def text(self, show_all: bool = False) -> Iterable[RenderableType]:
        """Tables of the most frequent classes, of sizes and of levels.

        Args:
            show_all: every class.
        """
        from headlab.boxes.size_stats.text import stats_text

        return stats_text(self, show_all=show_all)

    def plot(self) -> Figure:
        """Widths and heights of all boxes, sides by class, and the levels of each class."""
        from headlab.boxes.size_stats.plot import plot_stats

        return plot_stats(self)


def stats(
    data: str | Path | Sequence[str | Path] | BoxTable,
    *,
    imgsz: ImageSize = None,
    levels: int | None = None,
    anchors: Anchors | None = None,
    **settings: Unpack[ReadSettings],
) -> SizeStats:
    """Describe the sizes of annotated boxes by class, by size and by level.

    Args:
        data: annotations: a path that `headlab.boxes.read` reads, several, or a box table.
        imgsz: the network's input in pixels: a side, (height, width), or a `headlab.InputSize`; None takes
            what the file of anchors says, else 416.
        levels: how many levels the head has, by default 3; each takes the boxes of its range of sides.
        anchors: a file (anchors.txt, .cfg, .yaml, .json), a fit, or numbers (K, 2); with them, a box
            belongs to the level of its best anchor.
        settings: how data is read: `format`, `names`, `images`, `split`, `encoding`, as of
            `headlab.boxes.read`.

    Raises:
        InputError: data cannot be read or has no boxes, the size of a photo is unknown and needed, or both
            levels and anchors are given.
    """
    if levels is not None and anchors is not None:
        raise InputError(
            "Anchors say which levels there are, so that levels cannot be chosen, too.",
            "Give one of --anchors and --levels.",
        )
    used = None if anchors is None else as_anchor_set(anchors)
    input_size = InputSize.of(imgsz)
    if used is not None:
        used.check_pixels()
        input_size = input_size.or_of(used.input_hw, used.resize)
    shapes, table = shapes_from(data, input_size, **settings)
    if table is None:
        raise InputError("These are not annotations.", "Give a path, or a box table.")
    head = used or levels_of(3 if levels is None else levels)
    return size_stats(shapes, table.images.height, head, table.sources)


def size_stats(
    shapes: Shapes, images: int, levels: Levels | AnchorSet, sources: tuple[str, ...] = ()
) -> SizeStats:
    """Describe the sizes of boxes.

    Args:
        shapes: with class numbers and image numbers.
        images: how many images there are, with boxes or without.
        levels: the head's levels, which take boxes by the root of their area (see
            `headlab.heads.levels`), or anchors, the best of which takes a box to its level or levels.
        sources: the annotations, as the user named them.

    Raises:
        InputError: there are no boxes, or their classes or images are unknown.
    """
    shapes.check_not_empty()
    if shapes.class_ids is None or shapes.image_ids is None:
        raise InputError(
            "These boxes have no class numbers or no image numbers.", "Give annotations."
        )
    anchors = levels if isinstance(levels, AnchorSet) else None
    head = levels.levels if isinstance(levels, AnchorSet) else levels
    on_level = _by_anchor(shapes, anchors) if anchors is not None else _by_side(shapes, head)
    sizes = _Sizes(shapes, shapes.class_ids, shapes.image_ids, _size_of(shapes), on_level)
    numbers, counts = np.unique(shapes.class_ids, return_counts=True)
    return SizeStats(
        all=sizes.row(None, np.ones(len(shapes), bool)),
        classes=tuple(
            sizes.row(int(number), shapes.class_ids == number)
            for number in numbers[np.argsort(-counts, kind="stable")]
        ),
        levels=head,
        anchors=anchors,
        unserved=int((~on_level.any(axis=0)).sum()),
        per_image=_per_image(shapes.image_ids, images),
        input_hw=shapes.input_hw,
        units=shapes.units,
        resize=shapes.resize,
        skipped=shapes.skipped,
        unread=shapes.unread,
        sources=sources,
        shapes=shapes,
    )


@dataclass(frozen=True)
class _Sizes:
    """Boxes with the number of their size, 0 to 2 (N,), and whether they are on each of L levels (L, N)."""

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
    return np.array([np.isin(best, numbers) for numbers in anchors.by_level])


def _per_image(image_ids: npt.NDArray[np.int64], images: int) -> PerImage:
    counts = np.bincount(image_ids, minlength=images)
    return PerImage(
        images=images,
        without_boxes=int((counts == 0).sum()),
        mean=float(counts.mean()),
        median=float(np.median(counts)),
        most=int(counts.max()),
    )
