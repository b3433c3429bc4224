"""Lines for a person to read."""

from __future__ import annotations

import click

from headlab.plain_text import printable


def say(text: object, *, err: bool = False) -> None:
    """Print one line. Control characters are written out: it may hold names from a stranger's file.

    Args:
        text: the line.
        err: print to standard error instead of standard output.
    """
    click.echo(printable(text), err=err)
