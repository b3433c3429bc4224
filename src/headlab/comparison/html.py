"""Two models' detections as HTML, for notebooks: pair by pair, with the levels in their colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headlab.results.html import MOST_ROWS, html_text, level_badge, table_html
from headlab.results.tables import NOTHING
from headlab.trace.row_words import frame_behind

if TYPE_CHECKING:
    import polars as pl

    from headlab.comparison.compare import Comparison

_HEADINGS = ("image", "before", "after", "kind", "IoU")


def comparison_html(comparison: Comparison) -> str:
    """Two models' detections, the first pairs of many, and what the class changes tell."""
    caption = comparison.summary
    if comparison.shifts is not None:
        right, of = comparison.inference
        inferred = "level and anchor" if comparison.tells_slots else "level"
        caption += f"; the class change names the {inferred} for {right} of {of}"
    slots = (comparison.before.layout.has_slots, comparison.after.layout.has_slots)
    return pairs_html(comparison.pairs, slots, caption)


def pairs_html(pairs: pl.DataFrame, has_slots: tuple[bool, bool], caption: str) -> str:
    """Pairs and unmatched detections.

    Args:
        pairs: rows of `Comparison.pairs`.
        has_slots: of each model, whether cells have several slots.
        caption: what to write above them.
    """
    shown = pairs.head(MOST_ROWS).to_dicts()
    if pairs.height > len(shown):
        caption += f"; the first {len(shown)} are shown"
    return table_html(caption, _HEADINGS, [_cells(row, has_slots) for row in shown])


def _cells(row: Mapping[str, Any], has_slots: tuple[bool, bool]) -> list[str]:
    sides = [
        _side(row, side, slotted)
        for side, slotted in zip(("before", "after"), has_slots, strict=True)
    ]
    iou = NOTHING if row["iou"] is None else f"{row['iou']:.2f}"
    name = html_text(f"{row['image']}{frame_behind(row['frame'])}")
    return [name, *sides, html_text(row["kind"]), iou]


def _side(row: Mapping[str, Any], side: str, slotted: bool) -> str:
    if row[f"{side}_level"] is None:
        return NOTHING
    slot = f"/{row[f'{side}_slot']}" if slotted else ""
    level = level_badge(row[f"{side}_level"])
    return f"{html_text(row[f'{side}_class_name'])} {row[f'{side}_score']:.2f} {level}{slot}"
