"""Put the class rows in another order, and leave the names where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from headlab.edit.operations.base import RowMove, class_ids
from headlab.edit.operations.values import Classes, one_or_more
from headlab.errors import RecipeError
from headlab.heads.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Permute(RowMove):
    """New row i is the old row of the i-th class in `order`; class i then scores as that class did.

    Attributes:
        order: every class once.
    """

    op: ClassVar[str] = "permute"
    order: Classes

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("order", one_or_more)

    def moves(self, layout: Layout) -> dict[int, int]:
        """Class i -> the class at place i of the order."""
        return dict(enumerate(complete_order(self.op, layout, self.order)))

    def words(self) -> str:
        """Such as "permute 80 rows at P4"."""
        return f"permute {len(self.order)} rows{self.at_levels()}"


def complete_order(op: str, layout: Layout, order: Sequence[int | str]) -> tuple[int, ...]:
    """The numbers of all classes in a new order.

    Raises:
        UnknownName: the model has no such class.
        RecipeError: a class is missing or named twice, or the order is the old one.
    """
    found = class_ids(op, layout, order)
    count = len(layout.class_names)
    missing = sorted(set(range(count)) - set(found))
    if missing:
        names = ", ".join(layout.class_names[at] for at in missing[:5])
        raise RecipeError(
            f"{op}: the order names {len(found)} of the model's {count} classes; missing: {names}"
            + (", …." if len(missing) > 5 else "."),
            "Name every class once. On the command line, @FILE reads a file with one name a line.",
        )
    if found == tuple(range(count)):
        raise RecipeError(f"{op}: the order is the one that the model already has.")
    return found
