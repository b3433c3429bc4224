"""The assignment of keras-yolo3, bit by bit, to continue its trainings or compare with them.

These quirks of `preprocess_true_boxes` in keras-yolo3 (commit e6598d13) are all kept:

- Centres are floored to whole pixels, widths and heights are not.
- A later box overwrites an earlier one in the same slot, but the earlier one's class bit stays.
- A row counts as padding when its width is not positive. Padding between boxes shifts the anchors of the
  boxes after it to earlier rows, so that as many of the last rows get no target as there are gaps.
- A height of zero or below is accepted; the loss is then infinite or NaN.
- A negative centre wraps around to the last columns or rows. A negative class number sets the numbers before
  the classes: -1 the objectness, -5 x; from -6 on it wraps around to the last classes.
- A box whose best anchor is in no mask gets no target, and in two masks gets two: with tiny's masks, those
  are anchors 0 and 3.

Where it raises an error, `InputError` is raised: for a class number that is too large or too negative, and
for a centre on the right or lower edge, beyond it, or more than the input's width or height below 0.
"""

from __future__ import annotations

import numpy as np

from headlab.errors import InputError
from headlab.yolov3.targets.places import Floats, Ints, Places
from headlab.yolov3.targets.result import Fate, Targets, made_targets
from headlab.yolov3.targets.truths import TruthRows


def assign_like_keras_yolo3(rows: TruthRows, places: Places) -> Targets:
    """The targets that keras-yolo3 makes; the module lists their quirks.

    Truths without a target of their own count as lost, those with a target on two levels count once. Rows
    whose width is not positive count as skipped, even if such a row between others became a target.

    Raises:
        InputError: a class number is not one of the model's, or a centre is outside; see the module.
    """
    per_slot = 5 + len(places.description.class_names)
    _check_classes(rows, per_slot)
    low, high = rows.columns[:2], rows.columns[2:4]
    sizes = high - low
    # In double precision, then rounded, as NumPy divides float32 by int32.
    pixels = np.concatenate((np.floor((low + high) / 2), sizes))
    fractions = (pixels / places.size_xyxy_px.astype(np.float64)).astype(np.float32)

    valid = (sizes[0] > 0).nonzero()[0]
    best = _best_anchor(sizes[:, valid], places)
    image = rows.image[valid]
    count = np.bincount(image, minlength=rows.batch)
    nth = np.arange(len(valid)) - (count.cumsum() - count)[image]
    written = rows.first[image] + nth

    place = places.of_anchor.take(best, axis=1)
    nth_place, truth = (place >= 0).nonzero()
    place = place[nth_place, truth]
    source = written[truth]
    flat = _flat(rows, source, fractions, place, places)
    order = flat.argsort(kind="stable")
    flat, source = flat[order], source[order]
    last = np.ones(len(flat), np.bool_)
    last[:-1] = flat[1:] != flat[:-1]
    slot = last.cumsum() - last
    column = 5 + rows.columns[4, source].astype(np.int64)
    column[column < 0] += per_slot

    targets = np.zeros((np.count_nonzero(last), per_slot), np.float32)
    targets[slot, column] = 1
    targets[:, :4] = fractions[:, source[last]].T
    targets[:, 4] = 1
    targets[slot[last], column[last]] = 1

    flat, source = flat[last], source[last]
    fates = np.where(sizes[0] > 0, Fate.LOST, Fate.SKIPPED).astype(np.int8)
    fates[source[sizes[0, source] > 0]] = Fate.ASSIGNED
    fates[rows.padding()] = Fate.PADDING
    return made_targets(
        places,
        rows,
        rows=targets,
        flat=flat,
        source=source,
        truths=fractions[:, valid],
        truth_image=image,
        fates=fates,
    )


def _check_classes(rows: TruthRows, per_slot: int) -> None:
    """Refuse class numbers, in padding too, for which the original raises an error."""
    count = per_slot - 5
    classes = rows.columns[4]
    wrong = ((classes >= count) | (np.trunc(classes) < -5 - per_slot)).nonzero()[0]
    if len(wrong):
        raise InputError(
            f"There is no class number {classes[wrong[0]]:g}: {rows.named(wrong[0])}.",
            f"The model has {count} classes, 0 to {count - 1}.",
        )


def _best_anchor(sizes_px: Floats, places: Places) -> Ints:
    """The number of the anchor most similar to each box, among all anchors, even those in no mask.

    The boxes' areas are rounded to single precision, the rest is computed in double precision, as in the
    original.
    """
    anchors = places.every_anchor_wh_px
    width, height = np.minimum(np.maximum(sizes_px, 0).astype(np.float64)[:, None], anchors)
    both = width * height
    areas = sizes_px[0] * sizes_px[1] + anchors[0] * anchors[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        best: Ints = (both / (areas - both)).argmax(0)
    return best


def _flat(rows: TruthRows, source: Ints, fractions: Floats, place: Ints, places: Places) -> Ints:
    """The flat indices of the slots; a negative cell counts from the end, as an index in NumPy does."""
    cells = places.cells_xy[:, place]
    cell = np.floor(fractions[:2, source].astype(np.float64) * cells).astype(np.int64)
    outside = ((cell >= cells) | (cell < -cells)).any(0).nonzero()[0]
    if len(outside):
        height, width = places.input_hw_px
        raise InputError(
            f"A centre is outside the input: {rows.named(source[outside[0]])}.",
            f"keras-yolo3 fails on it too: centres must be below {width} px across and {height} px down; a "
            "centre on the edge is outside.",
        )
    column, line = np.where(cell < 0, cell + cells, cell)
    return places.flat(rows.batch, place, rows.image[source], column, line)
