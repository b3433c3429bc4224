"""Check the values of a configuration, and say in headlab's words what is wrong with one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from headlab.errors import InputError, UnknownName
from headlab.files.yaml_file import YamlFile
from headlab.train.configuration.config import Section, TrainConfig

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_LONGEST = 60
_UNKNOWN = ("extra_forbidden", "invalid_key")
_EXPECTED = {
    "int_parsing": "a whole number is expected",
    "int_type": "a whole number is expected",
    "int_from_float": "a whole number is expected",
    "float_parsing": "a number is expected",
    "float_type": "a number is expected",
    "bool_parsing": "true or false is expected",
    "bool_type": "true or false is expected",
    "string_type": "a text is expected, in quotes if it looks like a number",
    "tuple_type": "a list is expected",
    "too_short": "more values are expected",
    "too_long": "fewer values are expected",
    "missing": "another value is expected there",
    "model_type": "a group of values is expected",
}
"""What to say instead of pydantic's words, by the type of its error."""


def checked(
    values: Mapping[Any, Any], name: str, file: YamlFile | None, overrides: Mapping[str, Any]
) -> TrainConfig:
    """Make a configuration of nested values.

    Args:
        values: by name, with those of `overrides` put in.
        name: the file that the other values come from; empty if there is none.
        file: that file; None for none.
        overrides: by dotted name, the values that do not come from the file.

    Raises:
        InputError: a name is unknown or a value is wrong; the message is about the first such value.
    """
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        fault = _first(error.errors(include_url=False))
        keys = _known_part(fault)
        dotted = ".".join(keys)
        where = "" if dotted in overrides else _where(name, file, keys, bool(overrides))
        raise _explained(fault, keys, where) from None


def _first(faults: Sequence[ErrorDetails]) -> ErrorDetails:
    """The first error; for anchors, which are a text or pairs, the error about the pairs."""
    keys = _known_part(faults[0])
    if keys != ["anchors"]:
        return faults[0]
    return [fault for fault in faults if _known_part(fault) == keys][-1]


def _known_part(fault: ErrorDetails) -> list[str]:
    """The names that lead to a value, without what pydantic adds about parts of it."""
    if fault["type"] in _UNKNOWN:
        return [str(part) for part in fault["loc"] if part != "[key]"]
    keys: list[str] = []
    model: type[Section] | None = TrainConfig
    for part in fault["loc"]:
        if model is None or part not in model.model_fields:
            break
        keys.append(str(part))
        inner = model.model_fields[str(part)].default
        model = type(inner) if isinstance(inner, Section) else None
    return keys


def _explained(fault: ErrorDetails, keys: Sequence[str], where: str) -> InputError:
    dotted, message = ".".join(keys), fault["msg"]
    if fault["type"] in _UNKNOWN:
        return _unknown(keys, where)
    if fault["type"] == "value_error":
        reason = message.removeprefix("Value error, ")
        about = f"{dotted}: " if dotted else ""
        return InputError(f"{where}{about}{reason}.", _hint(keys))
    expected = _EXPECTED.get(fault["type"]) or f"it {message.removeprefix('Input ')}"
    value = _short(fault["input"])
    inside = len(fault["loc"]) > len(keys) and fault["type"] != "tuple_type"
    subject = f"{dotted} contains {value}" if inside else f"{dotted} is {value}"
    return InputError(f"{where}{subject}; {expected}.", _hint(keys))


def _unknown(keys: Sequence[str], where: str) -> InputError:
    *sections, name = keys
    model: type[Section] = TrainConfig
    for section in sections:
        model = type(model.model_fields[section].default)
    error = UnknownName("setting", name, model.model_fields)
    dotted = ".".join(keys)
    if not difflib.get_close_matches(name, list(model.model_fields), cutoff=0.5):
        error.hint = f"Known here: {', '.join(model.model_fields)}."
    return InputError(f"{where}there is no setting {dotted!r}.", error.hint)


def _hint(keys: Sequence[str]) -> str:
    """What a value means."""
    field = None
    model: type[Section] = TrainConfig
    for key in keys:
        field = model.model_fields[key]
        if isinstance(field.default, Section):
            model = type(field.default)
    return f"{'.'.join(keys)}: {field.description}" if field and field.description else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _where(name: str, file: YamlFile | None, keys: Sequence[str], overridden: bool) -> str:
    """The file and the line, for the start of a message."""
    if not name:
        return ""
    number = None if file is None else file.line_of(keys)
    line = "" if number is None else f", line {number}"
    options = " and the options" if overridden and not keys else ""
    return f"{name}{line}{options}: "


def wrong_value(error: ValidationError, text: str) -> str:
    """What is wrong with a text that should be one value."""
    fault = error.errors(include_url=False)[0]
    if (
        fault["type"] == "string_type"
    ):  # anchors are a text or pairs; say what is wrong with the pairs
        fault = error.errors(include_url=False)[-1]
    if fault["type"] == "value_error":
        reason = fault["msg"].removeprefix("Value error, ")
        return reason if repr(text) in reason else f"{text!r}: {reason}"
    expected = _EXPECTED.get(fault["type"]) or f"it {fault['msg'].removeprefix('Input ')}"
    inside = f" in {text!r}" if fault["input"] != text else ""
    return f"{_short(fault['input'])}{inside}: {expected}"
