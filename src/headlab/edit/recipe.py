"""The recipe: a list of edit operations, as YAML or as Python values.

version: 1
operations:
  - {op: shift, levels: [P4], by: 1}
  - {op: thresholds, thresholds: {person: 0.4, traffic light: 0.6}, at: 0.25}

What can be checked without a model is checked when a recipe is made, the rest in `edit.plan`. Values from
files and other programs go through pydantic, which is imported only then: see `edit.validation`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headlab.edit.operations import OPERATIONS, Operation
from headlab.errors import InputError, RecipeError, UnknownName

VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """A list of operations; the order in which they act is fixed (see `edit.plan`).

    Attributes:
        operations: at least one.
        is_checked: the types of the operations' fields are known to be right; those of operations made in
            Python are checked when the recipe is used.
        remarks: what is uncertain about the files that it was read from, such as a guessed encoding.
    """

    operations: tuple[Operation, ...]
    is_checked: bool = field(default=False, compare=False, repr=False)
    remarks: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not self.operations:
            raise RecipeError(
                "The recipe has no operations.", f"Known operations: {', '.join(OPERATIONS)}."
            )

    def data(self) -> dict[str, Any]:
        """Plain values, from which `from_data` makes an equal recipe."""
        return {
            "version": VERSION,
            "operations": [_data(operation) for operation in self.operations],
        }

    def yaml(self) -> str:
        """The recipe as YAML, which `load` reads."""
        import yaml

        text: str = yaml.safe_dump(self.data(), sort_keys=False, allow_unicode=True)
        return text


def load(path: str | Path) -> Recipe:
    """Read a recipe from a YAML file.

    Raises:
        RecipeError: it cannot be read, or is not a recipe; the message has file and operation number.
        UnknownName: there is no such operation.
    """
    from headlab.files.yaml_file import read_yaml

    try:
        file = read_yaml(Path(path), "A recipe is a YAML file.")
    except InputError as error:
        raise RecipeError(error.message, error.hint) from None
    remarks = tuple(remark.about(Path(path)) for remark in file.remarks)
    return replace(from_data(file.values, str(path)), remarks=remarks)


def from_data(data: Any, where: str = "recipe") -> Recipe:
    """Make a recipe from plain values.

    Args:
        data: `{"version": 1, "operations": [{"op": ..., ...}, ...]}`.
        where: what to call it in messages.

    Raises:
        RecipeError: it is not a recipe.
        UnknownName: there is no such operation.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("operations"), Sequence | None):
        raise _not_a_recipe(where)
    surplus = [str(key) for key in data if key not in ("version", "operations")]
    if surplus:
        raise RecipeError(
            f"{where}: unknown field {surplus[0]!r}.", "A recipe has `version` and `operations`."
        )
    version = data.get("version")
    if version != VERSION or isinstance(version, bool):
        raise RecipeError(
            f"{where}: the version is {version!r}; {VERSION} was expected.",
            "Write `version: 1` at the top. A later version needs a later headlab.",
        )
    listed = data.get("operations") or ()
    if isinstance(listed, (str, bytes)):
        raise _not_a_recipe(where)
    return Recipe(
        tuple(_operation(each, f"{where}: operation {n}") for n, each in _numbered(listed)),
        is_checked=True,
    )


def operation(name: str, where: str = "recipe", /, **fields: Any) -> Operation:
    """Make one operation from its name and fields whose types are not known.

    Raises:
        RecipeError: a field is missing, unknown or wrong.
        UnknownName: there is no such operation.
    """
    from headlab.edit.validation import validated

    if name not in OPERATIONS:
        raise UnknownName("operation", name, OPERATIONS)
    with _located(where, name):
        return validated(name, fields)


def typed_operation(name: str, where: str, /, **fields: Any) -> Operation:
    """Make one operation from its name and fields that are known to have the right types.

    Raises:
        RecipeError: a value makes no sense.
    """
    with _located(where, name):
        return OPERATIONS[name](**fields)


def checked(made: Any) -> Operation:
    """An operation made in Python, with the types of its fields checked.

    Raises:
        RecipeError: a field has the wrong type, or it is not an operation.
    """
    if not isinstance(made, Operation) or type(made) not in OPERATIONS.values():
        raise RecipeError(
            f"A recipe holds operations, not {type(made).__name__}.",
            "Such as headlab.Shift(levels=('P4',), by=1).",
        )
    return operation(made.op, **_fields(made))


def _operation(data: Any, where: str) -> Operation:
    if not isinstance(data, Mapping) or not isinstance(data.get("op"), str):
        raise RecipeError(
            f"{where}: a mapping with the field `op` was expected.",
            "Such as {op: shift, levels: [P4], by: 1}.",
        )
    fields = {str(key): value for key, value in data.items() if key != "op"}
    try:
        return operation(data["op"], where, **fields)
    except UnknownName as error:
        raise RecipeError(f"{where}: {error.message}", error.hint) from None


def _numbered(listed: Sequence[Any]) -> list[tuple[int, Any]]:
    return list(enumerate(listed, start=1))


@contextlib.contextmanager
def _located(where: str, name: str) -> Iterator[None]:
    """Add to the error of an operation where it is."""
    try:
        yield
    except RecipeError as error:
        raise RecipeError(f"{where} ({name}): {error.message}", error.hint) from None


def _not_a_recipe(where: str) -> RecipeError:
    return RecipeError(
        f"{where}: not a recipe; a mapping with `version` and a list of `operations` was expected.",
        "See docs/editing.md for an example.",
    )


def _fields(made: Operation) -> dict[str, Any]:
    return {name: getattr(made, name) for name in made.field_names()}


def _data(made: Operation) -> dict[str, Any]:
    """The operation as plain values of a recipe; fields that are not set are left out."""
    given = {name: value for name, value in _fields(made).items() if value is not None}
    return {"op": made.op, **_plain(given)}


def _plain(value: Any) -> Any:
    """Tuples as lists, which YAML and JSON have."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
