"""Recipe + layout -> plan: which rows of which tensors the edit changes, and how.

The order in which operations act is fixed, whatever their order in the recipe:

1. row moves (shift, permute, swap, copy; reorder moves rows and names together),
2. suppress,
3. scale, then bias, then thresholds: z' = factor * z + offset,
4. rename,
5. keep or drop.

A class is always named as in the input. Contradictions are refused before anything is touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.edit.conflicts import check_conflicts
from headlab.edit.operations import Adjustment, Removal, Rename, Reorder, RowMove, Suppress
from headlab.edit.recipe import Recipe
from headlab.errors import CheckpointError, RecipeError
from headlab.heads.layout import ClassRows, Layout, Level, Place
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ClassStep:
    """How a class's rows of the result are made in one slot of one level; the same in every branch.

    The logit becomes `factor * (logit of the class source) + offset`, or that of a suppressed class.

    Attributes:
        source: the input's class whose row it gets.
        factor: of the logit.
        offset: of the logit.
        suppressed: the class never scores; factor and offset are then ignored.
    """

    source: int
    factor: float = 1.0
    offset: float = 0.0
    suppressed: bool = False

    @property
    def keeps_numbers(self) -> bool:
        """Whether the row only moves or stays, so that its numbers are not computed."""
        return not self.suppressed and self.factor == 1.0 and self.offset == 0.0


@dataclass(frozen=True)
class LevelStep:
    """What happens on one level.

    Attributes:
        level: the level.
        slots: for each slot, one step per class of the result, by its number there.
    """

    level: Level
    slots: tuple[tuple[ClassStep, ...], ...]

    @property
    def is_uniform(self) -> bool:
        """Whether the same happens in every slot."""
        return len(set(self.slots)) == 1

    def changed_classes(self, slot: int) -> tuple[int, ...]:
        """The classes of the result whose rows in a slot are not those of the input."""
        unchanged = map(ClassStep, range(len(self.slots[slot])))
        pairs = zip(self.slots[slot], unchanged, strict=True)
        return tuple(number for number, (made, kept) in enumerate(pairs) if made != kept)

    def changed_slots(self, class_count: int) -> tuple[int, ...]:
        """The slots of which at least one row changes, given the input's number of classes."""
        unchanged = tuple(map(ClassStep, range(class_count)))
        return tuple(slot for slot, steps in enumerate(self.slots) if steps != unchanged)


