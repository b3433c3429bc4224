"""Box shapes as the network sees them: widths and heights in pixels of its input.

A photo is letterboxed (scaled by one factor so that it fits, then padded) or stretched to the input, and
its boxes with it. A network compares anchors with boxes at its input, so that is where they are fitted and
checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard, cast

import numpy as np
import numpy.typing as npt

from headlab.boxes.input_size import ImageSize, InputSize, Resize, Units
from headlab.boxes.overlap import Floats, Sides
from headlab.errors import InputError, UnknownName

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from headlab.boxes.reading import ReadSettings
    from headlab.boxes.table import BoxTable, Problem

CLASS_BALANCED = "class-balanced"
Weights: TypeAlias = "Literal['class-balanced'] | Floats | None"
"""How much each box counts: None for all alike, "class-balanced" for each class alike, or a number each."""

ABSURD_PX = 100_000.0
ABSURD_TIMES_INPUT = 4.0
"""A box so many times as large as the network's input is a mistake, not an object."""


@dataclass(frozen=True)
class Shapes:
    """Widths and heights of boxes, and what else is known about them.

    Attributes:
        wh: widths and heights (N, 2), positive.
        class_ids: class numbers (N,), or None.
        image_ids: which image each box is on (N,), or None.
        centres: x and y (N, 2) in pixels of the input, or None.
        class_names: by class number; there may be fewer names than classes.
        input_hw: height and width of the network's input, or None if unknown.
        units: "input", or "original" if the shapes are in pixels of the original photos.
        resize: "letterbox" or "stretch", or None if unknown.
        scales: for each box the factors (N, 2) from original to input pixels, or None.
        skipped: how many boxes were left out, by reason.
        unread: problems that annotations were lost to while reading, and those that reading put right.
    """

    wh: Sides
    class_ids: npt.NDArray[np.int64] | None = None
    image_ids: npt.NDArray[np.int64] | None = None
    centres: npt.NDArray[np.float64] | None = None
    class_names: tuple[str, ...] = ()
    input_hw: tuple[int, int] | None = None
    units: Units = "input"
    resize: Resize | None = None
    scales: npt.NDArray[np.float64] | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.wh)

    def class_name(self, number: int) -> str:
        """The class's name, or "class N" if it has none."""
        if 0 <= number < len(self.class_names):
            return self.class_names[number]
        return f"class {number}"

    @property
    def class_count(self) -> int | None:
        """How many classes there are, by names or by numbers; None if the boxes have neither."""
        if self.class_ids is None or not len(self):
            return len(self.class_names) or None
        return max(len(self.class_names), int(self.class_ids.max()) + 1)

    def only(self, chosen: npt.NDArray[Any]) -> Shapes:
        """Some of the boxes, chosen by number or by a mask."""
        return replace(
            self,
            wh=self.wh[chosen],
            class_ids=None if self.class_ids is None else self.class_ids[chosen],
            image_ids=None if self.image_ids is None else self.image_ids[chosen],
            centres=None if self.centres is None else self.centres[chosen],
            scales=None if self.scales is None else self.scales[chosen],
        )

    def check_not_empty(self) -> None:
        """Refuse to work on nothing.

        Raises:
            InputError: there are no boxes.
        """
        if len(self):
            return
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.skipped.items())
        raise InputError(
            f"There are no boxes to work on.{f' Left out: {reasons}.' if reasons else ''}",
            "headlab boxes check DATA says what is wrong with the annotations.",
        )


def shapes_of(
    wh: npt.ArrayLike,
    class_ids: npt.ArrayLike | None = None,
    *,
    image_ids: npt.ArrayLike | None = None,
    class_names: Sequence[str] = (),
    input_hw: tuple[int, int] | None = None,
) -> Shapes:
    """Shapes from arrays; boxes without a valid size are left out and counted.

    Args:
        wh: widths and heights (N, 2) at the network's input.
        class_ids: (N,).
        image_ids: (N,).
        class_names: by class number.
        input_hw: height and width of the network's input, where it is known.

    Raises:
        InputError: an array has another shape, or does not hold numbers.
    """
    sides = np.asarray(wh)
    if sides.size == 0:
        sides = sides.reshape(0, 2)
    if sides.ndim != 2 or sides.shape[1] != 2 or sides.dtype.kind not in "iuf":
        raise InputError(
            f"Box shapes are an array of {sides.dtype} of shape {sides.shape}.",
            "Give widths and heights as numbers of shape (N, 2).",
        )
    shapes = Shapes(
        sides,
        class_ids=_one_each(class_ids, "class_ids", len(sides)),
        image_ids=_one_each(image_ids, "image_ids", len(sides)),
        class_names=tuple(class_names),
        input_hw=input_hw,
    )
    return _without_bad(shapes)


