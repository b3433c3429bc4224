"""Add to class logits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headlab.edit.operations.base import Adjustment, Classes, class_ids, listed
from headlab.heads.layout import Layout


class Bias(Adjustment):
    """z' = z + offset: the odds of every score of the class are multiplied by exp(offset).

    Attributes:
        offset: finite.
        classes: None means all.
    """

    op: Literal["bias"] = "bias"
    offset: Annotated[float, Field(allow_inf_nan=False, strict=True)]
    classes: Classes | None = None

    def adjustments(self, layout: Layout) -> dict[int, tuple[float, float]]:
        """Class -> (1, offset)."""
        everything = range(len(layout.class_names))
        named = self.classes
        chosen = everything if named is None else class_ids(self.op, layout, named)
        return dict.fromkeys(chosen, (1.0, self.offset))

    def words(self) -> str:
        """Such as "add -2 to cat at P3"."""
        named = "all classes" if self.classes is None else listed(self.classes)
        return f"add {self.offset:g} to {named}{self.at_levels()}"
