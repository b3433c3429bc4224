"""What all operations share: how they name classes and levels, and in which step they act.

A class is named by its name or number **in the input**, in every operation. Row moves carry rows from
one class to another; all later steps act on the row that carries the named class afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from headlab.errors import RecipeError
from headlab.heads.layout import Layout

_SHOWN = 4


def _one_or_more(value: Any) -> Any:
    """A lone name stands for a list of one."""
    return [value] if isinstance(value, (int, str)) else value


def _class_reference(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(
            "a class name or number is expected; YAML reads some words, such as no, on "
            "and 1e3, as other things: put them in quotes"
        )
    return value


ClassReference = Annotated[int | str, BeforeValidator(_class_reference)]
Classes = Annotated[tuple[ClassReference, ...], BeforeValidator(_one_or_more)]
Levels = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]


class Operation(BaseModel):
    """One step of a recipe: plain data, checked when it is made, and again against a model's layout."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    op: str

    def level_indices(self, layout: Layout) -> tuple[int, ...]:
        """The levels in scope, finest first: all of them unless the operation names some.

        Raises:
            UnknownName: the head has no such level.
            RecipeError: a level is named twice.
        """
        return tuple(range(len(layout.levels)))

    def words(self) -> str:
        """The operation in a few words, for plans and messages."""
        raise NotImplementedError


class LevelOperation(Operation):
    """An operation that may be limited to some levels.

    Attributes:
        levels: their names, in any letter case; None means all.
    """

    levels: Levels | None = None

    def level_indices(self, layout: Layout) -> tuple[int, ...]:
        """The levels in scope, finest first; see `Operation.level_indices`."""
        if self.levels is None:
            return super().level_indices(layout)
        if not self.levels:
            raise RecipeError(
                f"{self.op}: the list of levels is empty.", "Leave `levels` out to mean all levels."
            )
        found = [layout.level_index(name) for name in self.levels]
        _check_distinct(self.op, "level", [layout.levels[at].name for at in found])
        return tuple(sorted(found))

    def at_levels(self) -> str:
        """The scope in words, to be put behind the rest."""
        return f" at {', '.join(self.levels)}" if self.levels else ""


class RowMove(LevelOperation):
    """An operation that gives classes the rows of other classes."""

    def moves(self, layout: Layout) -> dict[int, int]:
        """Class -> the class whose row it gets; classes that the operation leaves alone are absent.

        Raises:
            InputError: a class is unknown, or the move makes no sense for this model.
        """
        raise NotImplementedError


class Adjustment(LevelOperation):
    """An operation that changes logits: z' = factor * z + offset, by weight and bias of the row."""

    def adjustments(self, layout: Layout) -> dict[int, tuple[float, float]]:
        """Class -> (factor, offset of the logit).

        Raises:
            InputError: a class is unknown.
        """
        raise NotImplementedError


def class_ids(op: str, layout: Layout, classes: Iterable[int | str]) -> tuple[int, ...]:
    """The numbers of named classes, in the order given.

    Raises:
        UnknownName: the model has no such class.
        RecipeError: a class is named twice.
    """
    found = tuple(layout.class_id(each) for each in classes)
    _check_distinct(op, "class", [layout.class_names[at] for at in found], found)
    return found


def listed(classes: Iterable[int | str]) -> str:
    """Classes in words, the first few of them."""
    names = [str(each) for each in classes]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _check_distinct(op: str, kind: str, names: list[str], ids: Iterable[int] = ()) -> None:
    seen: set[object] = set()
    for key, name in zip(list(ids) or names, names, strict=True):
        if key in seen:
            raise RecipeError(f"{op}: the {kind} {name!r} is named twice.", "Name it once.")
        seen.add(key)
