"""One traced detection in words, the same in a terminal, in a notebook and on a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def frame_behind(frame: int | None) -> str:
    """The number of a video's frame, to be put behind the file's name; nothing for an image."""
    return "" if frame is None else f" frame {frame}"


def slot_behind(row: Row) -> str:
    """The anchor's index, to be put behind the cell; nothing where it is the first or only one."""
    return f"/{row['slot']}" if row["slot"] else ""


def cell(row: Row) -> str:
    """Such as "6,11", or "6,11/2" for slot 2."""
    return f"{row['row']},{row['col']}{slot_behind(row)}"


def merged(row: Row, level_names: Sequence[str]) -> str:
    """The merged candidates of each level, finest first, such as "0/0/10"."""
    return "/".join(str(row[f"merged_{name}"]) for name in level_names)


def alone(row: Row, level_names: Sequence[str]) -> list[str]:
    """The levels each of which would find it if the others were silent."""
    return [name for name in level_names if row[f"alone_{name}"]]


def needed(row: Row, level_names: Sequence[str]) -> list[str]:
    """The levels without which it is lost."""
    return [name for name in level_names if not row[f"without_{name}"]]
