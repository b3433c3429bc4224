"""Remove some classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import Removal, class_ids
from headlab.errors import RecipeError
from headlab.heads.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Drop(Removal):
    """The result lacks these classes; the others are numbered without a gap."""

    op: ClassVar[str] = "drop"

    def removed(self, layout: Layout) -> tuple[int, ...]:
        """The named classes; see `Removal.removed`."""
        gone = tuple(sorted(class_ids(self.op, layout, self.classes)))
        if not gone:
            raise RecipeError("drop: no class is named.", "Name at least one class.")
        if len(gone) == len(layout.class_names):
            raise RecipeError("drop: no class would be left.", "Leave at least one class.")
        return gone
