"""What is wrong with anchors, in plain words, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from headlab.anchors.checking.matching import LevelRow, Matches
from headlab.anchors.checking.units import Rescaling
from headlab.boxes.overlap import Coverage, iou_matrix, pairs_text
from headlab.heads.anchor_set import KERAS_TINY_MASKS, TINY_MASKS, AnchorSet
from headlab.heads.levels import unsuited

Severity = Literal["problem", "warning", "note"]

SAME, ALIKE = 0.98, 0.9
EXPLAINS = 0.65
"""A factor explains a shortfall in overlap if it makes up for this share of it."""

_REFIT = "Fit anchors to this data: headlab anchors fit DATA."
_SORT = (
    "Sort the anchors by area, smallest first, with the largest in the mask of the coarsest level; a network "
    "that was trained with the old order has to be trained again."
)


@dataclass(frozen=True)
class Finding:
    """Something that costs accuracy, or may cost some.

    Attributes:
        severity: a problem should be fixed before training; a warning may be intended; a note informs.
        kind: a short name, the same for all findings of a kind, such as "units".
        message: what was found, in a sentence.
        advice: what to do; empty if there is nothing to do.
    """

    severity: Severity
    kind: str
    message: str
    advice: str = ""


def about_units(
    rescaling: Rescaling, reachable: Coverage, unit: str, of_photos: bool
) -> Iterator[Finding]:
    """The anchors are in another unit than the boxes.

    Anchors for other objects often gain from a factor, too. Those in another unit reach nearly as much as a
    fit does with the factor alone.

    Args:
        rescaling: the common factor that fits best.
        reachable: what a fit of the same number of anchors reaches.
        unit: the unit that they are probably in.
        of_photos: whether, judging by the factor, that is pixels of the original photos.
    """
    changed = not 0.87 <= rescaling.factor <= 1.15
    least = 0.005 if of_photos else 0.03
    shortfall = reachable.mean_iou - (rescaling.mean_iou - rescaling.gain)
    explained = rescaling.gain >= EXPLAINS * shortfall
    if rescaling.gain < least or not explained or not (changed or of_photos):
        return
    severity: Severity = "note"
    if rescaling.gain >= 0.03:
        severity = "problem" if rescaling.gain >= 0.05 else "warning"
    yield Finding(
        severity,
        "units",
        f"Multiplied by {rescaling.factor:.3g}, all anchors together would fit "
        f"{'much ' if severity == 'problem' else ''}better: mean IoU {rescaling.mean_iou:.3f}, "
        f"which is {rescaling.gain:.3f} more. "
        f"They {'look like' if severity == 'problem' else 'may be'} {unit}.",
        f"Multiply them by about {rescaling.factor:.3g}, or fit them at the network's input size with "
        "headlab anchors fit DATA --imgsz N.",
    )


def about_stretching(letterboxed: Coverage, stretched: Coverage | None) -> Iterator[Finding]:
    """The anchors fit photos that are stretched to the input."""
    if stretched is None or stretched.mean_iou - letterboxed.mean_iou < 0.015:
        return
    yield Finding(
        "warning",
        "resize",
        f"The anchors fit photos stretched to the input (mean IoU {stretched.mean_iou:.3f}) better than "
        f"letterboxed ones ({letterboxed.mean_iou:.3f}).",
        "If the training stretches photos, as darknet does, check with --resize stretch; if not, fit new "
        "anchors.",
    )


def about_order(anchors: AnchorSet) -> Iterator[Finding]:
    """The anchors are not sorted by area, or a level has larger ones than the next coarser level."""
    areas, widths = anchors.sides**2, anchors.wh[:, 0]
    by_width = bool((np.diff(widths) >= 0).all())
    if (np.diff(areas) < 0).any():
        how = (
            "sorted by width instead of area, as keras-yolo3's kmeans.py sorts them"
            if by_width
            else "not sorted by area"
        )
        mixed = _mixed_levels(anchors)
        where = (
            f" This mixes the levels: {mixed[0]}."
            if mixed
            else " Every level still has its own sizes."
        )
        yield Finding(
            "problem" if mixed else "note",
            "order",
            f"The anchors are {how}.{where}",
            _SORT if mixed else "",
        )
    elif mixed := _mixed_levels(anchors):
        yield Finding(
            "problem",
            "masks",
            f"Anchors are in the wrong mask: {mixed[0]}.",
            f"For sorted anchors, and levels from coarse to fine, use masks such as {_even(anchors)}.",
        )


def _even(anchors: AnchorSet) -> str:
    parts = np.array_split(np.arange(len(anchors)), len(anchors.levels))[::-1]
    return "; ".join(",".join(map(str, part)) for part in parts)


def _mixed_levels(anchors: AnchorSet) -> list[str]:
    """Anchors of a finer level that are larger than one of a coarser level."""
    mixed = []
    for fine, coarse in combinations(range(len(anchors.levels)), 2):
        for a in anchors.by_level[fine]:
            for b in anchors.by_level[coarse]:
                if anchors.sides[a] > anchors.sides[b]:
                    names = anchors.levels.names
                    mixed.append(
                        f"anchor {a} ({anchors.sides[a]:.4g} px, the root of its area) is on {names[fine]}, "
                        f"anchor {b} ({anchors.sides[b]:.4g} px) on the coarser {names[coarse]}"
                    )
    return mixed


def about_duplicates(anchors: AnchorSet) -> Iterator[Finding]:
    """Two anchors are the same, or nearly."""
    overlap = np.triu(iou_matrix(anchors.wh, anchors.wh), 1)
    same = pairs_text(overlap >= SAME)
    alike = pairs_text((overlap >= ALIKE) & (overlap < SAME))
    if same:
        yield Finding(
            "problem",
            "duplicates",
            f"Anchors {same} are the same: one of each pair gets no boxes.",
            _REFIT,
        )
    if alike:
        yield Finding(
            "warning",
            "duplicates",
            f"Anchors {alike} are nearly alike (overlap over {ALIKE}).",
            "Fewer anchors would do nearly as well.",
        )


def about_masks(anchors: AnchorSet, matches: Matches) -> Iterator[Finding]:
    """An anchor is in no mask, or in several."""
    boxes = np.bincount(matches.anchor, minlength=len(anchors))
    uses = [len(anchors.levels_with(number)) for number in range(len(anchors))]
    unused = [number for number, count in enumerate(uses) if count == 0]
    twice = [number for number, count in enumerate(uses) if count > 1]
    is_tiny = anchors.masks == KERAS_TINY_MASKS
    if unused:
        lost = int(boxes[unused].sum())
        yield Finding(
            "problem" if lost / len(matches.anchor) >= 0.01 else "warning",
            "masks",
            f"{_numbered(unused)} in no mask: the boxes that fit best there "
            f"({lost:,}, {lost / len(matches.anchor):.1%}) train nothing."
            + (" The tiny network's second mask is 1,2,3." if is_tiny else ""),
            "Use the masks 3,4,5 and 0,1,2."
            if is_tiny
            else "Add the anchor to the mask of the level that suits its size.",
        )
    if twice:
        yield Finding(
            "note" if is_tiny and unused else "warning",
            "masks",
            f"{_numbered(twice)} in several masks: its boxes are trained on each of these levels.",
            "" if is_tiny and unused else "Leave each anchor to one level.",
        )


def about_unsaid_masks(anchors: AnchorSet, matches: Matches) -> Iterator[Finding]:
    """The file does not say which anchor serves which level, and programs differ in what they take."""
    if anchors.masks_said or len(anchors) in (1, 9):
        return
    masks = "; ".join(",".join(map(str, mask)) for mask in anchors.masks)
    judged = (
        f"Nothing says which anchor serves which level: these are judged with the masks {masks}, as headlab "
        "trains them."
    )
    if anchors.masks == TINY_MASKS:
        lost = np.mean(matches.anchor == 0)
        yield Finding(
            "note",
            "masks",
            f"{judged} keras-yolo3 takes 3,4,5; 1,2,3: the boxes that fit anchor 0 best ({lost:.1%}) would "
            "train nothing there.",
            "For keras-yolo3, set anchor_mask to [[3,4,5], [0,1,2]] in its model.py and yolo.py.",
        )
    else:
        yield Finding(
            "note",
            "masks",
            judged,
            "For another number of levels, say --levels; a .yaml says it, too.",
        )


def about_levels(rows: Sequence[LevelRow], anchors: AnchorSet, boxes: int) -> Iterator[Finding]:
    """A level gets hardly any boxes, has anchors that do not suit it, or loses boxes to collisions."""
    for row in rows:
        share = row.boxes / boxes
        if share < 0.01:
            yield Finding(
                "problem" if not row.boxes else "warning",
                "level without boxes",
                f"{row.name} (stride {row.stride_px}) gets {row.boxes:,} of {boxes:,} boxes ({share:.1%}); "
                f"{row.suited:,} are of a size for it.",
                _REFIT
                if row.suited / boxes >= 0.01
                else "The data has hardly any objects for this level: another --imgsz, or a head with fewer "
                "levels, would suit it better.",
            )
    for level, numbers in enumerate(anchors.by_level):
        level_of = np.full(len(anchors), -1)
        level_of[list(numbers)] = level
        for sentence in unsuited(anchors.sides, level_of.tolist(), anchors.levels):
            yield Finding(
                "warning",
                "level range",
                sentence,
                "Where the format allows uneven masks, move these anchors to the level that suits them, or "
                "fit with --assign range or --assign split.",
            )
    collided = [row.collided for row in rows if row.collided is not None]
    if collided and sum(collided) / boxes >= 0.005:
        yield Finding(
            "warning" if sum(collided) / boxes >= 0.02 else "note",
            "collisions",
            f"{sum(collided):,} boxes ({sum(collided) / boxes:.1%}) share cell and anchor with another box "
            "of the same photo, so that only one of them is learned.",
            "A larger --imgsz separates them, and so do more anchors.",
        )


def about_fit(covered: Coverage, reachable: Coverage, count: int) -> Iterator[Finding]:
    """A fit of the same number would be better, or no anchor covers some boxes."""
    gain = reachable.mean_iou - covered.mean_iou
    if gain >= 0.02:
        yield Finding(
            "problem" if gain >= 0.05 else "warning",
            "fit",
            f"{count} anchors fitted to this data reach a mean IoU of {reachable.mean_iou:.3f}, "
            f"{gain:.3f} more than these ({covered.mean_iou:.3f}).",
            _REFIT,
        )
    else:
        yield Finding(
            "note",
            "fit",
            f"The sizes fit this data: mean IoU {covered.mean_iou:.3f}; {count} fitted anchors reach "
            f"{reachable.mean_iou:.3f}.",
        )
    if covered.recall_25 < 0.99:
        yield Finding(
            "warning",
            "boxes without an anchor",
            f"{1 - covered.recall_25:.1%} of the boxes overlap no anchor by even 0.25.",
            "Fit with --objective recall, or with more anchors.",
        )


def _numbered(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers))
    return f"Anchor {listed} is" if len(numbers) == 1 else f"Anchors {listed} are"
