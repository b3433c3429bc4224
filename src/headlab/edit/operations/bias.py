"""Add to class logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import Adjustment, class_ids
from headlab.edit.operations.values import Classes, Finite, finite, one_or_more
from headlab.heads.layout import Layout
from headlab.plain_text import first_few


@dataclass(frozen=True, kw_only=True)
class Bias(Adjustment):
    """z' = z + offset: the odds of every score of the class are multiplied by exp(offset).

    Attributes:
        offset: finite.
        classes: None means all.
    """

    op: ClassVar[str] = "bias"
    offset: Finite
    classes: Classes | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("offset", finite)
        self._settle("classes", one_or_more)

    def adjustments(self, layout: Layout) -> dict[int, tuple[float, float]]:
        """Class -> (1, offset)."""
        everything = range(len(layout.class_names))
        named = self.classes
        chosen = everything if named is None else class_ids(self.op, layout, named)
        return dict.fromkeys(chosen, (1.0, self.offset))

    def words(self) -> str:
        """Such as "add -2 to cat at P3"."""
        named = "all classes" if self.classes is None else first_few(self.classes)
        return f"add {self.offset:g} to {named}{self.at_levels()}"
