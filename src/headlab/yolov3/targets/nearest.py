"""The default assignment: every truth gets the best slot that is free, and none is lost silently."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from headlab.errors import InputError
from headlab.yolov3.targets.places import Bools, Floats, Ints, Places, shape_iou
from headlab.yolov3.targets.result import Fate, Targets, made_targets
from headlab.yolov3.targets.truths import TruthRows

Allowed = Callable[[Ints, Places], Bools]
"""Class numbers of K truths, and S places -> which place may serve which truth, (K, S)."""

NOWHERE = -1
"""The flat index of a truth without a slot."""

NOT_OPEN = np.float32(-1)
"""Less than any IoU: for a place that may not serve a truth, or is taken."""

PADDING, ASSIGNED, MOVED, LOST, SKIPPED = (np.int8(fate) for fate in Fate)


def shared(class_ids: Ints, places: Places) -> Bools:
    """Every place may serve every class."""
    return np.ones((len(class_ids), len(places)), np.bool_)


class _Truths(NamedTuple):
    """The K truths with an area in the input; `row` is their index among all rows."""

    row: Ints
    image: Ints
    class_ids: Ints
    centres_px: Floats
    sizes_px: Floats

    def some(self, at: Ints) -> _Truths:
        """Some of the truths."""
        centres, sizes = self.centres_px.take(at, axis=1), self.sizes_px.take(at, axis=1)
        return _Truths(self.row[at], self.image[at], self.class_ids[at], centres, sizes)


def assign_nearest(rows: TruthRows, places: Places, allowed: Allowed = shared) -> Targets:
    """Give every truth a slot of the cell that its centre lies in.

    Boxes are clipped to the input first; those without an area in it are skipped. Every truth asks for the
    place whose anchor has the most similar shape, among those that may serve it. If several ask for the same
    slot, the one most similar to the anchor gets it; ties are decided by x1, y1, x2, y2, class, so that the
    order of the boxes does not matter. The others ask for their next best slot that is free, on any level,
    until all have one or there is none left to ask for: such a truth is lost.

    Args:
        rows: the boxes in input pixels.
        places: the slots at the input size.
        allowed: which place may serve which class.

    Raises:
        InputError: a class number is not one of the model's.
    """
    truths = _with_area(rows, places)
    iou = shape_iou(truths.sizes_px, places)
    if allowed is not shared:
        iou = np.where(allowed(truths.class_ids, places).T, iou, NOT_OPEN)
    first = _flat(truths, iou.argmax(0), rows.batch, places)
    first_iou = iou.max(0)
    first[first_iou < 0] = NOWHERE
    state = np.full(len(first), ASSIGNED)
    flat, order = first, first.argsort(kind="stable")
    by_flat = first.take(order)
    again = by_flat[1:] == by_flat[:-1]
    if again.any():
        flat = _settled(first, first_iou, order, again, iou, truths, rows, places)
        state[flat != first] = MOVED
        order = order.take(flat.take(order).argsort(kind="stable"))
        by_flat = flat.take(order)
    lost = int(by_flat.searchsorted(0))
    state[order[:lost]] = LOST
    order, by_flat = order[lost:], by_flat[lost:]
    fates = np.full(len(rows.image), SKIPPED)
    if len(state) < len(fates):
        fates[rows.padding()] = PADDING
    fates[truths.row] = state

    boxes = np.concatenate((truths.centres_px, truths.sizes_px)) / places.size_xyxy_px
    targets = places.row_of_class.take(truths.class_ids.take(order), axis=0)
    targets[:, :4] = boxes.take(order, axis=1).T
    return made_targets(
        places,
        rows,
        rows=targets,
        flat=by_flat,
        source=truths.row.take(order),
        truths=boxes,
        truth_image=truths.image,
        fates=fates,
    )


def _with_area(rows: TruthRows, places: Places) -> _Truths:
    """The parts of the boxes that lie in the input, if they have an area."""
    corners = np.minimum(np.maximum(rows.columns[:4], 0), places.size_xyxy_px)
    sizes, classes, image = corners[2:] - corners[:2], rows.columns[4], rows.image
    kept = (sizes.min(0) > 0).nonzero()[0]
    if len(kept) < len(image):
        corners, sizes = corners.take(kept, axis=1), sizes.take(kept, axis=1)
        classes, image = classes.take(kept), image.take(kept)
    class_ids = classes.astype(np.int64)
    count = len(places.description.class_names)
    if not (np.minimum(np.maximum(class_ids, 0), count - 1) == classes).all():
        at = kept[((class_ids != classes) | (class_ids < 0) | (class_ids >= count)).argmax()]
        raise InputError(
            f"There is no class number {rows.columns[4, at]:g}: {rows.named(at)}.",
            f"The model has {count} classes, 0 to {count - 1}: its list of classes is not that of the "
            "labels, or is shorter.",
        )
    # The mean of two numbers just below the input's side may round up to the side, which is in no cell.
    centres = np.minimum((corners[:2] + corners[2:]) * np.float32(0.5), places.last_xy_px)
    return _Truths(kept, image, class_ids, centres, sizes)


def _flat(truths: _Truths, place: Ints, batch: int, places: Places) -> Ints:
    """The flat indices of the truths' cells at one place each, (K,), or at several, (n, 1) -> (n, K)."""
    across, down = truths.centres_px
    per_px = places.cells_per_px.take(place)
    column, line = (across * per_px).astype(np.int64), (down * per_px).astype(np.int64)
    return places.flat(batch, place, truths.image, column, line)


