"""Tables for a terminal, which stay readable in 80 columns and when piped into a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from headlab.plain_text import printable
from headlab.results.colours import hex_colour, level_colour
from headlab.results.printing import readers_may_leave

if TYPE_CHECKING:
    from rich.console import RenderableType

PIPED_COLUMNS = 80

NOTHING = "-"
"""What a cell shows where there is no value."""


def console(stderr: bool = False) -> Console:
    """A console that neither guesses emphasis nor reads markup; 80 columns wide when piped.

    COLUMNS sets another width.
    """
    stream = sys.stderr if stderr else sys.stdout
    piped = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(
        file=stream,
        width=PIPED_COLUMNS if piped else None,
        highlight=False,
        markup=False,
        emoji=False,
    )


def show(*parts: RenderableType) -> None:
    """Print tables and lines to standard output, without trailing blanks when piped.

    A reader who leaves early, as `head` does, ends the printing only.
    """
    out = console()
    if out.is_terminal:
        _print(out, parts)
        return
    with out.capture() as captured:
        _print(out, parts)
    lines = captured.get().splitlines()
    with readers_may_leave(sys.stdout):
        sys.stdout.writelines(f"{text.rstrip()}\n" for text in lines)


def as_text(*parts: RenderableType) -> str:
    """Tables and lines as plain text, as `show` prints them to a file."""
    buffer = StringIO()
    plain = Console(
        file=buffer,
        width=PIPED_COLUMNS,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,  # else rich displays the text in a notebook, instead of writing it
        highlight=False,
        markup=False,
        emoji=False,
    )
    _print(plain, parts)
    return "\n".join(each.rstrip() for each in buffer.getvalue().splitlines())


def _print(out: Console, parts: Sequence[RenderableType]) -> None:
    """Lines of text are not broken, so that they can be searched and copied; tables are."""
    for part in parts:
        out.print(part, soft_wrap=isinstance(part, (str, Text)))


def line(text: object, style: str = "") -> Text:
    """One line of text, printed as it is."""
    return Text(printable(text), style=style)


def heading(text: str) -> Text:
    """A heading, with an empty line above it."""
    return Text("\n").append_text(line(text, "bold"))


def level_text(name: str, rest: str = "") -> Text:
    """A level's name in its colour, and what follows it."""
    return Text(name, style=f"bold {hex_colour(level_colour(name))}").append(rest, style="not bold")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table without vertical rules.

    Args:
        columns: the headings; one that begins with ">" is aligned to the right.
        rows: one cell per column; `Text` keeps its style, everything else is printed as it is.
    """
    made = Table(
        box=None,
        header_style="dim",
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for heading in columns:
        right = heading.startswith(">")
        made.add_column(
            Text(heading.removeprefix(">")),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=right,
        )
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else line(cell) for cell in row))
    return made
