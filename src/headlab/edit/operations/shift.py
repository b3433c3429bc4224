"""Shift the class rows cyclically."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import RowMove
from headlab.edit.operations.values import Whole, whole
from headlab.errors import RecipeError
from headlab.heads.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Shift(RowMove):
    """New row i is old row (i - by) mod C: class i then scores as class i - by did.

    With a different shift on each level, the change of a detection's class shows its level.

    Attributes:
        by: any whole number that is not a multiple of the number of classes; negative shifts back.
    """

    op: ClassVar[str] = "shift"
    by: Whole

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("by", whole)

    def moves(self, layout: Layout) -> dict[int, int]:
        """Class i -> class (i - by) mod C."""
        count = len(layout.class_names)
        if count == 1:
            raise RecipeError(
                "The model has one class: there is nothing to shift.",
                "A shift moves rows between classes; use scale or bias to change how it scores.",
            )
        if self.by % count == 0:
            raise RecipeError(
                f"A shift by {self.by} does nothing: it is a multiple of the {count} classes.",
                f"Shift by 1 to {count - 1}.",
            )
        return {new: (new - self.by) % count for new in range(count)}

    def words(self) -> str:
        """Such as "shift by 1 at P4"."""
        return f"shift by {self.by}{self.at_levels()}"
