"""Columns of text for tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from headlab.files.path_text import path_text


def text_column(values: Sequence[Any] | pl.Series) -> pl.Series:
    """Texts as a column; what a table cannot hold, as in a file's name that is not UTF-8, becomes escapes."""
    try:
        return pl.Series(values, dtype=pl.String)
    except UnicodeEncodeError:
        return pl.Series([None if value is None else path_text(value) for value in values])
