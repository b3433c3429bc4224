"""What the comparison of shared anchors with each class's own means, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

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


def class_verdict(name: str, boxes: int, gain: Interval, held_out: float | None) -> str:
    """One sentence about a class."""
    if boxes < FEW_BOXES:
        return (
            f"{name} has only {counted(boxes, 'box', 'boxes')}: too few to fit anchors to it alone."
        )
    unseen = "" if held_out is None else f"; on photos not used for the fit, {held_out:+.3f}"
    if held_out is not None and held_out <= 0:
        return (
            f"{name} would gain {gain} in mean IoU on the boxes of the fit, but nothing on other photos "
            f"({held_out:+.3f})."
        )
    if gain.high < SMALL:
        return f"{name} would gain next to nothing: {gain} in mean IoU{unseen}."
    return f"{name} would gain {gain} in mean IoU{unseen}."


def _above(value: float) -> float:
    """The next hundredth above a value."""
    return (math.floor(value * 100) + 1) / 100


def _how_many(some: int, all_of_them: int) -> str:
    if some in (0, 1):
        return "one of them does" if some else "none of them does"
    return "all of them do" if some == all_of_them else f"{some} of them do"


def verdict(
    rows: Sequence[tuple[str, int, Interval, float | None]],
    k: int,
    shared_iou: float,
    total: tuple[Interval, float | None],
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
    judged = [row for row in rows if row[1] >= FEW_BOXES]
    much = sorted((row for row in judged if row[2].mean >= NOTABLE), key=lambda row: -row[2].mean)
    rest = [row[2].mean for row in judged if row[2].mean < NOTABLE]
    parts = []
    if much:
        listed = ", ".join(f"{row[0]} {row[2]}" for row in much[:5])
        others = f", and {len(much) - 5} more" if len(much) > 5 else ""
        parts.append(
            f"With {k} anchors of their own, {len(much)} of {len(rows)} classes would gain {NOTABLE} or more "
            f"in mean IoU: {listed}{others}."
        )
        unseen = [row for row in much if row[3] is not None and row[3] >= NOTABLE]
        if any(row[3] is not None for row in much):
            parts.append(f"On photos not used for the fit, {_how_many(len(unseen), len(much))}.")
        parts += [f"All others would gain less than {_above(max(rest)):.2f}."] if rest else []
    elif rest:
        parts.append(
            f"No class would gain {NOTABLE} in mean IoU from {k} anchors of its own; the largest gain is "
            f"{max(rest):.3f}."
        )
    else:
        parts.append(f"No class has {FEW_BOXES} boxes or more: too few to say.")
    if judged and len(judged) < len(rows):
        few = len(rows) - len(judged)
        have = "has" if few == 1 else "have"
        parts.append(
            f"{counted(few, 'class', 'classes')} {have} fewer than {FEW_BOXES} boxes: too few to say."
        )
    elsewhere = "" if total[1] is None else f"; on photos not used for the fit, {total[1]:+.3f}"
    parts.append(f"Over all boxes the gain is {total[0]}{elsewhere}.")
    if total[1] is not None and total[1] <= 0:
        parts.append(
            "On those, each class's own anchors fit worse than shared ones: the classes have too few boxes."
        )
    even = "even " if more[0] < k * len(rows) else ""
    parts.append(
        f"But {k} per class are {k * len(rows)} anchors: {even}{more[0]} shared ones reach {more[1]:.3f}. "
        f"{budget.total} anchors, each for one class only, reach {budget.mean_iou:.3f}; "
        f"{k} shared ones reach {shared_iou:.3f}"
        + (f", which takes {needed.total} class-only ones." if needed else ".")
    )
    if more[1] > shared_iou + total[0].mean and budget.mean_iou < shared_iou:
        parts.append("So the gain comes from having more anchors, not from separating the classes.")
    return " ".join(parts)
