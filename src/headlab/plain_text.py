"""Text from files, made safe to print."""

from __future__ import annotations


def printable(text: object, keep: str = "") -> str:
    """The text with control characters written out, so that a file's names cannot steer the terminal.

    Args:
        text: what to print.
        keep: control characters to leave as they are.
    """
    return "".join(
        each
        if each.isprintable() or each in keep
        else each.encode("unicode_escape").decode("ascii")
        for each in str(text)
    )
