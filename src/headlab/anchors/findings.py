"""What is wrong with anchors, in plain language, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from headlab.anchors.truths import LevelRow, Truths
from headlab.anchors.units import Rescaling
from headlab.boxes.overlap import Coverage, iou_matrix, pairs_text
from headlab.heads.anchor_set import KERAS_TINY_MASKS, AnchorSet
from headlab.heads.levels import unsuited

Severity = Literal["problem", "warning", "note"]

SAME, ALIKE = 0.98, 0.9
EXPLAINS = 0.65
"""A factor explains what anchors lack if it makes up for this share of it."""

_REFIT = "Fit anchors to this data: headlab anchors fit DATA."
_SORT = (
    "Sort the anchors by area, smallest first, and give the masks the largest ones on the coarsest level; "
    "a network trained with the old order must be trained again."
)


@dataclass(frozen=True)
class Finding:
    """Something that costs accuracy, or may.

    Attributes:
        severity: a problem is worth repairing before training; a warning may be meant; a note informs.
        kind: a short name, the same for all findings of a kind, such as "units".
        message: what is the case, in a sentence.
        advice: what to do; empty if nothing.
    """

    severity: Severity
    kind: str
    message: str
    advice: str = ""


def about_units(
    rescaling: Rescaling, reachable: Coverage, unit: str, of_photos: bool
) -> Iterator[Finding]:
    """The anchors are in another unit than the boxes.

    Anchors for other objects often gain by a factor, too. Those in another unit come near what a fit
    reaches by the factor alone.

    Args:
        rescaling: the common factor that fits best.
        reachable: what a fit of the same number reaches.
        unit: what they look like.
        of_photos: that is pixels of the original photos, as far as the factor says.
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
        f"{rescaling.gain:.3f} more. They {'look like' if severity == 'problem' else 'may be'} {unit}.",
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
        "If the training stretches photos, as darknet does, check with --resize stretch; otherwise fit anew.",
    )


def about_order(anchors: AnchorSet) -> Iterator[Finding]:
    """The anchors are not sorted by area, or a level has larger ones than the next coarser level."""
    areas, widths = anchors.sides**2, anchors.wh[:, 0]
    by_width = bool((np.diff(widths) >= 0).all())
    if (np.diff(areas) < 0).any():
        how = (
            "sorted by width instead of area, as by keras-yolo3's kmeans.py"
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
            f"For sorted anchors and levels from coarse to fine, use masks such as {_even(anchors)}.",
        )


def _even(anchors: AnchorSet) -> str:
    parts = np.array_split(np.arange(len(anchors)), len(anchors.levels))[::-1]
    return "; ".join(",".join(map(str, part)) for part in parts)


def _mixed_levels(anchors: AnchorSet) -> list[str]:
    """Anchors of a finer level that are larger than one of a coarser level."""
    found = []
    for fine, coarse in combinations(range(len(anchors.levels)), 2):
        for a in anchors.by_level[fine]:
            for b in anchors.by_level[coarse]:
                if anchors.sides[a] > anchors.sides[b]:
                    names = anchors.levels.names
                    found.append(
                        f"anchor {a} ({anchors.sides[a]:.4g} px, the root of its area) is on {names[fine]}, "
                        f"anchor {b} ({anchors.sides[b]:.4g} px) on the coarser {names[coarse]}"
                    )
    return found


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


def about_masks(anchors: AnchorSet, truths: Truths) -> Iterator[Finding]:
    """An anchor is in no mask, or in several."""
    boxes = np.bincount(truths.anchor, minlength=len(anchors))
    uses = [len(anchors.levels_with(at)) for at in range(len(anchors))]
    unused = [at for at, count in enumerate(uses) if count == 0]
    twice = [at for at, count in enumerate(uses) if count > 1]
    is_tiny = anchors.masks == KERAS_TINY_MASKS
    if unused:
        lost = int(boxes[unused].sum())
        yield Finding(
            "problem" if lost / len(truths.anchor) >= 0.01 else "warning",
            "masks",
            f"{_numbered(unused)} in no mask: the boxes that fit best there "
            f"({lost:,}, {lost / len(truths.anchor):.1%}) train nothing."
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


def about_levels(rows: Sequence[LevelRow], anchors: AnchorSet, boxes: int) -> Iterator[Finding]:
    """A level gets hardly any boxes, has anchors of unsuitable sizes, or loses boxes to collisions."""
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
                "levels, would serve it better.",
            )
    level_of = [(level, at) for level, its in enumerate(anchors.by_level) for at in its]
    for level in range(len(anchors.levels)):
        own = [at for its, at in level_of if its == level]
        suits = np.full(len(anchors), -1)
        suits[own] = level
        for sentence in unsuited(anchors.sides, suits.tolist(), anchors.levels):
            yield Finding(
                "warning",
                "level range",
                sentence,
                "Where the format allows uneven masks, move what is outside to the level that suits it, or "
                "fit with --assign range or split.",
            )
    collided = [row.collided for row in rows if row.collided is not None]
    if collided and sum(collided) / boxes >= 0.005:
        yield Finding(
            "warning" if sum(collided) / boxes >= 0.02 else "note",
            "collisions",
            f"{sum(collided):,} boxes ({sum(collided) / boxes:.1%}) share cell and anchor with another box "
            "of the same photo, so that only one of them is learned.",
            "A larger --imgsz separates them; so do more anchors.",
        )


def about_fit(now: Coverage, reachable: Coverage, used: int) -> Iterator[Finding]:
    """A fit of the same number would be better, or boxes are covered by no anchor."""
    gain = reachable.mean_iou - now.mean_iou
    if gain >= 0.02:
        yield Finding(
            "problem" if gain >= 0.05 else "warning",
            "fit",
            f"{used} anchors fitted to this data reach a mean IoU of {reachable.mean_iou:.3f}, "
            f"{gain:.3f} more than these ({now.mean_iou:.3f}).",
            _REFIT,
        )
    else:
        yield Finding(
            "note",
            "fit",
            f"The sizes fit this data: mean IoU {now.mean_iou:.3f}; {used} fitted anchors reach "
            f"{reachable.mean_iou:.3f}.",
        )
    if now.recall_25 < 0.99:
        yield Finding(
            "warning",
            "boxes without an anchor",
            f"{1 - now.recall_25:.1%} of the boxes overlap no anchor by even 0.25.",
            "Fit with --objective recall, or with more anchors.",
        )


def _numbered(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers))
    return f"Anchor {listed} is" if len(numbers) == 1 else f"Anchors {listed} are"
