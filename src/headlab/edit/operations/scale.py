"""Multiply class logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import Adjustment, class_ids
from headlab.edit.operations.values import AboveZero, Classes, above_zero, one_or_more
from headlab.heads.layout import Layout
from headlab.plain_text import first_few


@dataclass(frozen=True, kw_only=True)
class Scale(Adjustment):
    """z' = factor * z: below 1 scores move towards 0.5, above 1 away from it (1 / temperature).

    Attributes:
        factor: finite and above 0, so that the order of scores within a class stays.
        classes: None means all.
    """

    op: ClassVar[str] = "scale"
    factor: AboveZero
    classes: Classes | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("factor", above_zero)
        self._settle("classes", one_or_more)

    def adjustments(self, layout: Layout) -> dict[int, tuple[float, float]]:
        """Class -> (factor, 0)."""
        everything = range(len(layout.class_names))
        named = self.classes
        chosen = everything if named is None else class_ids(self.op, layout, named)
        return dict.fromkeys(chosen, (self.factor, 0.0))

    def words(self) -> str:
        """Such as "scale cat by 0.5 at P3"."""
        named = "all classes" if self.classes is None else first_few(self.classes)
        return f"scale {named} by {self.factor:g}{self.at_levels()}"
