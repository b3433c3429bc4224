"""Keep some classes and remove the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import Removal, class_ids
from headlab.errors import RecipeError
from headlab.heads.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Keep(Removal):
    """The result has only these classes, in the model's order."""

    op: ClassVar[str] = "keep"

    def removed(self, layout: Layout) -> tuple[int, ...]:
        """All classes but the named ones; see `Removal.removed`."""
        kept = class_ids(self.op, layout, self.classes)
        if not kept:
            raise RecipeError("keep: no class would be left.", "Name at least one class.")
        gone = tuple(at for at in range(len(layout.class_names)) if at not in kept)
        if not gone:
            raise RecipeError("keep: all classes are named, so nothing would be removed.")
        return gone
