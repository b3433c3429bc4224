"""Operations given as data: pydantic checks the names and types of all fields.

pydantic is imported inside functions, so that operations from the command line's options do not wait for it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from headlab.edit.operations import OPERATIONS, Operation

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails


def validated(name: str, fields: dict[str, Any]) -> Operation:
    """Make an operation from its name and plain values.

    Raises:
        RecipeError: a field is missing, unknown or wrong; the first of several.
    """
    from pydantic import ValidationError

    try:
        return _adapter(name).validate_python(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        operation = OPERATIONS[name]
        raise operation.error(_in_words(first, operation)) from None


@functools.cache
def _adapter(name: str) -> TypeAdapter[Operation]:
    from pydantic import TypeAdapter

    return TypeAdapter(OPERATIONS[name])


def _in_words(details: ErrorDetails, operation: type[Operation]) -> str:
    field = ".".join(str(part) for part in details["loc"] if part != "[key]")
    message = details["msg"]
    match details["type"]:
        case "missing":
            return f"the field {field!r} is missing"
        case "unexpected_keyword_argument":
            return operation.absent.get(field, f"there is no field {field!r}")
        case "value_error":
            return f"{field}: {message.removeprefix('Value error, ')}"
    return f"{field}: {message[:1].lower()}{message[1:]}"
