"""Put classes in another order, rows and names together."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from headlab.edit.operations.base import Classes, Operation
from headlab.edit.operations.permute import complete_order
from headlab.heads.layout import Layout


class Reorder(Operation):
    """Class i of the result is the i-th class in `order`, with its rows on every level and its name.

    Predictions keep their meaning, only the class numbers change: for example to match the numbering
    of another data set.

    Attributes:
        order: every class once.
    """

    op: Literal["reorder"] = "reorder"
    order: Classes

    @model_validator(mode="before")
    @classmethod
    def _refuse_levels(cls, data: Any) -> Any:
        if isinstance(data, dict) and "levels" in data:
            raise ValueError(
                "reorder takes no levels, since all levels share the names; "
                "permute moves rows on some levels and leaves the names"
            )
        return data

    def order_ids(self, layout: Layout) -> tuple[int, ...]:
        """The input's class numbers in their new order.

        Raises:
            InputError: a class is unknown, missing or named twice, or the order is the old one.
        """
        return complete_order(self.op, layout, self.order)

    def words(self) -> str:
        """Such as "reorder 80 classes"."""
        return f"reorder {len(self.order)} classes"
