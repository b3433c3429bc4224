"""How far long work has come, on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from headlab.results.printing import readers_may_leave

Step = TypeVar("Step")

Progress = Callable[[int, "int | None"], None]
"""Called after each step with how many are done, and of how many; None if that is unknown."""

EVERY_S = 10.0
"""Without a terminal, long work says at most this often how far it is."""


def with_progress(
    steps: Iterator[Step], progress: Progress | None, total: Callable[[], int | None]
) -> Iterator[Step]:
    """The same steps; the callback, if there is one, is called after each.

    Args:
        steps: the work.
        progress: the callback.
        total: how many steps there will be, if that is known; asked only where there is a callback.
    """
    return steps if progress is None else _counted(steps, progress, total())


def _counted(steps: Iterator[Step], progress: Progress, total: int | None) -> Iterator[Step]:
    for done, step in enumerate(steps, 1):
        progress(done, total)
        yield step


@contextmanager
def progress_shown(what: str) -> Iterator[Progress]:
    """A progress callback that shows how far the work is; a bar vanishes at the end.

    What is printed meanwhile appears above the bar if standard output is a terminal, too.

    Args:
        what: is done, such as "tracing".
    """
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    from rich import progress

    from headlab.results.tables import console

    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> Progress:
    """A callback that prints a line when the last one is long ago."""
    last = time.monotonic()

    def said(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < EVERY_S:
            return
        last = now
        of = "" if total is None else f" of {total:,}"
        with readers_may_leave(sys.stderr):
            print(f"headlab: {what}: {done:,}{of}", file=sys.stderr)  # noqa: T201

    return said
