"""Compare the detections of two models on the same images, and put the class-shift inference to the test.

The class-shift experiment shifts the class rows of each level, or of each slot, by another amount, and infers
where a detection comes from by the change of its class. Here that inference is scored against what the
address states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headlab.comparison.inference import ShiftInference
from headlab.errors import InputError
from headlab.heads.layout import Layout
from headlab.trace.trace import Trace

if TYPE_CHECKING:
    import polars as pl

MATCH_IOU = 0.5
"""Detections of two models are the same object if their boxes overlap at least this much."""

KINDS = ("unchanged", "class changed", "lost", "new")

_SIDE = ("detection", "class_id", "class_name", "score", "level", "row", "col", "slot")
_BOX = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True)
class Comparison:
    """The detections of two models, matched by box.

    Attributes:
        before: the first model's trace.
        after: the second model's trace.
        shifts: the cyclic shift of class rows that made the second model, by level ("P5") or place
            ("P5/2"), if it is known.
        pairs: one row per matched pair or unmatched detection: `image`, `frame`, `kind` (one of
            `KINDS`), `iou` (null if unmatched), the box `x1 y1 x2 y2` (the first model's if it has one),
            then `before_…` and `after_…` with `detection class_id class_name score level row col slot`.
            With `shifts` also `inferred_level`: the level that the class change points to (several are
            joined by "/"; null where there is no pair or no level has such a shift), `inferred_slot`: the
            one slot that it points to (null unless slots of a level were shifted differently), and
            `agrees`: whether that is what the address of the first model's detection states: the one
            level, and where slots were shifted differently the one slot too.
    """

    before: Trace
    after: Trace
    shifts: Mapping[str, int] | None
    pairs: pl.DataFrame

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many detections are of each kind."""
        kinds = self.pairs["kind"].to_list()
        return {kind: kinds.count(kind) for kind in KINDS}

    @cached_property
    def inference(self) -> tuple[int, int]:
        """How many matched pairs the class-shift inference gets right, and of how many.

        Raises:
            InputError: it is not known which shifts made the second model.
        """
        if self.shifts is None:
            raise InputError("The shifts that made the second model are not known.")
        agrees = self.pairs["agrees"].drop_nulls()
        return int(agrees.sum()), len(agrees)

    @cached_property
    def tells_slots(self) -> bool:
        """Whether slots of a level were shifted differently, so that a class change may tell the slot."""
        shifts = self.shifts
        return shifts is not None and ShiftInference(self.before.layout, shifts).tells_slots

    @cached_property
    def left_open(self) -> int:
        """How many class changes point to several levels, or slots, of equal shift; needs `shifts`."""
        found = self.pairs.filter(self.pairs["inferred_level"].is_not_null())
        if self.tells_slots:
            return found["inferred_slot"].null_count()
        return found.filter(found["inferred_level"].str.contains("/", literal=True)).height


def compare(
    before: Trace,
    after: Trace,
    *,
    shifts: Mapping[str, int] | None = None,
    classes: tuple[str, ...] | None = None,
    match_iou: float = MATCH_IOU,
) -> Comparison:
    """Match the detections of two traces over the same images.

    In each image the pair of boxes with the largest overlap is matched first, whatever the classes. A
    candidate that counts for several classes (`multi_label`) makes several detections with one box: such a
    tie goes to the pair of equal class, then to the higher score; after shifts, which move a class's score
    to another class, it goes to the nearest scores. Oriented boxes are matched by the
    upright boxes around them.

    Args:
        before: the first model's trace.
        after: the second model's trace, over the same images.
        shifts: level ("P5") or place ("P5/2") -> cyclic shift of its class rows, if that is how the
            second model was made.
        classes: keep only pairs of which the first model's class (of new detections: the second's) is
            named here.
        match_iou: boxes that overlap less are not matched.

    Raises:
        InputError: the traces are of different images, the shifts name another head's levels or cannot
            have made a model of other classes, or `match_iou` is not between 0 and 1.
    """
    import polars as pl

    check_match_iou(match_iou)

    keys = ["image", "frame"]
    if not before.images.select(keys).equals(after.images.select(keys)):
        raise InputError("The two traces are not over the same images.")
    infer = None if shifts is None else _inference(before.layout, after.layout, shifts)
    firsts, seconds = _by_image(before), _by_image(after)
    rows: list[dict[str, Any]] = []
    for key in before.images.select(keys).iter_rows():
        first, second = firsts.get(key), seconds.get(key)
        rows += _matched(key, first, second, match_iou, shifted=shifts is not None)
    if infer is not None:
        rows = [row | infer.columns(row) for row in rows]
    pairs = pl.DataFrame(rows, schema=_schema(shifts is not None))
    if classes is not None:
        named = pl.coalesce("before_class_name", "after_class_name").is_in(list(classes))
        pairs = pairs.filter(named)
    return Comparison(before, after, shifts, pairs)


def check_match_iou(match_iou: float) -> None:
    """Refuse a threshold that no overlap can be compared with.

    Raises:
        InputError: it is not between 0 and 1.
    """
    if not 0 <= match_iou <= 1:
        raise InputError(f"match_iou is {match_iou}; a number from 0 to 1 was expected.")


def _by_image(trace: Trace) -> dict[tuple[Any, ...], pl.DataFrame]:
    return trace.detections.partition_by(
        ["image", "frame"], as_dict=True, include_key=True, maintain_order=True
    )


def _matched(
    key: tuple[Any, ...],
    first: pl.DataFrame | None,
    second: pl.DataFrame | None,
    match_iou: float,
    *,
    shifted: bool,
) -> list[dict[str, Any]]:
    left = first.to_dicts() if first is not None else []
    right = second.to_dicts() if second is not None else []
    pairs = _pairs(left, right, match_iou, shifted)
    rows = []
    for at, one in enumerate(left):
        other, iou = pairs.get(at, (None, None))
        rows.append(_row(key, one, right[other] if other is not None else None, iou))
    taken = {other for other, _ in pairs.values()}
    rows += [_row(key, None, each, None) for at, each in enumerate(right) if at not in taken]
    return rows


def _pairs(
    left: list[dict[str, Any]], right: list[dict[str, Any]], match_iou: float, shifted: bool
) -> dict[int, tuple[int, float]]:
    """Greedy matching: first index -> (second index, IoU)."""
    if not left or not right:
        return {}
    iou = _iou(_corners(left), _corners(right))
    near = [(int(a), int(b)) for a, b in np.argwhere(iou >= match_iou)]

    def preference(pair: tuple[int, int]) -> tuple[float, float, bool, float]:
        a, b = pair
        one, other = left[a], right[b]
        apart = abs(one["score"] - other["score"]) if shifted else 0.0
        same = one["class_name"] == other["class_name"]
        return (-float(iou[a, b]), apart, not same, -other["score"])

    found: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for a, b in sorted(near, key=preference):
        if a not in found and b not in taken:
            found[a] = (b, float(iou[a, b]))
            taken.add(b)
    return found


def _corners(rows: list[dict[str, Any]]) -> NDArray[np.float64]:
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


def _row(
    key: tuple[Any, ...],
    one: dict[str, Any] | None,
    other: dict[str, Any] | None,
    iou: float | None,
) -> dict[str, Any]:
    box = one or other or {}
    return {
        "image": key[0],
        "frame": key[1],
        "kind": _kind(one, other),
        "iou": iou,
        **{name: box[name] for name in _BOX},
        **{f"before_{name}": one[name] if one else None for name in _SIDE},
        **{f"after_{name}": other[name] if other else None for name in _SIDE},
    }


def _kind(one: dict[str, Any] | None, other: dict[str, Any] | None) -> str:
    if one is None:
        return "new"
    if other is None:
        return "lost"
    return "unchanged" if one["class_name"] == other["class_name"] else "class changed"


def _inference(before: Layout, after: Layout, shifts: Mapping[str, int]) -> ShiftInference:
    if before.class_names != after.class_names:
        raise InputError(
            "The two models have different classes, so shifts of class rows did not make the second one.",
            "Leave the recipe out to match the detections only.",
        )
    return ShiftInference(before, shifts)


def _schema(with_inference: bool) -> dict[str, Any]:
    import polars as pl

    kinds = {"class_name": pl.String, "level": pl.String, "score": pl.Float64}
    side = {name: kinds.get(name, pl.Int64) for name in _SIDE}
    inferred = {"inferred_level": pl.String, "inferred_slot": pl.Int64, "agrees": pl.Boolean}
    return {
        "image": pl.String,
        "frame": pl.Int64,
        "kind": pl.String,
        "iou": pl.Float64,
        **dict.fromkeys(_BOX, pl.Float64),
        **{f"{when}_{name}": kind for when in ("before", "after") for name, kind in side.items()},
        **(inferred if with_inference else {}),
    }
