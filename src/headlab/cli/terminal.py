"""Lines for a person to read."""

from __future__ import annotations

import sys

import click

from headlab.plain_text import printable
from headlab.results.printing import readers_may_leave


def say(text: object, *, err: bool = False, keep: str = "") -> None:
    """Print one line. Control characters are written out: it may hold names from a stranger's file.

    A reader who leaves early, as `head` does, ends the printing only.

    Args:
        text: the line.
        err: print to standard error instead of standard output.
        keep: control characters to print as they are.
    """
    stream = sys.stderr if err else sys.stdout
    with readers_may_leave(stream):
        # Into the stream as it is: on its own, click takes ASCII for a mistake, and writes UTF-8.
        click.echo(printable(text, keep), file=stream)
