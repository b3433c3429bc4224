"""Give one class the rows of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import RowMove, class_ids
from headlab.edit.operations.values import ClassReference
from headlab.heads.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Copy(RowMove):
    """The target scores as the source does; the source keeps its rows, the target loses its own.

    Attributes:
        source: the class whose rows are copied.
        target: the class that gets them.
    """

    op: ClassVar[str] = "copy"
    source: ClassReference
    target: ClassReference

    def moves(self, layout: Layout) -> dict[int, int]:
        """The target -> the source."""
        source, target = class_ids(self.op, layout, (self.source, self.target))
        return {target: source}

    def words(self) -> str:
        """Such as "copy cat to dog"."""
        return f"copy {self.source} to {self.target}{self.at_levels()}"
