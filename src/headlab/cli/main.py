"""The command `headlab`: its commands, and the one place where errors become exit codes.

Exit codes: 0 done, 1 the answer is no (or something was skipped), 2 the input was wrong.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from headlab._version import __version__
from headlab.cli import compare, demo, diff, edit, inspect, trace
from headlab.errors import HeadlabError
from headlab.plain_text import printable

app = typer.Typer(
    name="headlab",
    help="A laboratory for YOLO detection heads: where each detection comes from, and what happens "
    "when that part is changed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (inspect, edit, diff, trace, compare, demo):
    command.register(app)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"headlab {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options that come before the command."""


def _start_lightly() -> None:
    """Leave out of a short-lived process what only costs it time; what the user set is kept.

    numpy's thread pool, pydantic's search for plugins, and most rounds of garbage collection take a
    fifth of the time of `headlab edit`.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(100_000)


def run() -> None:
    """Run the command line; every error that headlab raises on purpose ends with exit code 2."""
    _start_lightly()
    try:
        app()
    except HeadlabError as error:
        typer.echo(printable(f"headlab: {error}", keep="\n"), err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("headlab: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
