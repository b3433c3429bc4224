"""Operations from outside as data: pydantic checks names and types of all fields.

pydantic is imported within functions, so that the command line's own options do not wait for it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from headlab.edit.operations import OPERATIONS, Operation

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails


def validated(name: str, fields: dict[str, Any]) -> Operation:
    """Make the operation of a name of plain values.

    Raises:
        RecipeError: a field is missing, unknown or wrong; the first thing that was found.
    """
    from pydantic import ValidationError

    try:
        return _adapter(name).validate_python(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        model = OPERATIONS[name]
        raise model.error(_in_words(first, model)) from None


@functools.cache
def _adapter(name: str) -> TypeAdapter[Operation]:
    from pydantic import TypeAdapter

    return TypeAdapter(OPERATIONS[name])


def _in_words(found: ErrorDetails, model: type[Operation]) -> str:
    field = ".".join(str(part) for part in found["loc"] if part != "[key]")
    message = found["msg"]
    match found["type"]:
        case "missing":
            return f"the field {field!r} is missing"
        case "unexpected_keyword_argument":
            return model.absent.get(field, f"there is no field {field!r}")
        case "value_error":
            return f"{field}: {message.removeprefix('Value error, ')}"
    return f"{field}: {message[:1].lower()}{message[1:]}"
