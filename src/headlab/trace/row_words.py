"""One traced detection in words, the same in a terminal, in a notebook and on a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from typing import Any

Row = Mapping[str, Any]


def frame_behind(frame: int | None) -> str:
    """The number of a video's frame, to follow the file's name; nothing for an image."""
    return "" if frame is None else f" frame {frame}"


def has_anchor(row: Row) -> bool:
    """Whether the detection started from an anchor."""
    return row["anchor_w"] is not None


def slot_behind(row: Row) -> str:
    """The anchor's index, to follow the cell; nothing for a head without anchors."""
    return f"/{row['slot']}" if has_anchor(row) else ""


def cell(row: Row) -> str:
    """Row and column, such as "6,11"."""
    return f"{row['row']},{row['col']}"


def box(row: Row) -> str:
    """The corners in whole pixels of the image, such as "141,86,601,447"."""
    return ",".join(f"{row[corner]:.0f}" for corner in ("x1", "y1", "x2", "y2"))


def box_and_anchor(row: Row) -> str:
    """Width and height of the box and of the anchor it started from in input pixels."""
    return f"{size(row['input_w'], row['input_h'])} / {size(row['anchor_w'], row['anchor_h'])}"


def size(width: float, height: float) -> str:
    """Such as "344x319"."""
    return f"{width:.0f}x{height:.0f}"


def merged(row: Row, level_names: Sequence[str]) -> str:
    """The merged candidates of each level, finest first, such as "0/0/10"."""
    return "/".join(str(row[f"merged_{name}"]) for name in level_names)


def merged_by_slot(row: Row, level_names: Sequence[str]) -> str:
    """The merged candidates of each slot, of levels that have any, such as "P4 0/3/0 P5 0/0/10"."""
    by_level = [(name, _slot_counts(row, name)) for name in level_names]
    return " ".join(
        f"{name} {'/'.join(map(str, counts))}" for name, counts in by_level if any(counts)
    )


def _slot_counts(row: Row, level: str) -> list[int]:
    columns = (f"merged_{level}_{slot}" for slot in count())
    return [row[name] for name in takewhile(row.__contains__, columns)]


def alone(row: Row, level_names: Sequence[str]) -> list[str]:
    """The levels each of which would find it if the others made no candidates."""
    return [name for name in level_names if row[f"alone_{name}"]]


def needed(row: Row, level_names: Sequence[str]) -> list[str]:
    """The levels without which it is lost."""
    return [name for name in level_names if not row[f"without_{name}"]]
