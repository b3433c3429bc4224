"""What an explanation is made of: headed sections of paragraphs and tables, with the numbers behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TextTable:
    """A table.

    Attributes:
        columns: the headings; one that begins with ">" is aligned to the right.
        rows: one cell per column, as text.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_document(self) -> dict[str, Any]:
        """The JSON form."""
        columns = [column.removeprefix(">") for column in self.columns]
        return {"columns": columns, "rows": [list(row) for row in self.rows]}


@dataclass(frozen=True)
class Section:
    """One question about a model, answered with that model's numbers.

    Attributes:
        name: a key that stays the same for every model, such as "grids".
        title: the heading.
        numbers: the values that the text is made from, by name; plain values.
        parts: paragraphs and tables in the order of reading.
    """

    name: str
    title: str
    numbers: Mapping[str, Any]
    parts: tuple[str | TextTable, ...]

    def as_document(self) -> dict[str, Any]:
        """The JSON form: paragraphs are texts, tables have columns and rows."""
        return {
            "name": self.name,
            "title": self.title,
            "numbers": dict(self.numbers),
            "parts": [part if isinstance(part, str) else part.as_document() for part in self.parts],
        }


def anchor_text(anchor_wh_px: tuple[float, float]) -> str:
    """Such as "116x90": width and height in pixels."""
    width, height = anchor_wh_px
    return f"{width:g}x{height:g}"


def mask_text(mask: tuple[int, ...]) -> str:
    """Such as "[6,7,8]", as the source code of keras-yolo3 writes it."""
    return f"[{','.join(map(str, mask))}]"


def joined(texts: list[str]) -> str:
    """Such as "P5, P4 and P3"."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
