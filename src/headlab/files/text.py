"""Text files of unknown encoding and mixed line ends."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from headlab.boxes.table import Problem
from headlab.errors import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the mark of UTF-16, so it comes before
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GUESSES = ("cp932", "cp1252", "latin-1")  # the last reads anything


@dataclass(frozen=True)
class Text:
    r"""A text file's contents.

    Attributes:
        lines: without their ends, which may be any of \n, \r\n and \r.
        problems: what is odd about its encoding.
    """

    lines: list[str]
    problems: tuple[Problem, ...]


def sound(text: object) -> str:
    """Text that can be stored: half characters, which JSON and file names may hold, become "?"."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def read_bytes(path: Path, most: int = -1) -> bytes:
    """A file's contents, or its first bytes.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(most)
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a file.", "Give the path of a file.") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise InputError(f"{path}: cannot be read: {reason}.", "Check the path.") from None


def read_text(path: Path, encoding: str | None = None) -> Text:
    """A text file's lines.

    Without `encoding` it is taken from the byte order mark; else it is UTF-8, or, with a warning, the
    first that fits of Shift JIS (cp932), Windows Latin (cp1252) and Latin-1.

    Raises:
        InputError: the file cannot be read, or not in that encoding.
    """
    text, problems = _decoded(read_bytes(path), path, encoding)
    return Text(_lines(text), problems)


def first_lines(path: Path) -> list[str]:
    """The first lines of a text file, the last of them perhaps cut off.

    Raises:
        InputError: the file cannot be read.
    """
    return _lines(_decoded(read_bytes(path, _FIRST_BYTES), path, None)[0])


_FIRST_BYTES = 65_536


def _lines(text: str) -> list[str]:
    # Not str.splitlines, for which half a dozen other characters end a line, too.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _decoded(data: bytes, path: Path, encoding: str | None) -> tuple[str, tuple[Problem, ...]]:
    if encoding is not None:
        return _as_told(data, path, encoding), ()
    for mark, name in _MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(name, errors="replace")
            return text, _damaged(data, text, path, name)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        for name in _GUESSES:
            try:
                text = data.decode(name)
            except UnicodeDecodeError:
                continue
            message = f"Not UTF-8; read as {name}. Save the file as UTF-8, or name its encoding."
            return text, (Problem("warning", "encoding", message, str(path), line),)
    raise AssertionError("latin-1 reads anything")


def _as_told(data: bytes, path: Path, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except LookupError:
        raise InputError(
            f"There is no encoding {encoding!r}.", "Such as utf-8, cp932, euc_jp or cp1252."
        ) from None
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = data.count(b"\n", 0, start) + 1
        raise InputError(f"{path}:{line}: not in {encoding}.", "Name another encoding.") from None
    return text.removeprefix("\ufeff")


def _damaged(data: bytes, text: str, path: Path, name: str) -> tuple[Problem, ...]:
    at = text.find("\ufffd")
    if at < 0 or "\ufffd".encode(name) in data:
        return ()
    line = text.count("\n", 0, at) + 1
    message = f"Begins with the mark of {name}, but holds bytes that are not {name}."
    return (Problem("warning", "encoding", message, str(path), line),)
