"""Keep some classes and remove the rest."""

from __future__ import annotations

from typing import Literal

from headlab.edit.operations.base import Classes, Operation, class_ids, listed
from headlab.errors import RecipeError
from headlab.heads.layout import Layout


class Keep(Operation):
    """The result has only these classes, in the model's order; their scores stay as they are.

    Attributes:
        classes: those to keep.
    """

    op: Literal["keep"] = "keep"
    classes: Classes

    def removed(self, layout: Layout) -> tuple[int, ...]:
        """The numbers of the classes that go.

        Raises:
            InputError: a class is unknown or named twice, or none or all would be kept.
        """
        kept = class_ids(self.op, layout, self.classes)
        if not kept:
            raise RecipeError("keep: no class would be left.", "Name at least one class.")
        gone = tuple(at for at in range(len(layout.class_names)) if at not in kept)
        if not gone:
            raise RecipeError("keep: all classes are named, so nothing would be removed.")
        return gone

    def words(self) -> str:
        """Such as "keep cat, dog"."""
        return f"keep {listed(self.classes)}"
