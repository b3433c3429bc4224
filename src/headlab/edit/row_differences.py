"""How the class rows of two models differ: which row went where, and what changed in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.edit.words import shift_of, some
from headlab.heads.layout import ClassRows, Layout, Level


@dataclass(frozen=True)
class LevelDifference:
    """The class rows of one level and branch that differ.

    Attributes:
        level: the level's name.
        branch: the branch.
        sources: for each class of B, the class of A with the same rows in every slot; None if none has.
        classes: the classes of B whose rows are not those of the same number in A.
        words: an explanation in words.
    """

    level: str
    branch: str
    sources: tuple[int | None, ...]
    classes: tuple[int, ...]
    words: str


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
            found = _difference(left, right, a_layout.class_names, b_layout.class_names)
            if found:
                yield LevelDifference(level.name, rows.branch, *found)


Rows = list[tuple[NDArray[Any], NDArray[Any]]]


def _rows(checkpoint: Checkpoint, level: Level, rows: ClassRows, count: int) -> Rows:
    """For each class: weights (slots, channels, 1, 1) and biases (slots,), in float64."""
    weight = checkpoint.array(rows.weight).astype(np.float64)
    bias = checkpoint.array(rows.bias).astype(np.float64)
    taken = [[rows.row(c, slot) for slot in range(level.slots)] for c in range(count)]
    return [(weight[at], bias[at]) for at in taken]


def _difference(
    left: Rows, right: Rows, a_names: tuple[str, ...], b_names: tuple[str, ...]
) -> tuple[tuple[int | None, ...], tuple[int, ...], str] | None:
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
    left: Rows,
    right: Rows,
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
        parts.append(f"rows moved: {some(moved)}")
    adjusted: dict[str, list[str]] = {}
    for number, source in enumerate(sources):
        if source is None:
            before = a_names.index(b_names[number]) if b_names[number] in a_names else number
            old = left[before] if before < len(left) else None
            adjusted.setdefault(_kind(old, right[number]), []).append(b_names[number])
    parts += [f"{kind}: {some(names)}" for kind, names in adjusted.items()]
    return "; ".join(parts)


def _kind(old: tuple[NDArray[Any], NDArray[Any]] | None, new: tuple[Any, Any]) -> str:
    """How a row that is none of A's differs from that of the same class in A."""
    if not np.any(new[0]) and np.all(new[1] < 0):
        return "suppressed"
    if old is None or old[0].shape != new[0].shape:
        return "new rows"
    if old[0].tobytes() == new[0].tobytes():
        offset = new[1] - old[1]
        return f"bias {offset[0]:+.4g}" if np.all(offset == offset[0]) else "bias changed"
    return "weights changed"


def _key(row: tuple[NDArray[Any], NDArray[Any]]) -> bytes:
    return row[0].tobytes() + row[1].tobytes()
