"""Small text files that people make by hand: their encodings, line ends and numbers."""

from __future__ import annotations

import math
import re
from pathlib import Path

from headlab.errors import CheckpointError

_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_UNUSED = "\x80"
_UNUSED_IN_CP932 = re.compile("[\x80\uf8f0-\uf8f3]")  # what Python makes of its five unused bytes
_LARGEST_BYTES = 1 << 22
_LINE_END = re.compile("\r\n|\r|\n")
_LINE_END_BYTES = re.compile(b"\r\n|\r|\n")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_LONGEST_DECIMAL = 40


def read_bytes(path: Path) -> bytes:
    """The contents of a small file.

    Raises:
        CheckpointError: it is missing, no file, unreadable, or far too large for text.
    """
    try:
        if not path.is_file():
            what = "it is not a file" if path.exists() else "there is no such file"
            raise CheckpointError(f"{path}: {what}.", "Check the path.")
        size = path.stat().st_size
        if size > _LARGEST_BYTES:
            raise CheckpointError(
                f"{path}: {size:,} bytes are too many for a text file.",
                "Is it a file of weights? Name the text file instead.",
            )
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(f"{path}: cannot be read: {reason}.") from error


def decoded_lines(data: bytes, path: Path) -> list[str]:
    """The lines of a text in UTF-8, with or without a byte order mark, or in Japanese Windows' cp932.

    Lines end with a line feed, a carriage return, or both.

    Raises:
        CheckpointError: it is in neither encoding, or is no text; the message says in which line.
    """
    if data.startswith(_UTF16_BOMS):
        raise CheckpointError(f"{path}: the text is in UTF-16.", "Save it as UTF-8.")
    if b"\0" in data:
        line = _line_at(data, data.index(b"\0"))
        raise CheckpointError(
            f"{path}, line {line}: this is not a text file: it has a zero byte.",
            "Name a text file, saved as UTF-8.",
        )
    return _LINE_END.split(_decoded(data.removeprefix(_BOM), path))


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = _line_at(data, error.start)
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        text = _UNUSED
    if _UNUSED_IN_CP932.search(text):
        raise CheckpointError(
            f"{path}, line {line}: the text is neither UTF-8 nor cp932 (Japanese Windows).",
            "Save the file as UTF-8.",
        )
    return text


def _line_at(data: bytes, position: int) -> int:
    return len(_LINE_END_BYTES.split(data[:position]))


def lines_with_ends(data: bytes) -> list[bytes]:
    """The lines of a text as bytes, each with its line end: as many as `decoded_lines` gives."""
    starts = [0, *(end.end() for end in _LINE_END_BYTES.finditer(data))]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def whole_number(text: str) -> int | None:
    """A whole number of up to nine digits; None if the text is none."""
    return int(text) if _WHOLE.fullmatch(text) else None


def decimal_number(text: str) -> float | None:
    """A finite decimal number; None if the text is none."""
    if len(text) > _LONGEST_DECIMAL or not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def number_text(number: float) -> str:
    """The shortest text that reads back as the same number, without ".0"."""
    return repr(float(number)).removesuffix(".0")
