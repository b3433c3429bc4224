"""Box shapes as the network sees them: widths and heights in pixels of its input.

A photo is letterboxed (scaled by one factor so that it fits, then padded) or stretched to the input, and
boxes with it. Anchors are compared with boxes at the input, so that is where they are fitted and checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from headlab.boxes.overlap import Floats, Sides
from headlab.errors import InputError, UnknownName

if TYPE_CHECKING:
    from headlab.boxes.table import BoxTable

Resize = Literal["letterbox", "stretch"]
Units = Literal["input", "original"]
RESIZES: tuple[str, ...] = get_args(Resize)
UNITS: tuple[str, ...] = get_args(Units)

CLASS_BALANCED = "class-balanced"

ABSURD_PX = 100_000.0
ABSURD_TIMES_INPUT = 4.0
"""A box this many times as large as the network's input is a mistake, not an object."""


@dataclass(frozen=True)
class Shapes:
    """Widths and heights of boxes, and what else is known of them.

    Attributes:
        wh: widths and heights (N, 2), positive.
        class_ids: class numbers (N,), or None.
        image_ids: which image each box is on (N,), or None.
        centres: x and y (N, 2) in pixels of the input, or None.
        class_names: by class number; may be shorter than the numbers.
        input_hw: height and width of the network's input, or None if unknown.
        units: "input", or "original" if the shapes are in pixels of the original photos.
        resize: "letterbox" or "stretch", or None if unknown.
        scales: for each box the factors (N, 2) from original to input pixels, or None.
        skipped: how many boxes were left out, by reason.
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

    def __len__(self) -> int:
        return len(self.wh)

    def class_name(self, number: int) -> str:
        """The class's name, or "class N" if it has none."""
        if 0 <= number < len(self.class_names):
            return self.class_names[number]
        return f"class {number}"

    @property
    def class_count(self) -> int | None:
        """How many classes there are, by name or by number; None if the boxes have none."""
        if self.class_ids is None or not len(self):
            return len(self.class_names) or None
        return max(len(self.class_names), int(self.class_ids.max()) + 1)

    def only(self, chosen: npt.NDArray[Any]) -> Shapes:
        """The boxes at these places, by number or by a mask."""
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
    """Shapes from arrays; boxes whose sides are no sizes are left out and counted.

    Args:
        wh: widths and heights (N, 2) at the network's input.
        class_ids: (N,).
        image_ids: (N,).
        class_names: by class number.
        input_hw: height and width of the network's input, where it is known.

    Raises:
        InputError: an array has another shape, or holds no numbers.
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


def shapes_at_input(
    table: BoxTable,
    imgsz_hw: tuple[int, int] = (416, 416),
    resize: Resize = "letterbox",
    units: Units = "input",
    assume_size: tuple[int, int] | None = None,
) -> Shapes:
    """The shapes of a box table's boxes at the network's input.

    Letterboxing scales both sides by min(H / height, W / width) and pads to the middle; stretching scales
    width by W / width and height by H / height. Photos are turned upright before, as Exif says, and boxes
    with them. Boxes that annotate a crowd, not an object, are left out.

    Args:
        table: annotations in pixels of the original photos.
        imgsz_hw: height and width of the network's input.
        resize: how photos are brought to that size.
        units: "original" leaves the shapes in pixels of the photos, as keras-yolo3's kmeans.py does.
        assume_size: width and height of photos whose size is unknown.

    Raises:
        InputError: the size of a photo is unknown and needed.
        UnknownName: there is no such resize or units.
    """
    for kind, value, known in (("resize", resize, RESIZES), ("units", units, UNITS)):
        if value not in known:
            raise UnknownName(kind, value, known)
    if units == "input":
        table = _upright(table)
    boxes = table.boxes.filter(~table.boxes["crowd"])
    crowd = table.boxes.height - boxes.height
    corners = boxes.select("x1", "y1", "x2", "y2").to_numpy().astype(np.float64)
    image_ids = boxes["image_id"].to_numpy()
    wh = corners[:, 2:] - corners[:, :2]
    centres, scales = None, None
    if units == "input":
        image_wh = _image_sizes(table, assume_size, image_ids)
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
    )
    return _without_bad(shapes)


def box_weights(shapes: Shapes, weights: str | Floats | None) -> npt.NDArray[np.float64] | None:
    """How much each box counts (N,); None if all count alike.

    Raises:
        InputError: the weights do not fit the boxes, or the boxes have no classes.
    """
    if weights is None:
        return None
    if not isinstance(weights, str):
        each = np.asarray(weights, np.float64)
        if each.shape != (len(shapes),) or not (np.isfinite(each) & (each > 0)).all():
            raise InputError(
                f"The weights do not fit the {len(shapes):,} boxes.",
                "Give one positive number each.",
            )
        return each
    if weights != CLASS_BALANCED:
        raise UnknownName("weights", weights, (CLASS_BALANCED,))
    if shapes.class_ids is None:
        raise InputError("The boxes have no classes to balance.", "Leave the weights out.")
    _, number, count = np.unique(shapes.class_ids, return_inverse=True, return_counts=True)
    return np.asarray(len(shapes) / len(count) / count[number], np.float64)


def _upright(table: BoxTable) -> BoxTable:
    """The table with boxes and sizes as the network gets the photos; as it is where they are not there."""
    from headlab.boxes.exif_rotation import upright_table
    from headlab.boxes.photos.search import any_exists

    return upright_table(table)[0] if any_exists(table.images["path"].drop_nulls()) else table


def _image_sizes(
    table: BoxTable, assume_size: tuple[int, int] | None, needed: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Width and height of every photo (images, 2); those without boxes may have any."""
    sizes = table.images.select("width_px", "height_px").to_numpy().astype(np.float64)
    unknown = ~(np.nan_to_num(sizes) > 0).all(axis=1)
    if assume_size is not None:
        sizes = np.where(unknown[:, None], np.array(assume_size, np.float64), sizes)
    elif unknown[needed].any():
        missing = int(unknown[np.unique(needed)].sum())
        first = table.images["image"][int(needed[unknown[needed]][0])]
        raise InputError(
            f"The sizes of {missing:,} photos are unknown, the first being {first}. They are needed to "
            "say how large the boxes are at the network's input.",
            "Make the photos readable (--images FOLDER), or take one size for all with "
            "--assume-size WIDTH,HEIGHT, or stay in the photos' own pixels with --units original.",
        )
    return np.where(np.nan_to_num(sizes) > 0, sizes, 1.0)


def _without_bad(shapes: Shapes) -> Shapes:
    """Without boxes whose sides are no sizes, which are counted by reason."""
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
        "with no finite size": unknown,
        "with no area (zero or negative width or height)": empty,
        f"absurdly large (over {limit:,.0f} px)": absurd,
    }
    counts = {reason: int(bad.sum()) for reason, bad in reasons.items() if bad.any()}
    kept = shapes.only(np.flatnonzero(~(unknown | empty | absurd)))
    return replace(kept, skipped={**shapes.skipped, **counts})
