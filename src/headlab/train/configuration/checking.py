"""Values of a configuration, checked; what is wrong with them, in headlab's words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from headlab.errors import InputError, UnknownName
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
"""What to say in place of pydantic's words, by the type of its error."""


def checked(
    values: Mapping[Any, Any], name: str, text: str, overrides: Mapping[str, Any]
) -> TrainConfig:
    """The configuration of nested values.

    Args:
        values: names and values, with those of `overrides`.
        name: of the file that the others come from; empty for none.
        text: of that file.
        overrides: by dotted name, those that do not come from the file.

    Raises:
        InputError: a name is unknown or a value is wrong; the first that was found.
    """
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        found = _chosen(error.errors(include_url=False))
        keys = _known_part(found)
        dotted = ".".join(keys)
        where = "" if dotted in overrides else _where(name, text, keys, bool(overrides))
        raise _explained(found, keys, where) from None


def _chosen(found: Sequence[ErrorDetails]) -> ErrorDetails:
    """The first error; of anchors, which are a text or pairs, what is wrong with the pairs."""
    first = _known_part(found[0])
    if first != ["anchors"]:
        return found[0]
    return [each for each in found if _known_part(each) == first][-1]


def _known_part(found: ErrorDetails) -> list[str]:
    """The names that lead to a value, without what pydantic adds about parts of it."""
    if found["type"] in _UNKNOWN:
        return [str(part) for part in found["loc"] if part != "[key]"]
    keys: list[str] = []
    model: type[Section] | None = TrainConfig
    for part in found["loc"]:
        if model is None or part not in model.model_fields:
            break
        keys.append(str(part))
        inner = model.model_fields[str(part)].default
        model = type(inner) if isinstance(inner, Section) else None
    return keys


def _explained(found: ErrorDetails, keys: Sequence[str], where: str) -> InputError:
    dotted, message = ".".join(keys), found["msg"]
    if found["type"] in _UNKNOWN:
        return _unknown(keys, where)
    if found["type"] == "value_error":
        said = message.removeprefix("Value error, ")
        about = f"{dotted}: " if dotted else ""
        return InputError(f"{where}{about}{said}.", _hint(keys))
    expected = _EXPECTED.get(found["type"]) or f"it {message.removeprefix('Input ')}"
    given = _short(found["input"])
    inside = len(found["loc"]) > len(keys) and found["type"] != "tuple_type"
    is_given = f"{given} stands in {dotted}" if inside else f"{dotted} is {given}"
    return InputError(f"{where}{is_given}; {expected}.", _hint(keys))


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


def _where(name: str, text: str, keys: Sequence[str], overridden: bool) -> str:
    """The file and the line, for the start of a message."""
    if not name:
        return ""
    options = " and the options" if overridden and not keys else ""
    return f"{name}{_line(text, keys)}{options}: "


def _line(text: str, keys: Sequence[str]) -> str:
    """Such as ", line 3": where in the file a value stands, as far as it does."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = None
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        match = next((pair for pair in pairs if pair[0].value == key), None)
        if match is None:
            break
        line, node = match[0].start_mark.line + 1, match[1]
    return "" if line is None else f", line {line}"


def wrong_value(error: ValidationError, text: str) -> str:
    """What is wrong with a text that should be one value, in words."""
    found = error.errors(include_url=False)[0]
    if found["type"] == "string_type":  # of anchors, which are a text or pairs
        found = error.errors(include_url=False)[-1]
    if found["type"] == "value_error":
        return f"{text!r}: {found['msg'].removeprefix('Value error, ')}"
    expected = _EXPECTED.get(found["type"]) or f"it {found['msg'].removeprefix('Input ')}"
    inside = f" in {text!r}" if found["input"] != text else ""
    return f"{_short(found['input'])}{inside}: {expected}"
