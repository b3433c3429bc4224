"""The cyclic shifts of a recipe, level by level: what the class-shift inference needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headlab.checkpoint.manifest import facts, path_for, read_manifest, same_bytes
from headlab.edit.operations import Operation, Shift
from headlab.edit.recipe import from_data
from headlab.errors import HeadlabError, RecipeError
from headlab.heads.layout import Layout


def shifts_of(
    layout: Layout, operations: Sequence[Operation], *, required: bool = False
) -> dict[str, int] | None:
    """Level name -> shift, for every level of the head; 0 where nothing was shifted.

    Args:
        layout: of the model that was edited.
        operations: the recipe's.
        required: raise instead of returning None.

    Returns:
        None if there are other operations than shifts.

    Raises:
        RecipeError: there are, and it is required that there are not.
    """
    found = dict.fromkeys(layout.level_names, 0)
    for operation in operations:
        if not isinstance(operation, Shift):
            if not required:
                return None
            raise RecipeError(
                f"The recipe holds more than shifts: {operation.words()}.",
                "A class change tells its level only if the classes were shifted and nothing else.",
            )
        for at in operation.level_indices(layout):
            found[layout.level_names[at]] = operation.by
    return found


def shifts_of_manifest(layout: Layout, before: Path, after: Path) -> dict[str, int] | None:
    """The shifts that made one file of another, by the manifest beside the second.

    Returns:
        None if there is no manifest, it is of other files, or it tells of more than shifts.
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