def _settled(
    first: Ints,
    first_iou: Floats,
    order: Ints,
    again: Bools,
    iou: Floats,
    truths: _Truths,
    rows: TruthRows,
    places: Places,
) -> Ints:
    """The truths' flat indices after conflicts between those with the same first choice are settled.

    In every round each truth without a slot asks for the best slot that is open. Of those that ask for the
    same slot one gets it, so fewer ask in the next round. A slot that was asked for is never open again.

    Args:
        first: the flat index of every truth's first choice.
        first_iou: its IoU with the truth.
        order: the indices that sort `first`.
        again: in that order, whether the next truth asks for the same slot, (K - 1,).
        iou: of every place with every truth.
        truths: the truths.
        rows: the boxes they are from.
        places: the slots at the input size.
    """
    several = np.zeros(len(order), np.bool_)
    several[1:] = again
    several[:-1] |= again
    asking, taken = order[several], first.take(order)
    flat: Ints = first.copy()
    asking = asking[first_iou.take(asking) >= 0]
    slot, value = first.take(asking), first_iou.take(asking)
    while True:
        asking, slot = _by_slot(asking, slot, value, rows.columns, truths.row)
        flat[asking] = slot
        asking = asking[1:][slot[1:] == slot[:-1]]
        flat[asking] = NOWHERE
        if not len(asking):
            return flat
        slots = _flat(truths.some(asking), places.every, rows.batch, places)
        open_iou = np.where(_are_among(slots, taken), NOT_OPEN, iou.take(asking, axis=1))
        slot = slots[open_iou.argmax(0), np.arange(len(asking))]
        value = open_iou.max(0)
        some = value >= 0
        asking, slot, value = asking[some], slot[some], value[some]
        taken = np.sort(np.concatenate((taken, slot)), kind="stable")


def _are_among(slots: Ints, taken: Ints) -> Bools:
    """Which slots are among the sorted `taken`."""
    among: Bools = taken.take(taken.searchsorted(slots), mode="clip") == slots
    return among


def _by_slot(
    asking: Ints, slot: Ints, value: Floats, columns: Floats, row: Ints
) -> tuple[Ints, Ints]:
    """Which truth asks for which slot, sorted by slot; the first of a slot gets it.

    That is the one with the highest value; of equal ones, the one with the lowest columns.
    """
    ties = columns.take(row.take(asking), axis=1)
    order = np.lexsort((*ties[::-1], -value, slot))
    return asking.take(order), slot.take(order)
