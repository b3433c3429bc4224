"""Guess the encoding of a text that is not Unicode.

The bytes of Western and Korean texts are mostly valid in Japanese Windows' encoding, too, where they read as
rare kanji, as half-width katakana in the middle of words or alone, or as pairs of half-width katakana that
are Hangul, too. Therefore the first encoding is taken in which the text consists of usual characters; if
there is none, the first in which it can be read at all.
"""

from __future__ import annotations

import re

GUESSES = {
    "cp932": "Japanese Windows",
    "cp949": "Korean Windows",
    "cp1252": "Western Windows",
}
"""The encodings that are tried, in this order, and what to call them."""

_UNUSED = re.compile("[\x80\uf8f0-\uf8f3]")
"""What Python makes of the five bytes that cp932 does not use."""

_HALF_WIDTH_IN_A_WORD = re.compile("[A-Za-z][\uff61-\uff9f]|[\uff61-\uff9f][A-Za-z]")
_HALF_WIDTH_ALONE = re.compile("(?<![^\x00-\x7f])[\uff61-\uff9f](?![^\x00-\x7f])")
"""A Japanese word is longer than one of these, while "\xc0 la carte" begins with one."""

_ONLY_HANGUL = re.compile(rb"[\x00-\x7f]*(?:[\xb0-\xc8][\xa1-\xfe][\x00-\x7f]*)+")
"""Text of ASCII and the syllables of the Korean standard."""

_WESTERN_SIGNS = frozenset("\u20ac\u2018\u2019\u201c\u201d\u2013\xa3\xb0\xb2\xb3\xb5\xb7\xdf")


def guessed_encoding(data: bytes) -> str | None:
    """The encoding that a text is most likely in, of those that are not Unicode; None if it is in none."""
    readable = []
    for name in GUESSES:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if name == "cp932" and _UNUSED.search(text):
            continue
        if _is_usual(name, text):
            return name
        readable.append(name)
    return readable[0] if readable else None


def _is_usual(name: str, text: str) -> bool:
    """Whether all characters that are not ASCII are usual ones in texts of this encoding."""
    unusual = {character for character in set(text) if not character.isascii()}
    if name == "cp1252":
        return all(each.isalpha() or each in _WESTERN_SIGNS for each in unusual)
    codes = [each.encode(name) for each in unusual]
    if name == "cp949":  # the syllables of the Korean standard, and its punctuation
        return all(0xA1 <= code[0] <= 0xC8 and code[-1] >= 0xA1 for code in codes)
    if _HALF_WIDTH_IN_A_WORD.search(text) or _HALF_WIDTH_ALONE.search(text):
        return False
    if all("\uff61" <= each <= "\uff9f" for each in unusual) and _ONLY_HANGUL.fullmatch(
        text.encode(name)
    ):
        return False
    return all(code[0] < 0xE0 for code in codes)  # kana, half-width kana, and the usual kanji
