"""The command `headlab`: its commands, and the one place where errors become exit codes.

Exit codes: 0 done, 1 the answer is no (or something was skipped), 2 the input was wrong, 128 + N ended by the
signal with number N.
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
from headlab.cli.signals import EndedBySignal, EndingSignals
from headlab.cli.terminal import say
from headlab.errors import HeadlabError
from headlab.plain_text import printable
from headlab.results.printing import discard, readers_may_leave, take_every_text

_WRITE_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF)

COMMANDS = (
    *("inspect", "edit", "diff", "trace", "compare", "convert"),
    *("boxes", "anchors", "train", "evaluate"),
    "demo",
)


EXAMPLES = {
    "inspect": "headlab inspect yolov8n.pt",
    "edit": "headlab edit yolov8n.pt --shift P4=1 --shift P5=5 -o shifted.pt",
    "diff": "headlab diff yolov8n.pt shifted.pt",
    "trace": "headlab trace yolov8n.pt bird.jpg --save pictures",
    "compare": "headlab compare yolov8n.pt shifted.pt bird.jpg",
    "convert": "headlab convert yolov3-tiny.weights tiny.h5",
    "boxes": "headlab boxes check data.yaml",
    "anchors": "headlab anchors fit train.txt -k 9 -o anchors.txt",
    "train": "headlab train train.txt --start yolov3-tiny.weights -o runs/first",
    "evaluate": "headlab evaluate yolov8n.pt data.yaml",
    "demo": "headlab demo",
}


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for; of one that there is not, say what serves instead."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from headlab.cli.guidance import for_command

            raise click.UsageError(
                f"There is no command {printable(args[0])!r}. {for_command(args[0], COMMANDS)}", ctx
            )
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """An example of each command."""
        with formatter.section("Examples"):
            for example in EXAMPLES.values():
                formatter.write_text(example)


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
    take_every_text(sys.stdout, sys.stderr)
    signals = EndingSignals()
    code = 0
    try:
        code = _exit_code()
    except Exception:
        if signals.received is None:
            raise
    if signals.received is not None:  # a library may have made another error of it
        say(f"headlab: ended by {signals.received.name}", err=True)
        code = signals.exit_code
    code = _flushed(code)
    if "torch" not in sys.modules:
        _leave_at_once(code)
    sys.exit(code)


def _exit_code() -> int:
    try:
        returned = app.main(prog_name="headlab", standalone_mode=False)
    except HeadlabError as error:
        say(f"headlab: {error}", err=True, keep="\n")
        if any("=" in argument for argument in sys.argv[1:]):
            from headlab.cli.guidance import for_assignments

            answer = for_assignments(sys.argv[1:])
            if answer:
                say(answer, err=True)
        return 2
    except click.ClickException as error:
        error.show()
        _guide(error)
        return error.exit_code
    except click.Abort:
        say("headlab: interrupted", err=True)
        return 130
    except EndedBySignal:
        return 0  # `run` knows
    except SystemExit:
        return 0  # click ends so when the reader of a pipe has gone, which is no failure
    except OSError as error:
        if error.filename is not None or error.errno not in _WRITE_FAILURES:
            raise
        return _not_printed(error)
    return returned if isinstance(returned, int) else 0


def _guide(error: click.ClickException) -> None:
    """Say how headlab does what the user tried in the way of another tool."""
    from headlab.cli import guidance

    answer = ""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        params = error.ctx.command.get_params(error.ctx)
        known = [name for param in params for name in (*param.opts, *param.secondary_opts)]
        answer = guidance.for_option(error.option_name, known)
    answer = answer or guidance.for_assignments(sys.argv[1:])
    if answer:
        say(answer, err=True)


def _flushed(code: int) -> int:
    """The exit code when everything printed has gone out, or could not."""
    try:
        for stream in (sys.stdout, sys.stderr):
            with readers_may_leave(stream):
                stream.flush()
    except OSError as error:
        return _not_printed(error)
    return code


def _not_printed(error: OSError) -> int:
    """Say that standard output cannot be written, as on a full disk."""
    discard(sys.stdout)
    say(f"headlab: standard output cannot be written: {error.strerror}", err=True)
    return 2


def _leave_at_once(code: int) -> NoReturn:
    """End the process without tidying up its memory, which would take as long as importing numpy.

    Files are closed and output is flushed by now. Where torch is loaded, its threads end in the usual
    way instead.
    """
    os._exit(code)