def _one_each(numbers: npt.ArrayLike | None, name: str, count: int) -> npt.NDArray[np.int64] | None:
    if numbers is None:
        return None
    values = np.asarray(numbers, np.int64)
    if values.shape != (count,):
        raise InputError(
            f"{name} has the shape {values.shape}, but there are {count:,} boxes.",
            "Give one number per box.",
        )
    return values


Data: TypeAlias = "str | Path | Sequence[str | Path] | BoxTable | Shapes | npt.ArrayLike"
"""What `shapes_from` takes."""


def shapes_from(
    data: Data, imgsz: ImageSize = None, **settings: Unpack[ReadSettings]
) -> tuple[Shapes, BoxTable | None]:
    """Box shapes from data of any kind.

    Args:
        data: annotations (what `headlab.boxes.read` reads, or a box table), or widths and heights at
            the network's input (N, 2), or shapes, which stay as they are.
        imgsz: the network's input; see `InputSize`.
        settings: how annotations are read; see `headlab.boxes.read`.

    Returns:
        The shapes, and the annotations, if there are any.

    Raises:
        InputError: the data cannot be read, or the size of a photo is unknown and needed.
    """
    if isinstance(data, Shapes):
        return data, None
    input_size = InputSize.of(imgsz)
    if _are_annotations(data):
        from headlab.boxes.reading import as_table

        table = as_table(data, input_size.assume_size, **settings)
        return shapes_at_input(table, input_size), table
    given = [name for name, value in settings.items() if value is not None]
    if given:
        raise InputError(
            f"These are widths and heights, not annotations: {', '.join(given)} would have no effect.",
            "Leave that out.",
        )
    hw = input_size.hw_px if input_size.units == "input" else None
    return shapes_of(cast("npt.ArrayLike", data), input_hw=hw), None


def _are_annotations(data: Data) -> TypeGuard[str | Path | Sequence[str | Path] | BoxTable]:
    """Whether these are paths or a box table, without importing polars for arrays."""
    if isinstance(data, (list, tuple)) and data:
        return all(isinstance(item, (str, Path)) for item in data)
    return isinstance(data, (str, Path)) or hasattr(data, "images")


def shapes_at_input(table: BoxTable, imgsz: ImageSize = None) -> Shapes:
    """The shapes of a box table's boxes at the network's input.

    Letterboxing scales both sides by min(H / height, W / width) and pads evenly on both sides; stretching
    scales widths by W / width and heights by H / height. Before that, photos and their boxes are rotated as
    Exif says. Boxes that annotate a crowd, not an object, are left out.

    Args:
        table: annotations in pixels of the original photos.
        imgsz: the network's input; see `InputSize`.

    Raises:
        InputError: the size of a photo is unknown and needed, or the boxes are none; see
            `headlab.boxes.mistakes`.
    """
    from headlab.boxes.mistakes import refuse_mistaken

    refuse_mistaken(table)
    input_size = InputSize.of(imgsz)
    imgsz_hw, resize, units = input_size.hw_px, input_size.resize_used, input_size.units
    if units == "input":
        table = _upright(table)
    boxes = table.boxes.filter(~table.boxes["crowd"])
    crowd = table.boxes.height - boxes.height
    corners = boxes.select("x1", "y1", "x2", "y2").to_numpy().astype(np.float64)
    image_ids = boxes["image_id"].to_numpy()
    wh = corners[:, 2:] - corners[:, :2]
    centres, scales = None, None
    if units == "input":
        image_wh = _image_sizes_wh(table, input_size.assume_size, image_ids)
        input_wh = np.array(imgsz_hw[::-1], np.float64)
        by_image = input_wh / image_wh
        if resize == "letterbox":
            by_image = np.repeat(by_image.min(axis=1, keepdims=True), 2, axis=1)
        scales = by_image[image_ids]
        padding = (input_wh - image_wh[image_ids] * scales) / 2
        wh = wh * scales
        centres = (corners[:, :2] + corners[:, 2:]) / 2 * scales + padding
    shapes = Shapes(
        wh=wh,
        class_ids=boxes["class_id"].to_numpy(),
        image_ids=image_ids,
        centres=centres,
        class_names=table.class_names,
        input_hw=imgsz_hw if units == "input" else None,
        units=units,
        resize=resize if units == "input" else None,
        scales=scales,
        skipped={"marked as a crowd": crowd} if crowd else {},
        unread=(*table.unread, *table.put_right),
    )
    return _without_bad(shapes)


