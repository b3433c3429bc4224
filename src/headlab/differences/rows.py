"""How the class rows of two models differ: which row went where, and what changed in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.heads.cyclic_shift import shift_of
from headlab.heads.layout import ClassRows, Layout, Level
from headlab.plain_text import first_few


@dataclass(frozen=True)
class LevelDifference:
    """The class rows of one level and branch that differ, in all slots alike or in one of them.

    Attributes:
        level: the level's name.
        branch: the branch.
        sources: for each class of B, the class of A with the same rows; None if none has.
        classes: the classes of B whose rows are not those of the same number in A.
        words: an explanation in words.
        slot: the slot that is meant; None means all of the level's.
        place: what to call level, slot and branch together, such as "P4 one2many" or "P5/2".
    """

    level: str
    branch: str
    sources: tuple[int | None, ...]
    classes: tuple[int, ...]
    words: str
    slot: int | None
    place: str


Row = tuple[NDArray[Any], Any]
Found = tuple[tuple[int | None, ...], tuple[int, ...], str]


def level_differences(
    a: Checkpoint, a_layout: Layout, b: Checkpoint, b_layout: Layout
) -> Iterator[LevelDifference]:
    """Compare the class rows that both models have, level by level."""
    b_levels = {level.name: level for level in b_layout.levels}
    for level in a_layout.levels:
        other = b_levels.get(level.name)
        if other is None or other.slots != level.slots:
            continue
        b_rows = {rows.branch: rows for rows in other.class_rows}
        for rows in level.class_rows:
            if rows.branch not in b_rows:
                continue
            left = _rows(a, level, rows, len(a_layout.class_names))
            right = _rows(b, other, b_rows[rows.branch], len(b_layout.class_names))
            by_slot = [
                _difference(old, new, a_layout.class_names, b_layout.class_names)
                for old, new in zip(left, right, strict=True)
            ]
            yield from _of_level(level, rows, by_slot)


def _of_level(
    level: Level, rows: ClassRows, by_slot: list[Found | None]
) -> Iterator[LevelDifference]:
    """One difference where all slots differ alike, else one for each slot that differs."""
    alike = len(set(by_slot)) == 1
    branch = "" if level.anchors_wh_px else f" {rows.branch}"
    for slot, found in enumerate(by_slot[:1] if alike else by_slot):
        if found:
            place = level.name + ("" if alike else f"/{slot}") + branch
            yield LevelDifference(level.name, rows.branch, *found, None if alike else slot, place)


def _rows(checkpoint: Checkpoint, level: Level, rows: ClassRows, count: int) -> Iterator[list[Row]]:
    """For each slot, by class: weights (channels, 1, 1) and bias, in float64."""
    weight = checkpoint.array(rows.weight).astype(np.float64)
    bias = checkpoint.array(rows.bias).astype(np.float64)
    for slot in range(level.slots):
        taken = [rows.row(class_id, slot) for class_id in range(count)]
        yield [(weight[row], bias[row]) for row in taken]


def _difference(
    left: list[Row], right: list[Row], a_names: tuple[str, ...], b_names: tuple[str, ...]
) -> Found | None:
    keys = [_key(row) for row in left]
    where: dict[bytes, int] = {}
    for number, key in enumerate(keys):
        where.setdefault(key, number)
    sources: list[int | None] = []
    for number, row in enumerate(right):
        key = _key(row)
        same = number < len(keys) and keys[number] == key
        sources.append(number if same else where.get(key))
    changed = tuple(number for number, source in enumerate(sources) if source != number)
    if not changed and len(left) == len(right):
        return None
    words = _words(left, right, sources, a_names, b_names)
    return tuple(sources), changed, words


def _words(
    left: list[Row],
    right: list[Row],
    sources: list[int | None],
    a_names: tuple[str, ...],
    b_names: tuple[str, ...],
) -> str:
    if len(left) == len(right):
        by = shift_of(sources)
        if by is not None:
            return f"rows shifted by {by}"
    parts = []
    if len(left) != len(right):
        parts.append(f"{len(right)} classes instead of {len(left)}")
    moved = [
        f"{b_names[number]} <- {a_names[source]}"
        for number, source in enumerate(sources)
        if source is not None and source != number
    ]
    if moved:
        parts.append(f"rows moved: {first_few(moved)}")
    adjusted: dict[str, list[str]] = {}
    for number, source in enumerate(sources):
        if source is None:
            before = a_names.index(b_names[number]) if b_names[number] in a_names else number
            old = left[before] if before < len(left) else None
            adjusted.setdefault(_kind(old, right[number]), []).append(b_names[number])
    parts += [f"{kind}: {first_few(names)}" for kind, names in adjusted.items()]
    return "; ".join(parts)


def _kind(old: Row | None, new: Row) -> str:
    """How a row that is none of A's differs from that of the same class in A."""
    if not np.any(new[0]) and new[1] < 0:
        return "suppressed"
    if old is None or old[0].shape != new[0].shape:
        return "new rows"
    if old[0].tobytes() == new[0].tobytes():
        offset = new[1] - old[1]
        return f"bias {offset:+.4g}" if np.isfinite(offset) else "bias changed"
    return "weights changed"


def _key(row: Row) -> bytes:
    return bytes(row[0].tobytes() + row[1].tobytes())
