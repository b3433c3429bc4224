"""Tables for a terminal, which stay readable in 80 columns and when piped into a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from headlab.plain_text import printable
from headlab.results.colours import hex_colour, level_colour
from headlab.results.printing import readers_may_leave

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType, RenderResult

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

    Where it is too narrow for all columns, those that do not fit follow in a second table, and so on, each
    with the first column: none is lost.

    Args:
        columns: the headings; one that begins with ">" is aligned to the right.
        rows: one cell per column; `Text` keeps its style, everything else is printed as it is.
    """
    cells = [[cell if isinstance(cell, Text) else line(cell) for cell in row] for row in rows]
    return _filled(_SplitTable(columns, cells), columns, cells)


class _SplitTable(Table):
    """A table that becomes several where it is too wide."""

    def __init__(self, columns: Sequence[str] = (), cells: Sequence[Sequence[Text]] = ()) -> None:
        super().__init__(box=None, header_style="dim", pad_edge=False, padding=(0, _GAP, 0, 0))
        self._headings, self._cells = columns, cells

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """See rich's protocol."""
        parts = self._parts(options.max_width)
        if len(parts) == 1:
            yield from super().__rich_console__(console, options)
            return
        for number, part in enumerate(parts):
            if number:
                yield ""
            headings = [self._headings[at] for at in part]
            yield _filled(
                _SplitTable(), headings, [[row[at] for at in part] for row in self._cells]
            )

    def _parts(self, width: int) -> list[list[int]]:
        """The columns of each table, by number."""
        needed = [self._needed(at) for at in range(len(self._headings))]
        parts = [[0]]
        for at in range(1, len(needed)):
            together = sum(needed[other] for other in (*parts[-1], at))
            if together + _GAP * len(parts[-1]) > width and len(parts[-1]) > 1:
                parts.append([0])
            parts[-1].append(at)
        return parts

    def _needed(self, at: int) -> int:
        """How wide a column has to be: as its cells, but text may be folded."""
        heading = self._headings[at]
        widest = max(
            [cell_len(heading.removeprefix(">")), *(row[at].cell_len for row in self._cells)]
        )
        return widest if heading.startswith(">") else min(widest, _FOLDED_FROM)


def _filled(made: Table, columns: Sequence[str], cells: Sequence[Sequence[Text]]) -> Table:
    for number, heading in enumerate(columns):
        right = heading.startswith(">")
        widest = max([cell_len(heading), *(row[number].cell_len for row in cells)])
        made.add_column(
            Text(heading.removeprefix(">")),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=right,
            min_width=None if right else min(widest, _FOLDED_FROM),
        )
    for row in cells:
        made.add_row(*row)
    return made


_GAP = 2
_FOLDED_FROM = 12
"""Text of more columns is folded before a table is split."""
