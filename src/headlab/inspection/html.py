"""A model's head as HTML, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlab.plain_text import counted
from headlab.results.html import frame_html, html_text, level_badge, table_html

if TYPE_CHECKING:
    from headlab.heads.layout import Layout
    from headlab.inspection.inspection import Inspection


def layout_html(layout: Layout) -> str:
    """A head's levels and the names of their class rows."""
    rows = [
        [
            level_badge(level.name),
            f"{level.stride_px} px",
            html_text(rows.branch),
            html_text(rows.weight),
        ]
        for level in layout.levels
        for rows in level.class_rows
    ]
    count = counted(len(layout.class_names), "class", "classes")
    caption = f"{layout.head} ({layout.task}), {count}"
    return table_html(caption, ["level", "stride", "branch", "class rows"], rows)


def inspection_html(shown: Inspection) -> str:
    """The levels, then what was asked for."""
    head = layout_html(shown.layout)
    if shown.parameters is not None:
        return head + frame_html("Parameters", shown.table)
    return head + frame_html("Classes", shown.table) if shown.classes else head