@dataclass(frozen=True, repr=False)
class Plan(Result):
    """What an edit will do, exactly.

    Attributes:
        recipe: what was asked for.
        levels: one step per level, finest first.
        labels: for each class of the result, its number in the input.
        class_names: of the result, by class number.
        old_names: of the input, by class number.
    """

    recipe: Recipe
    levels: tuple[LevelStep, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    old_names: tuple[str, ...]

    title: ClassVar[str] = "plan of an edit"

    @property
    def table(self) -> pl.DataFrame:
        """One row per class of the result in each slot of each level: where its row comes from.

        `level slot class_id class_name from_id from_name factor offset suppressed changed`.
        """
        import polars as pl

        from headlab.edit.plan_rows import plan_rows

        return pl.DataFrame(plan_rows(self))

    def to_dict(self) -> dict[str, Any]:
        """The recipe, and what it does: which rows change, in words and in numbers."""
        from headlab.edit.plan_rows import plan_rows

        return {
            "recipe": self.recipe.data(),
            "class_names": list(self.class_names),
            "old_class_names": list(self.old_names),
            "changes": list(self.text()),
            "rows": [row for row in plan_rows(self) if row.pop("changed")],
        }

    def text(self) -> Iterable[str]:
        """See `Result.text`."""
        from headlab.edit.plan_text import plan_lines

        return plan_lines(self)

    @property
    def keeps_shapes(self) -> bool:
        """Whether there are as many classes as before."""
        return len(self.class_names) == len(self.old_names)

    @property
    def changed_levels(self) -> tuple[LevelStep, ...]:
        """The levels of which at least one row changes."""
        count = len(self.old_names)
        return tuple(step for step in self.levels if step.changed_slots(count))


def plan(checkpoint: Checkpoint, layout: Layout, recipe: Recipe) -> Plan:
    """Determine what a recipe does to a model; nothing is changed.

    Raises:
        InputError: a class, a level or a slot does not exist.
        RecipeError: the recipe contradicts itself or does not fit the model.
        CheckpointError: a row that is moved or changed holds NaN or infinity.
    """
    if not layout.class_names or not all(level.class_rows for level in layout.levels):
        raise CheckpointError(
            f"{checkpoint.path}: its head, {layout.head}, has no class rows: no convolution with a row for "
            "each class. An edit changes such rows and nothing else.",
            "headlab inspect MODEL shows what the head is made of.",
        )
    check_conflicts(layout, recipe)
    count = len(layout.class_names)
    order = _order(layout, recipe)
    gone = {
        class_id
        for operation in recipe.operations
        if isinstance(operation, Removal)
        for class_id in operation.removed(layout)
    }
    labels = tuple(label for label in order if label not in gone)
    levels = tuple(_level_step(layout, recipe, at, labels) for at in range(len(layout.levels)))
    planned = Plan(recipe, levels, labels, _names(layout, recipe, labels), layout.class_names)
    for step in planned.changed_levels:
        for rows in step.level.class_rows:
            _check_finite(checkpoint, step, rows, count)
    return planned


def _order(layout: Layout, recipe: Recipe) -> tuple[int, ...]:
    for operation in recipe.operations:
        if isinstance(operation, Reorder):
            return operation.order_ids(layout)
    return tuple(range(len(layout.class_names)))


def _level_step(layout: Layout, recipe: Recipe, at: int, labels: tuple[int, ...]) -> LevelStep:
    level = layout.levels[at]
    places = (Place(at, slot) for slot in range(level.slots))
    return LevelStep(level, tuple(_class_steps(layout, recipe, place, labels) for place in places))


def _class_steps(
    layout: Layout, recipe: Recipe, place: Place, labels: tuple[int, ...]
) -> tuple[ClassStep, ...]:
    sources: dict[int, int] = {}
    suppressed: set[int] = set()
    factors: dict[int, float] = {}
    offsets: dict[int, float] = {}
    for operation in recipe.operations:
        if place not in operation.places(layout):
            continue
        if isinstance(operation, RowMove):
            sources.update(operation.moves(layout))
        elif isinstance(operation, Suppress):
            suppressed.update(operation.suppressed(layout))
        elif isinstance(operation, Adjustment):
            for label, (factor, offset) in operation.adjustments(layout).items():
                factors[label] = factors.get(label, 1.0) * factor
                offsets[label] = offsets.get(label, 0.0) + offset
    return tuple(
        ClassStep(
            sources.get(label, label),
            factors.get(label, 1.0),
            offsets.get(label, 0.0),
            label in suppressed,
        )
        for label in labels
    )


def _names(layout: Layout, recipe: Recipe, labels: tuple[int, ...]) -> tuple[str, ...]:
    new: dict[int, str] = {}
    for operation in recipe.operations:
        if isinstance(operation, Rename):
            new.update(operation.new_names(layout))
    names = tuple(new.get(label, layout.class_names[label]) for label in labels)
    for label in set(new) & set(labels):
        if names.count(new[label]) > 1:
            raise RecipeError(
                f"rename: two classes would be named {new[label]!r}.",
                "Give each class a name of its own, or drop one of the two.",
            )
    return names


def _check_finite(checkpoint: Checkpoint, step: LevelStep, rows: ClassRows, count: int) -> None:
    """Refuse to move, overwrite or compute with rows that hold NaN or infinity."""
    touched = sorted(
        rows.row(class_id, slot)
        for slot, steps in enumerate(step.slots)
        for class_id in _touched(steps, count)
    )
    for name in (rows.weight, rows.bias):
        array: Any = checkpoint.array(name)
        bad = [row for row in touched if not np.isfinite(array[row]).all()]
        if bad:
            shown = ", ".join(map(str, bad[:8])) + (", …" if len(bad) > 8 else "")
            raise CheckpointError(
                f"{checkpoint.path}: {name} holds NaN or infinity in row {shown}.",
                "The model is damaged or its training diverged; edit a sound one.",
            )


def _touched(steps: tuple[ClassStep, ...], count: int) -> set[int]:
    """The input's classes whose rows an edit of one slot reads or overwrites."""
    if len(steps) != count:
        return {class_step.source for class_step in steps}
    changed = [number for number, class_step in enumerate(steps) if class_step != ClassStep(number)]
    return {*changed, *(steps[number].source for number in changed)}
