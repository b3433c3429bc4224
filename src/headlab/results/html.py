"""Tables and pages as HTML, for notebooks and files; nothing in them comes from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from headlab.plain_text import printable
from headlab.results.colours import hex_colour, ink_on, level_colour

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 50
"""A notebook shows so many rows of a table; files have all of them."""

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "caption{text-align:left;font-weight:600;padding:.3rem 0}"
    "th,td{padding:.25rem .7rem;text-align:left;border-bottom:1px solid #ddd;white-space:nowrap}"
)


def html_text(value: object) -> str:
    """Any value as text in HTML: markup and control characters are written out."""
    return escape(printable(value))


def level_badge(name: str) -> str:
    """A level's name on its colour."""
    colour = level_colour(name)
    style = (
        f"background:{hex_colour(colour)};color:{hex_colour(ink_on(colour))};"
        "padding:0 .35em;border-radius:.2em"
    )
    return f'<span style="{style}">{html_text(name)}</span>'


def table_html(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table.

    Args:
        caption: plain text.
        headings: plain text.
        rows: cells that are HTML already (see `html_text`).
    """
    head = "".join(f"<th>{html_text(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f"<table><caption>{html_text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def frame_html(caption: str, frame: pl.DataFrame) -> str:
    """The first rows of a polars table."""
    shown = frame.head(MOST_ROWS)
    if frame.height > shown.height:
        caption += f"; the first {shown.height} of {frame.height:,} rows"
    rows = [[_cell(value) for value in row] for row in shown.iter_rows()]
    return table_html(caption, frame.columns, rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return html_text(f"{value:.4g}" if isinstance(value, float) else value)


def page(title: str, body: str) -> str:
    """A whole page around HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{html_text(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )
