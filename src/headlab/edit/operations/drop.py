"""Remove some classes."""

from __future__ import annotations

from typing import Literal

from headlab.edit.operations.base import Classes, Operation, class_ids, listed
from headlab.errors import RecipeError
from headlab.heads.layout import Layout


class Drop(Operation):
    """The result lacks these classes; the others keep their order and scores, and get new numbers.

    Attributes:
        classes: those to remove.
    """

    op: Literal["drop"] = "drop"
    classes: Classes

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
