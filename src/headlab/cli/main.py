"""The command `headlab`: its commands, and the one place where errors become exit codes.

Exit codes: 0 done, 1 the answer is no (or something was skipped), 2 the input was wrong.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from headlab._version import __version__
from headlab.errors import HeadlabError
from headlab.plain_text import printable

_WRITE_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF)

COMMANDS = (
    *("inspect", "edit", "diff", "trace", "compare", "convert"),
    *("boxes", "anchors", "train", "evaluate"),
    "demo",
)


class Commands(click.Group):
    """The commands in the order of `COMMANDS`; each is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command that `headlab.cli.NAME` defines under its own name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"headlab.cli.{cmd_name}"), cmd_name)
        return command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(__version__, message="headlab %(version)s", help="Show the version.")
def app() -> None:
    """A laboratory for YOLO detection heads.

    See where each detection comes from, and what happens when that part is changed.
    """


def _start_lightly() -> None:
    """Leave out of a short-lived process what only costs it time; what the user set is kept.

    numpy's thread pool and most rounds of garbage collection take a good part of the time of
    `headlab edit`.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000)


def run() -> None:
    """Run the command line; every error that headlab raises on purpose ends with exit code 2."""
    _start_lightly()
    code = _flushed(_exit_code())
    if "torch" not in sys.modules:
        _leave_at_once(code)
    sys.exit(code)


def _exit_code() -> int:
    try:
        returned = app.main(prog_name="headlab", standalone_mode=False)
    except HeadlabError as error:
        click.echo(printable(f"headlab: {error}", keep="\n"), err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("headlab: interrupted", err=True)
        return 130
    except SystemExit:
        return 0  # click ends so when the reader of a pipe has gone, which is no failure
    except OSError as error:
        if error.filename is not None or error.errno not in _WRITE_FAILURES:
            raise
        return _not_printed(error)
    return returned if isinstance(returned, int) else 0


def _flushed(code: int) -> int:
    """The exit code when everything printed has gone out, or could not."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        _discard_the_rest()
        return 0
    except OSError as error:
        return _not_printed(error)
    return code


def _not_printed(error: OSError) -> int:
    """Say that standard output cannot be written, as on a full disk."""
    _discard_the_rest()
    click.echo(f"headlab: standard output cannot be written: {error.strerror}", err=True)
    return 2


def _discard_the_rest() -> None:
    """Let what is still to be printed go nowhere, so that the interpreter does not stumble over it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave_at_once(code: int) -> NoReturn:
    """End the process without tidying up its memory, which would take as long as importing numpy.

    Files are closed and output is flushed by now. Where torch is loaded, its threads end in the usual
    way instead.
    """
    os._exit(code)
