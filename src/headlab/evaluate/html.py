"""An evaluation as HTML, for notebooks: the tables of the terminal, with the levels in their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlab.evaluate.text import counts, grids
from headlab.results.html import html_text, level_badge, table_html

if TYPE_CHECKING:
    from headlab.evaluate.evaluation import Evaluation


def evaluation_html(evaluation: Evaluation) -> str:
    """COCO's figures, then by class, by level and by slot."""
    parts = []
    for at, grid in enumerate(grids(evaluation)):
        rows = [[_cell(cell) for cell in row] for row in grid.rows]
        headings = [heading.removeprefix(">") for heading in grid.columns]
        parts.append(table_html(counts(evaluation) if at == 0 else "", headings, rows))
    return "".join(parts)


def _cell(cell: object) -> str:
    """A cell; a level's name in its colour, with what follows it."""
    if isinstance(cell, tuple):
        name, rest = cell
        return level_badge(name) + html_text(rest)
    return html_text(cell)
