"""Numbers in text files, as people write them: plain digits, so not all that Python would take."""

from __future__ import annotations

import math
import re

_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_LONGEST_DECIMAL = 40


def whole_number(text: str) -> int | None:
    """The whole number, of up to nine digits, that a text is; None if it is none."""
    return int(text) if _WHOLE.fullmatch(text) else None


def decimal_number(text: str) -> float | None:
    """The finite decimal number that a text is; None if it is none."""
    if len(text) > _LONGEST_DECIMAL or not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def number_text(number: float) -> str:
    """The shortest text that reads back as the same number, without ".0"."""
    return repr(float(number)).removesuffix(".0")
