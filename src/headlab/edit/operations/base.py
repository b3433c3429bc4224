"""What all operations share: how they name classes and levels, and in which step they act.

A class is named by its name or number **in the input**, in every operation. Row moves carry rows from
one class to another; all later steps act on the row that carries the named class afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

from headlab.edit.operations.values import Classes, Levels, one_or_more
from headlab.errors import RecipeError
from headlab.heads.layout import Layout, Place
from headlab.plain_text import first_few

_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One step of a recipe: plain data, checked when it is made, and again against a model's layout.

    Making one checks its values; the types of its fields are checked only if they are not known (see
    `edit.recipe`).

    Attributes:
        op: the operation's name in recipes.
        absent: fields that one might expect here -> why there are none.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    op: ClassVar[str]
    absent: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        """Convert the fields to their one form, and check them.

        Raises:
            RecipeError: a value makes no sense for any model.
        """

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The operation's fields in a recipe, apart from `op`."""
        return tuple(field.name for field in fields(cls))

    @classmethod
    def error(cls, what: str) -> RecipeError:
        """An error about the operation's fields."""
        return RecipeError(f"{what}.", f"Fields of {cls.op}: {', '.join(cls.field_names())}.")

    def _settle(self, field: str, make: Callable[[Any], Any]) -> None:
        """Replace a field by the result of a check; the object is frozen for everyone else."""
        object.__setattr__(self, field, self._checked(field, make, getattr(self, field)))

    def _checked(self, field: str, make: Callable[[Any], _Made], value: Any) -> _Made:
        try:
            return make(value)
        except ValueError as error:
            raise self.error(f"{field}: {error}") from None

    def places(self, layout: Layout) -> tuple[Place, ...]:
        """The slots of levels in scope, finest level first: all unless the operation names some.

        Raises:
            UnknownName: the head has no such level.
            InputError: a level has no such slot.
            RecipeError: a place is named twice.
        """
        return layout.places

    def words(self) -> str:
        """The operation in a few words, for plans and messages."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LevelOperation(Operation):
    """An operation that may be limited to some levels, or to some slots of them.

    Attributes:
        levels: names such as "P5" or, for one slot, "P5/2", in any letter case; None means all.
    """

    levels: Levels | None = None

    def __post_init__(self) -> None:
        """See `Operation`."""
        super().__post_init__()
        self._settle("levels", one_or_more)

    def places(self, layout: Layout) -> tuple[Place, ...]:
        """The places in scope, finest level first; see `Operation.places`."""
        if self.levels is None:
            return super().places(layout)
        if not self.levels:
            raise RecipeError(
                f"{self.op}: the list of levels is empty.", "Leave `levels` out to mean all levels."
            )
        places = [place for name in self.levels for place in layout.places_of(name)]
        kind = "slot" if layout.has_slots else "level"
        _check_distinct(self.op, kind, [layout.place_name(place) for place in places])
        return tuple(sorted(places))

    def at_levels(self) -> str:
        """The scope in words, to end a sentence with."""
        return f" at {', '.join(self.levels)}" if self.levels else ""


class RowMove(LevelOperation):
    """An operation that gives classes the rows of other classes."""

    def moves(self, layout: Layout) -> dict[int, int]:
        """Class -> the class whose row it gets; classes that do not change are absent.

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


@dataclass(frozen=True, kw_only=True)
class Removal(Operation):
    """An operation that removes classes; the others keep their order, and their rows bit by bit.

    Attributes:
        classes: those that the operation names.
    """

    classes: Classes

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("classes", one_or_more)

    def removed(self, layout: Layout) -> tuple[int, ...]:
        """The numbers of the removed classes, ascending.

        Raises:
            InputError: a class is unknown or named twice, or none or all would be removed.
        """
        raise NotImplementedError

    def words(self) -> str:
        """Such as "keep cat, dog"."""
        return f"{self.op} {first_few(self.classes)}"


def class_ids(op: str, layout: Layout, classes: Iterable[int | str]) -> tuple[int, ...]:
    """The numbers of named classes, in the order given.

    Raises:
        UnknownName: the model has no such class.
        RecipeError: a class is named twice.
    """
    numbers = tuple(layout.class_id(name) for name in classes)
    _check_distinct(op, "class", [layout.class_names[number] for number in numbers], numbers)
    return numbers


def _check_distinct(op: str, kind: str, names: list[str], ids: Iterable[int] = ()) -> None:
    seen: set[object] = set()
    for key, name in zip(list(ids) or names, names, strict=True):
        if key in seen:
            raise RecipeError(f"{op}: the {kind} {name!r} is named twice.", "Name it once.")
        seen.add(key)
