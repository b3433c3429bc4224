"""Refuse operations that contradict each other; the message names both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headlab.edit.operations import (
    Adjustment,
    Copy,
    Operation,
    Removal,
    Rename,
    Reorder,
    RowMove,
    Suppress,
    Swap,
    Thresholds,
)
from headlab.edit.recipe import Recipe
from headlab.errors import RecipeError
from headlab.heads.layout import Layout, Place

_ADJUSTMENTS = ("scale", "bias", "thresholds")
_CONTRADICTIONS = {
    frozenset({"move"}): "both move a row to",
    frozenset({"suppress"}): "both act on",
    frozenset({"move", "suppress"}): "move a row to and suppress",
    **{frozenset({kind}): "both act on" for kind in _ADJUSTMENTS},
    **{frozenset({"suppress", kind}): "suppress and adjust" for kind in _ADJUSTMENTS},
}
"""Kinds of claims that must not meet on the same class of the same place."""


@dataclass(frozen=True)
class _Claim:
    """An operation that writes the row of a class at a place."""

    kind: str
    position: int
    operation: Operation


def check_conflicts(layout: Layout, recipe: Recipe) -> None:
    """Check a recipe against itself and the model, before anything is touched.

    Raises:
        InputError: a class, a level or a slot does not exist.
        RecipeError: two operations contradict each other.
    """
    claimed: dict[tuple[Place, int], list[_Claim]] = {}
    for position, operation in enumerate(recipe.operations, start=1):
        for kind, place, class_id in _claims(layout, operation):
            claim = _Claim(kind, position, operation)
            earlier = claimed.setdefault((place, class_id), [])
            for other in earlier:
                if frozenset({kind, other.kind}) in _CONTRADICTIONS:
                    raise _contradiction(layout, other, claim, place, class_id)
            earlier.append(claim)
    _check_single_operations(layout, recipe)
    _check_one_global_threshold(recipe)
    _check_removed(layout, recipe)


def _claims(layout: Layout, operation: Operation) -> Iterator[tuple[str, Place, int]]:
    """(kind, place, class) for every class row that an operation writes."""
    kind, classes = operation.op, _written(layout, operation)
    if isinstance(operation, (RowMove, Reorder)):
        kind = "move"
    for place in operation.places(layout):
        for class_id in classes:
            yield kind, place, class_id


def _written(layout: Layout, operation: Operation) -> tuple[int, ...]:
    if isinstance(operation, RowMove):
        return tuple(operation.moves(layout))
    if isinstance(operation, Reorder):
        return operation.order_ids(layout)
    if isinstance(operation, Suppress):
        return operation.suppressed(layout)
    if isinstance(operation, Adjustment):
        return tuple(operation.adjustments(layout))
    return ()


def _check_single_operations(layout: Layout, recipe: Recipe) -> None:
    """A class is renamed once; classes are removed by one operation."""
    renamed: dict[int, tuple[int, Operation]] = {}
    removing: tuple[int, Operation] | None = None
    for position, operation in enumerate(recipe.operations, start=1):
        if isinstance(operation, Rename):
            for class_id in operation.new_names(layout):
                if class_id in renamed:
                    raise RecipeError(
                        f"{_both(*renamed[class_id], position, operation)} rename class "
                        f"{layout.class_names[class_id]!r}.",
                        "Rename it once.",
                    )
                renamed[class_id] = (position, operation)
        if isinstance(operation, Removal):
            operation.removed(layout)
            if removing:
                raise RecipeError(
                    f"{_both(*removing, position, operation)} decide which classes stay.",
                    "Use one keep or one drop.",
                )
            removing = (position, operation)


def _check_one_global_threshold(recipe: Recipe) -> None:
    earlier: tuple[int, Thresholds] | None = None
    for position, operation in enumerate(recipe.operations, start=1):
        if not isinstance(operation, Thresholds):
            continue
        if earlier and earlier[1].at != operation.at:
            raise RecipeError(
                f"{_both(*earlier, position, operation)} expect different global thresholds: "
                f"{earlier[1].at:g} and {operation.at:g}.",
                "The result is used with one; give both the same `at`.",
            )
        earlier = (position, operation)


def _check_removed(layout: Layout, recipe: Recipe) -> None:
    """No operation may name a class that is removed, except as the source of a copy."""
    numbered = list(enumerate(recipe.operations, start=1))
    for at, remover in numbered:
        if not isinstance(remover, Removal):
            continue
        gone = set(remover.removed(layout))
        for position, operation in numbered:
            lost = sorted(gone & set(_named(layout, operation)))
            if lost:
                raise RecipeError(
                    f"{_one(position, operation)} acts on class {layout.class_names[lost[0]]!r}, "
                    f"which {_one(at, remover)} removes.",
                    "Leave the class out of one of them.",
                )


def _named(layout: Layout, operation: Operation) -> tuple[int, ...]:
    """The classes that an operation names as those to change."""
    if isinstance(operation, (Swap, Copy)):
        return tuple(operation.moves(layout))
    if isinstance(operation, Rename):
        return tuple(operation.new_names(layout))
    if isinstance(operation, (Suppress, Adjustment)):
        return () if getattr(operation, "classes", ()) is None else _written(layout, operation)
    return ()


def _contradiction(
    layout: Layout, first: _Claim, second: _Claim, place: Place, class_id: int
) -> RecipeError:
    where = f"class {layout.class_names[class_id]!r} at {layout.place_name(place)}"
    how = _CONTRADICTIONS[frozenset({first.kind, second.kind})]
    named = _both(first.position, first.operation, second.position, second.operation)
    scopes = "slots" if layout.has_slots else "levels"
    return RecipeError(
        f"{named} {how} {where}.",
        f"Limit one of them to other classes or {scopes}, or make two edits, one after the other.",
    )


def _one(position: int, operation: Operation) -> str:
    return f"operation {position} ({operation.words()})"


def _both(first_at: int, first: Operation, second_at: int, second: Operation) -> str:
    return f"Operations {first_at} ({first.words()}) and {second_at} ({second.words()})"
