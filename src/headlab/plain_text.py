"""Text from files made safe to print, counted nouns, sizes, and lists cut short."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_LINE_BREAKS = ("Zl", "Zp")


def printable(text: object, keep: str = "") -> str:
    """The text with control characters written out, so that a file's names cannot steer the terminal.

    Controls, invisible format characters such as those that turn the direction of writing, and line
    breaks are written as escapes; letters and spaces of every script stay.

    Args:
        text: what to print.
        keep: control characters to leave as they are.
    """
    return "".join(
        _escape(character) if _steers(character) and character not in keep else character
        for character in str(text)
    )


def composed(text: str) -> str:
    """The text in Unicode's composed form (NFC), by which names are compared.

    macOS writes file names decomposed, others write them composed: the same letters in other code points,
    which no screen shows.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def first_few(texts: Iterable[object], count: int = 4) -> str:
    """The first few of many, and how many more: "cat, dog, bird, cow and 3 more"."""
    listed = [str(text) for text in texts]
    more = f" and {len(listed) - count} more" if len(listed) > count else ""
    return ", ".join(listed[:count]) + more


def counted(count: int, noun: str, plural: str = "") -> str:
    """Such as "1 class" or "1,200 classes"."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def size_text(size_hw_px: tuple[int, int]) -> str:
    """Height and width in pixels, such as "416 x 416 px" or "320 x 608 px (height x width)"."""
    height, width = size_hw_px
    return f"{height} x {width} px" + ("" if height == width else " (height x width)")


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte of a file's name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _steers(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind.startswith("C") or kind in _LINE_BREAKS
