"""Exchange the rows of two classes."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from headlab.edit.operations.base import Classes, RowMove, class_ids
from headlab.heads.layout import Layout


class Swap(RowMove):
    """Each of two classes scores as the other did; the names stay.

    Attributes:
        classes: the two.
    """

    op: Literal["swap"] = "swap"
    classes: Classes

    @field_validator("classes")
    @classmethod
    def _two(cls, classes: tuple[int | str, ...]) -> tuple[int | str, ...]:
        if len(classes) != 2:
            raise ValueError(f"two classes are expected, not {len(classes)}")
        return classes

    def moves(self, layout: Layout) -> dict[int, int]:
        """Each of the two -> the other."""
        first, second = class_ids(self.op, layout, self.classes)
        return {first: second, second: first}

    def words(self) -> str:
        """Such as "swap cat and dog at P3"."""
        return f"swap {self.classes[0]} and {self.classes[1]}{self.at_levels()}"
