r"""Paths as text that tables, JSON and terminals can hold, and back.

A file's name is bytes, and not always UTF-8. Python keeps such bytes as halves of characters, which nothing
that stores Unicode accepts. In results they are escapes, as in `caf\xe9.jpg`.
"""

from __future__ import annotations

import os
import re
import sys

_HALF = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(rb"\\x([89a-f][0-9a-f])")
_UNICODE_NAMES = sys.getfilesystemencoding() == "utf-8"


def path_text(path: object) -> str:
    r"""A path, or another text, without halves of characters: bytes that are not UTF-8 become `\xe9`.

    Where the system's encoding is ASCII, all other bytes are halves: those that are UTF-8 become letters.
    """
    text = str(path)
    if _HALF.search(text) is None:
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a half that is no byte, as JSON may hold it
        return text.encode("utf-8", "replace").decode("utf-8")


def path_of(text: str) -> str:
    """The path that `path_text` made a text of; the text itself where that is not a file's name."""
    if "\\x" not in text and (text.isascii() or _UNICODE_NAMES):
        return text
    if os.path.lexists(text):
        return text
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text
    path = os.fsdecode(_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), data))
    return path if os.path.lexists(path) else text
