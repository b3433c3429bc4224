"""Print as long as somebody reads: a pipe into `head` ends the printing, and never the work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def readers_may_leave(stream: TextIO) -> Iterator[None]:
    """Write to a stream and flush it. If its reader has gone, this and all later output goes nowhere.

    Args:
        stream: standard output or standard error.
    """
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        discard(stream)


def discard(stream: TextIO) -> None:
    """Send what a stream still holds, and what it gets from now on, nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
