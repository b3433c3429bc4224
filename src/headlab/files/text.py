"""Read text files that people made: any usual encoding, any line ends.

One policy for class names, anchors, .cfg files, annotations, lists of photos and YAML:

1. An encoding that the caller names is the encoding.
2. Else a byte order mark decides: UTF-8, UTF-16 or UTF-32.
3. Else the text is UTF-8.
4. Else it is in one of Windows' encodings; see `headlab.files.guessing`. Since that is a guess, a remark says
   so, with the line that is not UTF-8.
5. What is in none of them is refused, with the line; so is a zero byte, which no text has.

JSON is not guessed at: by its standard it is Unicode. See `headlab.files.json_text`.
"""

from __future__ import annotations

import codecs
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from headlab.errors import InputError
from headlab.files.path_text import path_text

SMALL_BYTES = 1 << 22
"""The largest size of a text that is read whole into a model or a setting, such as a list of class names."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the mark of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END = re.compile(b"\r\n|\r|\n")
_FIRST_BYTES = 65_536


@dataclass(frozen=True)
class Remark:
    """Something a reader should know about a text file.

    Attributes:
        message: one sentence.
        line: the line that it is about, from 1; None if it is about the whole file.
    """

    message: str
    line: int | None = None

    def about(self, path: Path) -> str:
        """The remark with the file and the line."""
        where = f"{path}" if self.line is None else f"{path}, line {self.line}"
        return f"{where}: {self.message}"


@dataclass(frozen=True)
class Text:
    r"""A text file's contents.

    Attributes:
        lines: without their ends, which may be any of \n, \r\n and \r.
        remarks: what is uncertain about them.
        encoding: the encoding that they were in, as Python calls it.
    """

    lines: list[str]
    remarks: tuple[Remark, ...] = ()
    encoding: str = "utf-8"


def read_text(path: Path, encoding: str | None = None, *, largest_bytes: int | None = None) -> Text:
    """A text file's lines.

    Args:
        path: the file.
        encoding: of the file; None to find it out.
        largest_bytes: refuse a larger file; None for any size.

    Raises:
        InputError: the file cannot be read, is too large, or is not text in that encoding.
    """
    return decoded(read_bytes(path, largest_bytes), path, encoding)


def read_bytes(path: Path, largest_bytes: int | None = None) -> bytes:
    """A file's contents.

    Args:
        path: the file.
        largest_bytes: refuse a larger file; None for any size.

    Raises:
        InputError: there is no such file, it cannot be read, or it is too large.
    """
    return _read(path, largest_bytes, -1)


def first_lines(path: Path) -> list[str]:
    """The first lines of a text file, the last of them perhaps cut off; no lines if it is not text.

    Raises:
        InputError: the file cannot be read.
    """
    start = _read(path, None, _FIRST_BYTES)
    guessed: list[str] = []
    for cut in range(4):  # the last character, of up to four bytes, may be cut off
        try:
            text = decoded(start[: len(start) - cut], path)
        except InputError:
            continue
        if not text.remarks:
            return text.lines
        guessed = guessed or text.lines
    return guessed


def decoded(data: bytes, path: Path, encoding: str | None = None) -> Text:
    """A text's lines from its bytes.

    Args:
        data: the contents of a file.
        path: the file, for messages.
        encoding: of the text; None to find it out.

    Raises:
        InputError: it is not text, or not in that encoding; the message has the line.
    """
    remarks: tuple[Remark, ...] = ()
    if encoding is None:
        text, encoding, remarks = _recognised(data, path)
    else:
        text = _decoded_as(encoding, data, path)
    if "\0" in text:
        line = len(_lines(text[: text.index("\0") + 1]))
        raise InputError(
            f"{path}, line {line}: this is not a text file: it has a zero byte.",
            "Name a text file, saved as UTF-8.",
        )
    return Text(_lines(text), remarks, encoding)


def lines_with_ends(data: bytes) -> list[bytes]:
    """The lines of a text as bytes, each with its line end, in an encoding that extends ASCII."""
    starts = [0, *(end.end() for end in _LINE_END.finditer(data))]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def as_ascii_extending(data: bytes, path: Path) -> bytes:
    """A text's bytes, in UTF-8 where its own encoding does not extend ASCII, as UTF-16 and UTF-32."""
    text = decoded(data, path)
    if not text.encoding.startswith(("utf-16", "utf-32")):
        return data
    return "".join(f"{line}\n" for line in text.lines).encode("utf-8")


def sound(text: object) -> str:
    """Text that can be stored: half characters, which JSON and file names may hold, are replaced."""
    return path_text(text)


def _read(path: Path, largest_bytes: int | None, most: int) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{path} is a folder, not a file.", "Give the path of a file.")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(
                f"{path} is a device or a pipe, not a file.", "Give the path of a file."
            )
        if largest_bytes is not None and status.st_size > largest_bytes:
            raise InputError(
                f"{path}: {status.st_size:,} bytes are too many for a text file.",
                "Is it a file of weights? Name the text file instead.",
            )
        with path.open("rb") as file:
            return file.read(most)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{path}: cannot be read: there is no such file.", "Check the path."
        ) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise InputError(f"{path}: cannot be read: {reason}.", "Check the path.") from None


def _recognised(data: bytes, path: Path) -> tuple[str, str, tuple[Remark, ...]]:
    """The text without its byte order mark, its encoding, and a remark where that is a guess."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _decoded_as(name, data[len(mark) :], path), name, ()
    try:
        return data.decode("utf-8"), "utf-8", ()
    except UnicodeDecodeError as error:
        line = _line_at(data, error.start)
    from headlab.files.guessing import GUESSES, guessed_encoding  # seldom needed

    guess = guessed_encoding(data)
    if guess is None:
        raise InputError(
            f"{path}, line {line}: the text is not UTF-8, nor in an encoding of Windows "
            f"({', '.join(GUESSES)}).",
            "Save the file as UTF-8.",
        )
    message = (
        f"This is not UTF-8, so the file was read as {guess} ({GUESSES[guess]}). "
        "If that is wrong, save it as UTF-8, or name its encoding."
    )
    return data.decode(guess), guess, (Remark(message, line),)


def _decoded_as(encoding: str, data: bytes, path: Path) -> str:
    try:
        text = data.decode(encoding)
    except LookupError:
        raise InputError(
            f"There is no encoding {encoding!r}.", "Such as utf-8, cp932, euc_jp or cp1252."
        ) from None
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = len(_lines(data[:start].decode(encoding, "replace") + "."))
        raise InputError(
            f"{path}, line {line}: not in {encoding}.",
            "Save the file as UTF-8, or name its encoding.",
        ) from None
    return text.removeprefix("\ufeff")


def _lines(text: str) -> list[str]:
    # Not str.splitlines, for which half a dozen other characters end a line, too.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _line_at(data: bytes, position: int) -> int:
    return len(_LINE_END.split(data[:position]))
