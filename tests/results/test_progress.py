"""The progress bar: on the terminal's standard error only, never in what is piped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from headlab.results import progress

pty = pytest.importorskip("pty", reason="needs a pseudo-terminal, which this system lacks")

PROGRAM = (
    "from headlab.results.progress import progress_shown\n"
    "with progress_shown('spelling') as progress:\n"
    "    for done, letter in enumerate('abc', 1):\n"
    "        print(letter)\n"
    "        progress(done, 3)\n"
)


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal: our end, and the end that the program writes to."""
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(theirs)
        os.close(ours)


def run(stdout: int, stderr: int) -> str:
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, stdout=stdout, stderr=stderr, env=environment, check=True)
    return (done.stdout or b"").decode()


def test_what_is_piped_holds_no_bar() -> None:
    with terminal() as (ours, theirs):
        assert run(subprocess.PIPE, theirs) == "a\nb\nc\n"
        assert b"3/3" in os.read(ours, 1 << 16)


def test_on_a_terminal_the_lines_appear_with_the_bar() -> None:
    with terminal() as (ours, theirs):
        run(theirs, theirs)
        shown = os.read(ours, 1 << 16)
    assert b"3/3" in shown
    assert b"a\r\n" in shown
    assert shown.rstrip().endswith(b"\x1b[2K")  # the bar is wiped at the end


def test_without_a_terminal_a_line_says_now_and_then_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 4.0, 11.0, 12.0, 22.0])  # lines are due from 10.0, and from 21.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.progress_shown("tracing") as callback:
        for done in range(1, 5):
            callback(done, 1200 if done < 4 else None)
    assert capsys.readouterr().err.splitlines() == [
        "headlab: tracing: 2 of 1,200",
        "headlab: tracing: 4",
    ]
