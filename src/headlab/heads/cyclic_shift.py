"""Recognise a cyclic shift of class rows."""

from __future__ import annotations

from collections.abc import Sequence


def shift_of(sources: Sequence[int | None]) -> int | None:
    """The k of a cyclic shift, nearest to 0; None if it is not one.

    Args:
        sources: for each new row, its old row: i - k, counted in a circle, in a shift by k; None where the
            new row is none of the old ones.
    """
    count = len(sources)
    if count < 2 or sources[0] is None:
        return None
    by = -sources[0] % count
    if by == 0 or any(source != (new - by) % count for new, source in enumerate(sources)):
        return None
    return by if by <= count // 2 else by - count
