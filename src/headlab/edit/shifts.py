"""The cyclic shifts of a recipe at each place, which the inference from changed classes needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from headlab.checkpoint.manifest import facts, path_for, read_manifest, same_bytes
from headlab.edit.operations import Operation, Shift
from headlab.edit.recipe import from_data
from headlab.errors import HeadlabError, RecipeError
from headlab.heads.layout import Layout, Place


def shifts_of(
    layout: Layout, operations: Sequence[Operation], *, required: bool = False
) -> dict[str, int] | None:
    """Level or place -> shift, for the whole head; 0 where nothing was shifted.

    Args:
        layout: of the model that was edited.
        operations: the recipe's.
        required: raise instead of returning None.

    Returns:
        by level ("P5") if all slots of each level were shifted by the same, else by place ("P5/2"); None if
        there are other operations than shifts.

    Raises:
        RecipeError: there are other operations than shifts, and `required` says that there must not be.
    """
    found = dict.fromkeys(layout.places, 0)
    for operation in operations:
        if not isinstance(operation, Shift):
            if not required:
                return None
            raise RecipeError(
                f"The recipe has more than shifts: {operation.words()}.",
                "A changed class shows its level only if the classes were shifted and nothing else.",
            )
        found.update(dict.fromkeys(operation.places(layout), operation.by))
    return by_name(layout, found)


def by_name(layout: Layout, shifts: Mapping[Place, int]) -> dict[str, int]:
    """The shifts of all places by level name; by place name if the slots of a level differ."""
    if len({(place.level, by) for place, by in shifts.items()}) > len(layout.levels):
        return {layout.place_name(place): shifts[place] for place in layout.places}
    return {layout.levels[place.level].name: by for place, by in shifts.items()}


def shifts_of_manifest(layout: Layout, before: Path, after: Path) -> dict[str, int] | None:
    """The shifts that made one file from another, as the manifest of the second says.

    Returns:
        None if there is no manifest, it is of other files, or there are more operations than shifts.
    """
    if not path_for(after).exists():
        return None
    try:
        with after.open("rb") as file:
            now = facts(after.name, file)
        manifest = read_manifest(after, now)
        with before.open("rb") as file:
            first = facts(before.name, file)
        belongs = same_bytes(manifest.output, now) and same_bytes(manifest.input, first)
        if not belongs or len(manifest.recipes) != 1:
            return None
        return shifts_of(layout, from_data(manifest.recipes[0]).operations)
    except (HeadlabError, OSError):
        return None
