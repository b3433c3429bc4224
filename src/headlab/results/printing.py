"""Print whatever the text and whoever reads it.

A pipe into `head` ends the printing, and never the work. What the encoding of a terminal or pipe lacks is
written in ASCII: headlab's own signs as their usual substitutes, everything else as an escape.
"""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_SUBSTITUTES = str.maketrans(
    {
        "≥": ">=",
        "≤": "<=",
        "×": "x",
        "…": "...",
        "–": "-",
        "—": "-",
        "→": "->",
        "²": "^2",
        "±": "+-",
    }
)
_ERRORS = "headlab.ascii"
_PYTHONS_OWN = ("strict", "surrogateescape", "backslashreplace")
"""How Python writes what an encoding lacks unless the user chooses; two of them can fail."""


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


def take_every_text(*streams: TextIO | None) -> None:
    """Let streams print characters that their encoding lacks; a choice in PYTHONIOENCODING is kept."""
    codecs.register_error(_ERRORS, _in_ascii)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and stream.errors in _PYTHONS_OWN:
            stream.reconfigure(errors=_ERRORS)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end].translate(_SUBSTITUTES)
    return missing.encode("ascii", "backslashreplace").decode("ascii"), error.end


def discard(stream: TextIO) -> None:
    """Send what a stream still holds, and what it gets from now on, nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
