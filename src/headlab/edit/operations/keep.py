"""Keep some classes and remove the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import Operation, class_ids, listed
from headlab.edit.operations.values import Classes, one_or_more
from headlab.errors import RecipeError
from headlab.heads.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Keep(Operation):
    """The result has only these classes, in the model's order; their scores stay as they are.

    Attributes:
        classes: those to keep.
    """

    op: ClassVar[str] = "keep"
    classes: Classes

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("classes", one_or_more)

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