def box_weights(shapes: Shapes, weights: Weights) -> npt.NDArray[np.float64] | None:
    """How much each box counts (N,); None if all count alike.

    Raises:
        InputError: the weights do not fit the boxes, or the boxes have no classes.
    """
    if weights is None:
        return None
    if not isinstance(weights, str):
        by_box = np.asarray(weights, np.float64)
        if by_box.shape != (len(shapes),) or not (np.isfinite(by_box) & (by_box > 0)).all():
            raise InputError(
                f"The weights do not fit the {len(shapes):,} boxes.",
                "Give a positive number for each box.",
            )
        return by_box
    if weights != CLASS_BALANCED:
        raise UnknownName("weights", weights, (CLASS_BALANCED,))
    if shapes.class_ids is None:
        raise InputError("The boxes have no classes to balance.", "Leave the weights out.")
    _, number, count = np.unique(shapes.class_ids, return_inverse=True, return_counts=True)
    return np.asarray(len(shapes) / len(count) / count[number], np.float64)


def _upright(table: BoxTable) -> BoxTable:
    """The table rotated as Exif says; as it is where the photos do not exist."""
    from headlab.boxes.exif_rotation import upright_table
    from headlab.boxes.photos.search import any_exists

    return upright_table(table)[0] if any_exists(table.images["path"].drop_nulls()) else table


def _image_sizes_wh(
    table: BoxTable, assume_size: tuple[int, int] | None, needed: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Width and height of every photo (images, 2); those without boxes may have any."""
    sizes = table.images.select("width_px", "height_px").to_numpy().astype(np.float64)
    unknown = ~(np.nan_to_num(sizes) > 0).all(axis=1)
    if assume_size is not None:
        sizes = np.where(unknown[:, None], np.array(assume_size[::-1], np.float64), sizes)
    elif unknown[needed].any():
        missing = int(unknown[np.unique(needed)].sum())
        first = table.images["image"][int(needed[unknown[needed]][0])]
        raise InputError(
            f"The sizes of {missing:,} photos are unknown; the first is {first}. They are needed to compute "
            "how large the boxes are at the network's input.",
            "Say where the photos are (--images DIR), or assume one size for all with --assume-size "
            "HEIGHT,WIDTH, or stay in the photos' own pixels with --units original.",
        )
    return np.where(np.nan_to_num(sizes) > 0, sizes, 1.0)


def _without_bad(shapes: Shapes) -> Shapes:
    """Without the boxes that have no valid size; these are counted by reason."""
    wh = shapes.wh
    limit = ABSURD_PX
    if shapes.input_hw is not None:
        limit = min(limit, ABSURD_TIMES_INPUT * max(shapes.input_hw))
    if not len(wh) or (wh.min() > 0 and wh.max() <= limit):
        return shapes
    sides = wh.astype(np.float64)
    unknown = ~np.isfinite(sides).all(axis=1)
    empty = ~unknown & (sides <= 0).any(axis=1)
    absurd = ~unknown & ~empty & (sides > limit).any(axis=1)
    reasons = {
        "with NaN or infinite sides": unknown,
        "with no area (zero or negative width or height)": empty,
        f"absurdly large (over {limit:,.0f} px)": absurd,
    }
    counts = {reason: int(bad.sum()) for reason, bad in reasons.items() if bad.any()}
    kept = shapes.only(np.flatnonzero(~(unknown | empty | absurd)))
    return replace(kept, skipped={**shapes.skipped, **counts})
