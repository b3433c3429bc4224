"""Traced detections as HTML, for notebooks: a table, with the levels in their colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headlab.results.html import MOST_ROWS, html_text, level_badge, table_html
from headlab.trace.row_words import (
    alone,
    box,
    box_and_anchor,
    cell,
    frame_behind,
    has_anchor,
    merged,
    merged_by_slot,
    needed,
)

if TYPE_CHECKING:
    import polars as pl

    from headlab.trace.trace import Trace


def trace_html(trace: Trace) -> str:
    """A trace's detections, the first ones of many, and how many sources were skipped."""
    caption = trace.summary
    if trace.skipped:
        caption += f", {len(trace.skipped)} skipped"
    return detections_html(trace.detections, trace.layout.level_names, caption)


def detections_html(detections: pl.DataFrame, level_names: Sequence[str], caption: str) -> str:
    """Traced detections; the columns are those of `headlab trace`."""
    shown = detections.head(MOST_ROWS).to_dicts()
    anchors = any(map(has_anchor, shown))
    headings = ["image", "#", "class", "score", "level", "cell", "box", "merged", "alone", "needs"]
    if anchors:
        headings[6:8] = ["slot", "box", "w x h / anchor", "merged", "by slot"]
    rows = [_cells(row, level_names, anchors) for row in shown]
    if detections.height > len(rows):
        caption += f"; the first {len(rows)} are shown"
    return table_html(caption, headings, rows)


def _cells(row: Mapping[str, Any], level_names: Sequence[str], anchors: bool) -> list[str]:
    corners = box(row).replace(",", ", ")
    support = merged(row, level_names)
    return [
        html_text(f"{row['image']}{frame_behind(row['frame'])}"),
        str(row["detection"]),
        html_text(row["class_name"]),
        f"{row['score']:.2f}",
        f"{level_badge(row['level'])} {row['stride_px']} px",
        cell(row),
        *([str(row["slot"]), corners, box_and_anchor(row)] if anchors else [corners]),
        *([support, merged_by_slot(row, level_names) or "-"] if anchors else [support]),
        " ".join(map(level_badge, alone(row, level_names))) or "-",
        " ".join(map(level_badge, needed(row, level_names))) or "-",
    ]
