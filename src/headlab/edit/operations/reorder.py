"""Put classes in another order, rows and names together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import Operation
from headlab.edit.operations.permute import complete_order
from headlab.edit.operations.values import Classes, one_or_more
from headlab.heads.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Reorder(Operation):
    """Class i of the result is the i-th class in `order`, with its rows on every level and its name.

    Predictions keep their meaning; only the class numbers change, for example to match those of another
    data set.

    Attributes:
        order: every class once.
    """

    op: ClassVar[str] = "reorder"
    absent: ClassVar[Mapping[str, str]] = {
        "levels": (
            "reorder takes no levels, since all levels share the names; "
            "permute moves rows on some levels and leaves the names"
        )
    }
    order: Classes

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("order", one_or_more)

    def order_ids(self, layout: Layout) -> tuple[int, ...]:
        """The input's class numbers in their new order.

        Raises:
            InputError: a class is unknown, missing or named twice, or the order is the old one.
        """
        return complete_order(self.op, layout, self.order)

    def words(self) -> str:
        """Such as "reorder 80 classes"."""
        return f"reorder {len(self.order)} classes"
