"""Make classes unable to score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import LevelOperation, class_ids
from headlab.edit.operations.values import Classes, one_or_more
from headlab.heads.layout import Layout
from headlab.plain_text import first_few

SUPPRESSED_BIAS = -10_000.0
"""The logit of a suppressed class for any input: its weights are zero, so only the bias is left.

The score 1 / (1 + exp(10000)) is exactly 0 in float32 and float16, because exp(10000) overflows to infinity
in both. float16, whose largest number is 65504, can represent -10000 exactly.
"""


@dataclass(frozen=True, kw_only=True)
class Suppress(LevelOperation):
    """The class scores exactly 0 in every cell of the levels in scope.

    Attributes:
        classes: None means all; `levels` is then required, and those levels are silenced.
    """

    op: ClassVar[str] = "suppress"
    classes: Classes | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("classes", one_or_more)
        if not self.classes and not self.levels:
            raise self.error("name the classes, or the levels to silence whole levels, or both")

    def suppressed(self, layout: Layout) -> tuple[int, ...]:
        """The numbers of the classes.

        Raises:
            InputError: a class is unknown or named twice.
        """
        if self.classes is None:
            return tuple(range(len(layout.class_names)))
        return class_ids(self.op, layout, self.classes)

    def words(self) -> str:
        """Such as "suppress cat, dog at P3"."""
        named = "all classes" if self.classes is None else first_few(self.classes)
        return f"suppress {named}{self.at_levels()}"
