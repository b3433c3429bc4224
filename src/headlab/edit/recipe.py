"""The recipe: a list of edit operations, as YAML or as Python values.

version: 1
operations:
  - {op: shift, levels: [P4], by: 1}
  - {op: thresholds, thresholds: {person: 0.4, traffic light: 0.6}, at: 0.25}

What can be checked without a model is checked when a recipe is made; the rest, in `edit.plan`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from headlab.edit.operations import OPERATIONS, Operation
from headlab.errors import RecipeError, UnknownName

VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """A list of operations; which acts first does not depend on their order (see `edit.plan`).

    Attributes:
        operations: at least one.
    """

    operations: tuple[Operation, ...]

    def __post_init__(self) -> None:
        if not self.operations:
            raise RecipeError(
                "The recipe has no operations.", f"Known operations: {', '.join(OPERATIONS)}."
            )

    def data(self) -> dict[str, Any]:
        """Plain values, from which `from_data` makes an equal recipe."""
        return {
            "version": VERSION,
            "operations": [_plain(each.model_dump(exclude_none=True)) for each in self.operations],
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
    from headlab.edit.yaml_file import read_yaml

    return from_data(read_yaml(Path(path)), str(path))


def from_data(data: Any, where: str = "recipe") -> Recipe:
    """Make a recipe of plain values.

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
        tuple(_operation(each, f"{where}: operation {n}") for n, each in _numbered(listed))
    )


def operation(name: str, where: str = "recipe", **fields: Any) -> Operation:
    """Make one operation of its name and fields.

    Raises:
        RecipeError: a field is missing, unknown or wrong.
        UnknownName: there is no such operation.
    """
    if name not in OPERATIONS:
        raise UnknownName("operation", name, OPERATIONS)
    model = OPERATIONS[name]
    try:
        return model.model_validate({"op": name, **fields})
    except ValidationError as error:
        raise _translated(error, model, f"{where} ({name})") from None


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


def _translated(error: ValidationError, model: type[Operation], where: str) -> RecipeError:
    """The first thing that pydantic found, in headlab's words."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"] if part != "[key]")
    fields = ", ".join(name for name in model.model_fields if name != "op")
    match first["type"]:
        case "missing":
            what = f"the field {field!r} is missing"
        case "extra_forbidden":
            what = f"there is no field {field!r}"
        case "value_error":
            what = first["msg"].removeprefix("Value error, ")
            what = f"{field}: {what}" if field else what
        case _:
            message = first["msg"]
            what = f"{field}: {message[:1].lower()}{message[1:]}"
    return RecipeError(
        f"{where}: {what}.", f"Fields of {model.model_fields['op'].default}: {fields}."
    )


def _not_a_recipe(where: str) -> RecipeError:
    return RecipeError(
        f"{where}: not a recipe; a mapping with `version` and a list of `operations` was expected.",
        "See docs/editing.md for an example.",
    )


def _plain(value: Any) -> Any:
    """Tuples as lists, as YAML and JSON know them."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
