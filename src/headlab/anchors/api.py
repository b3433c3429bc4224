"""Fit, check and compare anchors for data of any kind: files, box tables or arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeGuard, cast

import numpy.typing as npt

from headlab.anchors.checking import Check, check_shapes, with_levels
from headlab.anchors.choose_k import MOST_K, curve_over_k
from headlab.anchors.class_loss import PerClass, per_class_shapes
from headlab.anchors.fitting import RESTARTS, Fit, fit_shapes
from headlab.boxes.overlap import Floats
from headlab.boxes.shapes import Resize, Shapes, Units, shapes_at_input, shapes_of
from headlab.boxes.stats.size_stats import SizeStats, size_stats
from headlab.errors import InputError
from headlab.heads.anchor_files import read_anchor_set
from headlab.heads.anchor_set import AnchorSet, anchor_set
from headlab.heads.levels import Method, levels_of

if TYPE_CHECKING:
    from headlab.boxes.table import BoxTable

Data: TypeAlias = "str | Path | BoxTable | Shapes | npt.ArrayLike"
Size: TypeAlias = "int | tuple[int, int]"
Tracked: TypeAlias = Callable[[Iterable[int]], Iterable[int]]

INPUT_PX = 416


def fit(
    data: Data,
    k: int | str = 9,
    *,
    imgsz: Size = INPUT_PX,
    resize: Resize = "letterbox",
    units: Units = "input",
    assume_size: tuple[int, int] | None = None,
    objective: str = "iou",
    weights: str | Floats | None = None,
    seed: int = 0,
    restarts: int = RESTARTS,
    levels: int = 3,
    assign: Method = "even",
    most_k: int = MOST_K,
    tracked: Tracked = iter,
) -> Fit:
    """Fit anchors to annotations.

    Args:
        data: annotations (a path that `headlab.boxes.read` reads, or a box table), or widths and heights at
            the network's input (N, 2).
        k: how many anchors; "auto" chooses it by the curve of mean IoU.
        imgsz: side, or height and width, of the network's input in pixels.
        resize: how photos are brought to that size.
        units: "original" stays in pixels of the photos, as keras-yolo3's kmeans.py does.
        assume_size: width and height of photos whose size is unknown.
        objective: "iou" or "recall"; see `headlab.anchors.fitting.fit_shapes`.
        weights: None, "class-balanced", or one number per box.
        seed: of the random starts.
        restarts: how many random starts.
        levels: how many levels the head has.
        assign: how anchors are shared out among the levels: "even", "range" or "split".
        most_k: the largest k that "auto" tries.
        tracked: wraps the iteration over k, for a progress bar.

    Returns:
        The anchors, ascending by area, with masks and figures.

    Raises:
        InputError: the data cannot be read or has no boxes, or an argument is out of range.
    """
    shapes = as_shapes(data, imgsz, resize, units, assume_size)
    curve = None
    if isinstance(k, str):
        if k != "auto":
            raise InputError(f"k is {k!r}.", 'Give a number of anchors, or "auto".')
        curve = curve_over_k(
            shapes,
            levels=levels,
            most=most_k,
            objective=objective,
            weights=weights,
            seed=seed,
            tracked=tracked,
        )
        k = curve.chosen
    made = fit_shapes(
        shapes,
        k,
        objective=objective,
        weights=weights,
        seed=seed,
        restarts=restarts,
        levels=levels,
        method=assign,
    )
    return replace(made, curve=curve)


def check(
    anchors: str | Path | AnchorSet | Fit | npt.ArrayLike,
    data: Data,
    *,
    imgsz: Size | None = None,
    resize: Resize = "letterbox",
    units: Units = "input",
    assume_size: tuple[int, int] | None = None,
    levels: int | None = None,
    seed: int = 0,
) -> Check:
    """Check anchors against annotations.

    Args:
        anchors: a file (anchors.txt, .cfg, .yaml, .json), a fit, or numbers (K, 2).
        data: as of `fit`.
        imgsz: as of `fit`; None takes what the file of anchors names, else 416.
        resize: as of `fit`.
        units: as of `fit`.
        assume_size: as of `fit`.
        levels: share the anchors out evenly among so many levels, whatever the file says.
        seed: of the fit that says what is reachable.

    Raises:
        InputError: a file cannot be read, or there are no boxes.
    """
    used = as_anchor_set(anchors)
    if levels is not None:
        used = with_levels(used, levels)
    size = imgsz if imgsz is not None else used.input_hw or INPUT_PX
    shapes = as_shapes(data, size, resize, units, assume_size)
    stretched = None
    if shapes.resize == "letterbox" and not isinstance(data, Shapes):
        stretched = as_shapes(_read(data), size, "stretch", units, assume_size)
    return check_shapes(shapes, used, stretched=stretched, seed=seed)


def per_class(
    data: Data,
    k: int = 9,
    *,
    imgsz: Size = INPUT_PX,
    resize: Resize = "letterbox",
    units: Units = "input",
    assume_size: tuple[int, int] | None = None,
    levels: int = 3,
    seed: int = 0,
    tracked: Tracked = iter,
) -> PerClass:
    """Say what every class loses by sharing anchors with the others.

    Args:
        data: as of `fit`; an array has no classes, so `Shapes` with class numbers is needed.
        k: how many anchors are shared, and how many each class gets for itself.
        imgsz: as of `fit`.
        resize: as of `fit`.
        units: as of `fit`.
        assume_size: as of `fit`.
        levels: as of `fit`.
        seed: of the fits, the folds and the resampling.
        tracked: wraps the iteration over classes, for a progress bar.

    Raises:
        InputError: the data cannot be read, or has no boxes or no classes.
    """
    shapes = as_shapes(data, imgsz, resize, units, assume_size)
    return per_class_shapes(shapes, k, seed=seed, levels=levels, tracked=tracked)


def stats(
    data: str | Path | BoxTable,
    *,
    imgsz: Size | None = None,
    resize: Resize = "letterbox",
    units: Units = "input",
    assume_size: tuple[int, int] | None = None,
    levels: int = 3,
    anchors: str | Path | AnchorSet | Fit | npt.ArrayLike | None = None,
) -> SizeStats:
    """Describe the sizes of annotated boxes by class, by size and by level.

    Args:
        data: annotations: a path, or a box table.
        imgsz: as of `check`.
        resize: as of `fit`.
        units: as of `fit`.
        assume_size: as of `fit`.
        levels: how many levels the head has; each takes the boxes of its range of sides.
        anchors: as of `check`; with them, a box belongs to the level of its best anchor.

    Raises:
        InputError: the data cannot be read, has no boxes, or the size of a photo is unknown and needed.
    """
    used = None if anchors is None else as_anchor_set(anchors)
    size = imgsz if imgsz is not None else (used and used.input_hw) or INPUT_PX
    table = _read(data)
    if not _is_table(table):
        raise InputError("These are no annotations.", "Give a path, or a box table.")
    shapes = as_shapes(table, size, resize, units, assume_size)
    return size_stats(shapes, table.images.height, used or levels_of(levels))


def as_shapes(
    data: Data,
    imgsz: Size = INPUT_PX,
    resize: Resize = "letterbox",
    units: Units = "input",
    assume_size: tuple[int, int] | None = None,
) -> Shapes:
    """Box shapes from data of any kind; see `fit`.

    Raises:
        InputError: the data cannot be read, or the size of a photo is unknown and needed.
    """
    if isinstance(data, Shapes):
        return data
    hw = (imgsz, imgsz) if isinstance(imgsz, int) else (imgsz[0], imgsz[1])
    if min(hw) < 1:
        raise InputError(f"An input of {hw[1]} x {hw[0]} px has no area.", "Give 416, for example.")
    known = _read(data)
    if _is_table(known):
        return shapes_at_input(known, hw, resize, units, assume_size)
    return shapes_of(cast("npt.ArrayLike", known), input_hw=hw if units == "input" else None)


def as_anchor_set(anchors: str | Path | AnchorSet | Fit | npt.ArrayLike) -> AnchorSet:
    """Anchors and their levels from a file, a fit or numbers.

    Raises:
        InputError: the file cannot be read, or these are no anchors.
    """
    if isinstance(anchors, AnchorSet):
        return anchors
    if isinstance(anchors, Fit):
        strides = anchors.assignment.levels.strides_px[::-1]
        return anchor_set(
            anchors.anchors_wh, anchors.masks, strides_px=strides, input_hw=anchors.input_hw
        )
    if isinstance(anchors, (str, Path)):
        return read_anchor_set(anchors)
    return anchor_set(anchors)


def _read(data: str | Path | BoxTable | npt.ArrayLike) -> BoxTable | npt.ArrayLike:
    if not isinstance(data, (str, Path)):
        return data
    from headlab.boxes.reading import read

    return read(data)


def _is_table(data: BoxTable | npt.ArrayLike) -> TypeGuard[BoxTable]:
    """Whether this is a box table, told without importing polars for arrays."""
    return hasattr(data, "boxes") and hasattr(data, "images")
