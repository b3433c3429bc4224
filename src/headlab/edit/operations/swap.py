"""Exchange the rows of two classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import RowMove, class_ids
from headlab.edit.operations.values import Classes, one_or_more
from headlab.heads.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Swap(RowMove):
    """Each of two classes scores as the other did; the names stay.

    Attributes:
        classes: the two.
    """

    op: ClassVar[str] = "swap"
    classes: Classes

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("classes", one_or_more)
        if isinstance(self.classes, tuple) and len(self.classes) != 2:
            raise self.error(f"classes: two classes are expected, not {len(self.classes)}")

    def moves(self, layout: Layout) -> dict[int, int]:
        """Each of the two -> the other."""
        first, second = class_ids(self.op, layout, self.classes)
        return {first: second, second: first}

    def words(self) -> str:
        """Such as "swap cat and dog at P3"."""
        return f"swap {self.classes[0]} and {self.classes[1]}{self.at_levels()}"
