"""Remove some classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import Operation, class_ids, listed
from headlab.edit.operations.values import Classes, one_or_more
from headlab.errors import RecipeError
from headlab.heads.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Drop(Operation):
    """The result lacks these classes; the others keep their order and scores, and get new numbers.

    Attributes:
        classes: those to remove.
    """

    op: ClassVar[str] = "drop"
    classes: Classes

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("classes", one_or_more)

    def removed(self, layout: Layout) -> tuple[int, ...]:
        """The numbers of the classes that go.

        Raises:
            InputError: a class is unknown or named twice, or none or all would go.
        """
        gone = tuple(sorted(class_ids(self.op, layout, self.classes)))
        if not gone:
            raise RecipeError("drop: no class is named.", "Name at least one class.")
        if len(gone) == len(layout.class_names):
            raise RecipeError("drop: no class would be left.", "Leave at least one class.")
        return gone

    def words(self) -> str:
        """Such as "drop cat, dog"."""
        return f"drop {listed(self.classes)}"
