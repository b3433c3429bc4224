"""An explanation as paragraphs and tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.constrain import Constrain
from rich.padding import Padding

from headlab.families.facts import Section, TextTable
from headlab.results.tables import heading, line, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

WIDEST_PARAGRAPH = 88
_INDENT = (0, 0, 0, 2)


def explanation_text(sections: Sequence[Section]) -> Iterator[RenderableType]:
    """The parts to print, in order; paragraphs are broken, so that they can be read."""
    for section in sections:
        yield heading(section.title)
        for number, part in enumerate(section.parts):
            if number:
                yield ""
            if isinstance(part, TextTable):
                yield Padding(table(part.columns, part.rows), _INDENT)
            else:
                yield Constrain(Padding(line(part), _INDENT), WIDEST_PARAGRAPH)
