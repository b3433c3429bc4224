"""Results as HTML, for notebooks: a table, with the levels in their colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from headlab.plain_text import printable
from headlab.results.colours import hex_colour, ink_on, level_colour
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

    from headlab.comparison.compare import Comparison
    from headlab.heads.layout import Layout
    from headlab.trace.trace import Trace

MOST_ROWS = 50


def layout_html(layout: Layout) -> str:
    """A head's levels and the names of their class rows."""
    rows = [
        [_level(level.name), f"{level.stride_px} px", _text(rows.branch), _text(rows.weight)]
        for level in layout.levels
        for rows in level.class_rows
    ]
    count = len(layout.class_names)
    caption = f"{layout.head} ({layout.task}), {count} class{'' if count == 1 else 'es'}"
    return _table(caption, ["level", "stride", "branch", "class rows"], rows)


def trace_html(trace: Trace) -> str:
    """A trace's detections, the first ones of a long run only, and what was skipped."""
    found, images = trace.detections.height, trace.images.height
    caption = f"{found} detection(s) on {images} image(s)"
    if trace.skipped:
        caption += f", {len(trace.skipped)} skipped"
    return detections_html(trace.detections, trace.layout.level_names, caption)


def detections_html(detections: pl.DataFrame, level_names: Sequence[str], caption: str) -> str:
    """Traced detections; the columns are those of `headlab trace`."""
    shown = detections.head(MOST_ROWS).to_dicts()
    anchors = any(map(has_anchor, shown))
    headings = ["image", "#", "class", "score", "level", "cell", "box", "merged", "alone", "needs"]
    if anchors:
        headings[6:8] = ["slot", "box", "box / anchor", "merged", "by slot"]
    rows = [_cells(row, level_names, anchors) for row in shown]
    hidden = detections.height - len(rows)
    if hidden:
        caption += f"; the first {len(rows)} are shown"
    return _table(caption, headings, rows)


def _cells(row: Mapping[str, Any], level_names: Sequence[str], anchors: bool) -> list[str]:
    corners = box(row).replace(",", ", ")
    support = merged(row, level_names)
    return [
        _text(f"{row['image']}{frame_behind(row['frame'])}"),
        str(row["detection"]),
        _text(row["class_name"]),
        f"{row['score']:.2f}",
        f"{_level(row['level'])} {row['stride_px']} px",
        cell(row),
        *([str(row["slot"]), corners, box_and_anchor(row)] if anchors else [corners]),
        *([support, merged_by_slot(row, level_names) or "-"] if anchors else [support]),
        " ".join(map(_level, alone(row, level_names))) or "-",
        " ".join(map(_level, needed(row, level_names))) or "-",
    ]


def _level(name: str) -> str:
    colour = level_colour(name)
    style = (
        f"background:{hex_colour(colour)};color:{hex_colour(ink_on(colour))};"
        "padding:0 .35em;border-radius:.2em"
    )
    return f'<span style="{style}">{_text(name)}</span>'


def _text(value: object) -> str:
    return escape(printable(value))


def _table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{_text(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f"<table><caption>{_text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def comparison_html(comparison: Comparison) -> str:
    """Two models' detections, pair by pair, the first ones of a long run only."""
    counts = ", ".join(f"{count} {kind}" for kind, count in comparison.counts.items())
    caption = f"Matched detections: {counts}"
    if comparison.shifts is not None:
        right, of = comparison.inference
        told = "level and anchor" if comparison.tells_slots else "level"
        caption += f"; the class change tells the {told} for {right} of {of}"
    slots = {
        "before": comparison.before.layout.has_slots,
        "after": comparison.after.layout.has_slots,
    }
    rows = [_pair_cells(row, slots) for row in comparison.pairs.head(MOST_ROWS).to_dicts()]
    hidden = comparison.pairs.height - len(rows)
    if hidden:
        caption += f"; the first {len(rows)} are shown"
    return _table(caption, ["image", "before", "after", "kind", "IoU"], rows)


def _pair_cells(row: Mapping[str, Any], slots: Mapping[str, bool]) -> list[str]:
    """One pair; `slots` says of each side whether its cells have several."""
    sides = [_side(row, side, slotted) for side, slotted in slots.items()]
    iou = "-" if row["iou"] is None else f"{row['iou']:.2f}"
    return [_text(f"{row['image']}{frame_behind(row['frame'])}"), *sides, _text(row["kind"]), iou]


def _side(row: Mapping[str, Any], side: str, slotted: bool) -> str:
    if row[f"{side}_level"] is None:
        return "-"
    slot = f"/{row[f'{side}_slot']}" if slotted else ""
    level = _level(row[f"{side}_level"])
    return f"{_text(row[f'{side}_class_name'])} {row[f'{side}_score']:.2f} {level}{slot}"
