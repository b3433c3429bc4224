"""The progress bar: on the terminal's standard error only, never in what is piped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pty = pytest.importorskip("pty", reason="needs a pseudo-terminal, which this system lacks")

PROGRAM = (
    "from headlab.results.progress import progress\n"
    "with progress(iter('abc'), 3) as letters:\n"
    "    for letter in letters:\n"
    "        print(letter)\n"
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
