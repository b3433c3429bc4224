"""What the comparison of shared anchors with each class's own means, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from headlab.anchors.classes.bootstrap import Interval
from headlab.anchors.classes.budget import Split
from headlab.plain_text import counted

SHAPE_FIT_ONLY = (
    "This is about shapes only: how well anchors of these sizes overlap the boxes, before any training. "
    "In YOLOv3 no anchor belongs to a class: every anchor predicts every class, and a box goes to the anchor "
    "whose shape fits it best, whatever its class. A network also learns to correct an anchor's size, so a "
    "gain in overlap here does not predict a gain in mAP."
)

NOTABLE = 0.05
SMALL = 0.02
FEW_BOXES = 30


def class_verdict(name: str, boxes: int, fitted: Interval, held_out: Interval | None) -> str:
    """One sentence about a class: what counts is the gain on photos that the fit has not seen."""
    if boxes < FEW_BOXES:
        return (
            f"{name} has only {counted(boxes, 'box', 'boxes')}: too few to fit anchors to it alone."
        )
    on_fit = f" ({fitted.mean:+.3f} on the boxes of the fit)"
    if held_out is None:
        return (
            f"{name} would gain {fitted} in mean IoU on the boxes of the fit; there are no others."
        )
    if held_out.mean <= 0:
        return f"{name} would gain nothing on unseen photos: {held_out} in mean IoU{on_fit}."
    if held_out.low <= 0:
        return f"{name} may gain nothing on unseen photos: {held_out} in mean IoU{on_fit}."
    if held_out.high < SMALL:
        return (
            f"{name} would gain next to nothing on unseen photos: {held_out} in mean IoU{on_fit}."
        )
    return f"{name} would gain {held_out} in mean IoU on unseen photos{on_fit}."


def _above(value: float) -> float:
    """The next hundredth above a value."""
    return (math.floor(value * 100) + 1) / 100


def verdict(
    rows: Sequence[tuple[str, int, Interval, Interval | None]],
    k: int,
    shared_iou: float,
    total: tuple[Interval, Interval | None],
    more: tuple[int, float],
    budget: Split,
    needed: Split | None,
) -> str:
    """What the comparison means as a whole.

    Args:
        rows: name, boxes, gain and held-out gain of each class.
        k: how many anchors are shared.
        shared_iou: mean overlap with the shared anchors.
        total: the gain over all boxes, and the one on photos not used for the fit.
        more: how many shared anchors were fitted for comparison, and their mean overlap.
        budget: as many anchors in all, divided among the classes.
        needed: the smallest class-only split that covers the boxes as well as the shared anchors.
    """
    if len(rows) == 1:
        return f"There is only one class, {rows[0][0]}: shared anchors are its own."
    fitted, held_out = total
    judged = [(name, unseen or gain) for name, boxes, gain, unseen in rows if boxes >= FEW_BOXES]
    parts = list(_about_classes(judged, len(rows), k, "on unseen photos" if held_out else ""))
    if judged and len(judged) < len(rows):
        few = len(rows) - len(judged)
        have = "has" if few == 1 else "have"
        parts.append(
            f"{counted(few, 'class', 'classes')} {have} fewer than {FEW_BOXES} boxes: too few to say."
        )
    if held_out is None:
        parts.append(f"Over all boxes the gain is {fitted} on the boxes of the fit.")
    else:
        parts.append(
            f"Over all boxes the gain is {held_out} on unseen photos ({fitted.mean:+.3f} on the boxes of "
            "the fit)."
        )
        if held_out.mean <= 0:
            parts.append(
                "There, each class's own anchors fit worse than shared ones: the classes have too few boxes."
            )
    even = "even " if more[0] < k * len(rows) else ""
    parts.append(
        f"But {k} per class are {k * len(rows)} anchors: {even}{more[0]} shared ones reach {more[1]:.3f}. "
        f"{budget.total} anchors, each for one class only, reach {budget.mean_iou:.3f}; "
        f"{k} shared ones reach {shared_iou:.3f}"
        + (f", which takes {needed.total} class-only ones." if needed else ".")
    )
    if more[1] > shared_iou + fitted.mean and budget.mean_iou < shared_iou:
        parts.append("So the gain comes from having more anchors, not from separating the classes.")
    return " ".join(parts)


def _about_classes(
    judged: Sequence[tuple[str, Interval]], classes: int, k: int, where: str
) -> Iterator[str]:
    """Which classes gain much, and how little the others gain."""
    where = f" {where}" if where else " on the boxes of the fit"
    much = sorted((row for row in judged if row[1].mean >= NOTABLE), key=lambda row: -row[1].mean)
    rest = [gain.mean for _, gain in judged if gain.mean < NOTABLE]
    if much:
        listed = ", ".join(f"{name} {gain}" for name, gain in much[:5])
        others = f", and {len(much) - 5} more" if len(much) > 5 else ""
        yield (
            f"With {k} anchors of their own, {len(much)} of {classes} classes would gain {NOTABLE} or more "
            f"in mean IoU{where}: {listed}{others}."
        )
        if rest:
            yield f"All others would gain less than {_above(max(rest)):.2f}."
    elif rest:
        yield (
            f"No class would gain {NOTABLE} in mean IoU{where} from {k} anchors of its own; the largest gain "
            f"is {max(rest):.3f}."
        )
    else:
        yield f"No class has {FEW_BOXES} boxes or more: too few to say."
