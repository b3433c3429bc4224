"""What text formats accept as a number and as a class number."""

from __future__ import annotations

NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
"""A decimal number; the same pattern for Python's `re` and for polars."""

MAX_CLASS = 2**31
"""Class numbers are below this."""
