"""Match the detections of two models on one image by their boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headlab.comparison.inference import ShiftInference
from headlab.errors import InputError
from headlab.trace.image import TracedImage

MATCH_IOU = 0.5
"""Detections of two models are the same object if their boxes overlap at least this much."""

KINDS = ("unchanged", "score changed", "box moved", "class changed", "lost", "new")

SAME_SCORE = 0.001
SAME_IOU = 0.99
"""Scores that differ by more, or boxes that overlap less, are not the same: processors differ by far less."""

_SIDE = ("detection", "class_id", "class_name", "score", "level", "row", "col", "slot")
_BOX = ("x1", "y1", "x2", "y2")
_SIDE_TYPES = {"class_name": pl.String, "level": pl.String, "score": pl.Float64}
_PAIR_SCHEMA: dict[str, Any] = {
    "image": pl.String,
    "frame": pl.Int64,
    "kind": pl.String,
    "iou": pl.Float64,
    **dict.fromkeys(_BOX, pl.Float64),
    **{
        f"{when}_{name}": _SIDE_TYPES.get(name, pl.Int64)
        for when in ("before", "after")
        for name in _SIDE
    },
}
_INFERENCE_SCHEMA: dict[str, Any] = {
    "inferred_level": pl.String,
    "inferred_slot": pl.Int64,
    "agrees": pl.Boolean,
}

Row = dict[str, Any]


def check_match_iou(match_iou: float) -> None:
    """Refuse a threshold that no overlap can be compared with.

    Raises:
        InputError: it is not between 0 and 1.
    """
    if not 0 <= match_iou <= 1:
        raise InputError(f"match_iou is {match_iou}; a number from 0 to 1 was expected.")


@dataclass(frozen=True)
class Matcher:
    """Matches the detections of two models, image by image.

    In each image the pair of boxes with the largest overlap is matched first, whatever the classes. A
    candidate that counts for several classes (`multi_label`) makes several detections with one box: such a
    tie goes to the pair of equal class, then to the higher score; after shifts, which move a class's score
    to another class, it goes to the nearest scores. Oriented boxes are matched by the upright boxes around
    them.

    Attributes:
        match_iou: boxes that overlap less are not matched.
        inference: what class changes point to, if shifts made the second model.
        classes: keep only pairs whose class is named here: that of the first model, of new detections that
            of the second; None keeps all.
    """

    match_iou: float = MATCH_IOU
    inference: ShiftInference | None = None
    classes: frozenset[str] | None = None

    @property
    def tells_slots(self) -> bool:
        """Whether a class change may tell the slot, too."""
        return self.inference is not None and self.inference.tells_slots

    def __call__(self, before: TracedImage, after: TracedImage) -> pl.DataFrame:
        """The pairs and the unmatched detections of an image; `Comparison` describes the columns."""
        first, second = before.detections.to_dicts(), after.detections.to_dicts()
        rows = [_row(before, *pair) for pair in self._matched(first, second)]
        if self.classes is not None:
            rows = [
                row
                for row in rows
                if (row["before_class_name"] or row["after_class_name"]) in self.classes
            ]
        if self.inference is None:
            return pl.DataFrame(rows, schema=_PAIR_SCHEMA)
        rows = [row | self.inference.columns(row) for row in rows]
        return pl.DataFrame(rows, schema=_PAIR_SCHEMA | _INFERENCE_SCHEMA)

    def _matched(
        self, first: list[Row], second: list[Row]
    ) -> list[tuple[Row | None, Row | None, float | None]]:
        """The first model's detections in order, each with its partner; then the second's new ones."""
        partners = self._partners(first, second)
        matched: list[tuple[Row | None, Row | None, float | None]] = []
        for at, row in enumerate(first):
            partner, iou = partners.get(at, (None, None))
            matched.append((row, None if partner is None else second[partner], iou))
        taken = {partner for partner, _ in partners.values()}
        matched += [(None, row, None) for at, row in enumerate(second) if at not in taken]
        return matched

    def _partners(self, first: list[Row], second: list[Row]) -> dict[int, tuple[int, float]]:
        """Greedy matching: first index -> (second index, IoU)."""
        if not first or not second:
            return {}
        iou = _iou(_corners(first), _corners(second))
        near = [(int(a), int(b)) for a, b in np.argwhere(iou >= self.match_iou)]

        def preference(pair: tuple[int, int]) -> tuple[float, float, bool, float]:
            a, b = pair
            one, other = first[a], second[b]
            apart = abs(one["score"] - other["score"]) if self.inference is not None else 0.0
            same = one["class_name"] == other["class_name"]
            return (-float(iou[a, b]), apart, not same, -other["score"])

        partners: dict[int, tuple[int, float]] = {}
        taken: set[int] = set()
        for a, b in sorted(near, key=preference):
            if a not in partners and b not in taken:
                partners[a] = (b, float(iou[a, b]))
                taken.add(b)
        return partners


def _corners(rows: Sequence[Row]) -> NDArray[np.float64]:
    return np.array([[row[name] for name in _BOX] for row in rows], np.float64)


def _iou(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of every pair of boxes, shape (n, m)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inner = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - inner
    overlap: NDArray[np.float64] = np.divide(
        inner, union, out=np.zeros_like(inner), where=union > 0
    )
    return overlap


def _row(image: TracedImage, one: Row | None, other: Row | None, iou: float | None) -> Row:
    box = one or other or {}
    return {
        "image": image.path,
        "frame": image.frame,
        "kind": _kind(one, other, iou),
        "iou": iou,
        **{name: box[name] for name in _BOX},
        **_side("before", one),
        **_side("after", other),
    }


def _side(when: str, row: Mapping[str, Any] | None) -> Row:
    return {f"{when}_{name}": None if row is None else row[name] for name in _SIDE}


def _kind(one: Row | None, other: Row | None, iou: float | None) -> str:
    if one is None:
        return "new"
    if other is None:
        return "lost"
    if one["class_name"] != other["class_name"]:
        return "class changed"
    if abs(one["score"] - other["score"]) > SAME_SCORE:
        return "score changed"
    return "unchanged" if iou is None or iou >= SAME_IOU else "box moved"
