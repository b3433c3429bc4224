"""Multiply class logits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headlab.edit.operations.base import Adjustment, Classes, class_ids, listed
from headlab.heads.layout import Layout


class Scale(Adjustment):
    """z' = factor * z: below 1 scores move towards 0.5, above 1 away from it (1 / temperature).

    Attributes:
        factor: finite and above 0, so that the order of scores within a class stays.
        classes: None means all.
    """

    op: Literal["scale"] = "scale"
    factor: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
    classes: Classes | None = None

    def adjustments(self, layout: Layout) -> dict[int, tuple[float, float]]:
        """Class -> (factor, 0)."""
        everything = range(len(layout.class_names))
        named = self.classes
        chosen = everything if named is None else class_ids(self.op, layout, named)
        return dict.fromkeys(chosen, (self.factor, 0.0))

    def words(self) -> str:
        """Such as "scale cat by 0.5 at P3"."""
        named = "all classes" if self.classes is None else listed(self.classes)
        return f"scale {named} by {self.factor:g}{self.at_levels()}"
