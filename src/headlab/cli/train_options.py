"""The options of `headlab train`, made from the model of its configuration: each value is declared once.

A value of a section has a dotted name, `--stage1.epochs`; the others have plain ones, `--num-nodes`. A value
that may be null in YAML may be "none" here, to undo what a file says.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.options import SIZE

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic.fields import FieldInfo

    from headlab.train.configuration.config import Section

    ParamType = click.ParamType[Any]
    Choice = click.Choice[str]
else:
    ParamType, Choice = click.ParamType, click.Choice

NONE = "none"
DATA = "data.train"
_GENERAL = "Training"
_TITLES = {
    "data": "Photos and boxes",
    "stage1": "Stage 1",
    "stage2": "Stage 2",
    "augment": "Augmentation",
    "loss": "Loss",
}


class ConfigOption(click.Option):
    """The option of one value.

    Attributes:
        dotted: the value's name, with its section: "stage1.epochs".
    """

    def __init__(self, dotted: str, field: FieldInfo, default: Any) -> None:
        flag = "--" + dotted.replace("_", "-")
        kind = _annotation(field)
        is_flag = kind is bool
        super().__init__(
            [f"{flag}/{_negative(flag)}" if is_flag else flag, variable(dotted)],
            type=None if is_flag else _type(field),
            default=None,
            is_flag=is_flag,
            metavar=None if is_flag else _metavar(field),
            help=_help(field, default),
            show_default=False,
            hidden=dotted == DATA,
        )
        self.dotted = dotted


class ConfigCommand(click.Command):
    """A command that takes every value of `TrainConfig`; the help lists them by section.

    The options are made only when they are needed, since pydantic takes time to import.
    """

    _options: list[ConfigOption] | None = None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The declared parameters, and one for each value of the configuration."""
        if self._options is None:
            self._options = list(config_options())
        declared = super().get_params(ctx)
        return [*declared[:-1], *self._options, *declared[-1:]]  # --help stays last

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those of a section under a heading."""
        groups: dict[str, list[tuple[str, str]]] = {"Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None or isinstance(param, click.Argument):
                continue
            title = "Options"
            if isinstance(param, ConfigOption):
                section, dot, _ = param.dotted.partition(".")
                title = _TITLES.get(section, section) if dot else _GENERAL
            groups.setdefault(title, []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


def config_options() -> Iterator[ConfigOption]:
    """The options, those outside sections first."""
    from headlab.train.configuration.config import Section, TrainConfig

    defaults = TrainConfig()
    for name, field in TrainConfig.model_fields.items():
        if not isinstance(field.default, Section):
            yield ConfigOption(name, field, getattr(defaults, name))
    for name in TrainConfig.model_fields:
        section = getattr(defaults, name)
        if isinstance(section, Section):
            yield from _of_section(name, section)


def _of_section(name: str, section: Section) -> Iterator[ConfigOption]:
    for inner, field in type(section).model_fields.items():
        yield ConfigOption(f"{name}.{inner}", field, getattr(section, inner))


def given_values(ctx: click.Context) -> dict[str, Any]:
    """The values that the user gave, by dotted name."""
    return {
        param.dotted: None if ctx.params[param.name] is _NONE_GIVEN else ctx.params[param.name]
        for param in ctx.command.get_params(ctx)
        if isinstance(param, ConfigOption)
        and param.name is not None
        and ctx.params.get(param.name) is not None
    }


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted name as the arguments of `headlab.train.plan`, each section a dictionary."""
    arguments: dict[str, Any] = {}
    for dotted, value in values.items():
        section, dot, name = dotted.partition(".")
        if dot:
            arguments.setdefault(section, {})[name] = value
        else:
            arguments[dotted] = value
    return arguments


def variable(dotted: str) -> str:
    """The name under which click passes a value on."""
    return dotted.replace(".", "__")


def option_texts(values: Mapping[str, Any]) -> list[str]:
    """Values by dotted name as options: "--stage1.epochs", "3"."""
    texts = []
    for dotted, value in values.items():
        flag = "--" + dotted.replace("_", "-")
        if isinstance(value, bool):
            texts.append(flag if value else _negative(flag))
        else:
            texts += [flag, as_text(value)]
    return texts


def as_text(value: Any) -> str:
    """A value as it is written on the command line."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        between = "/" if value and isinstance(value[0], (list, tuple)) else ","
        return between.join(as_text(item) for item in value)
    return repr(value) if isinstance(value, float) else str(value)


class _NoneGiven:
    """Stands for "none", since None means that an option was not given."""


_NONE_GIVEN = _NoneGiven()


class _Text(ParamType):
    """A value that pydantic reads from text.

    Args:
        field: says what the value may be.
    """

    name = "value"

    def __init__(self, field: FieldInfo) -> None:
        self._field = field

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value of a text."""
        from pydantic import ValidationError

        if not isinstance(value, str):
            return value
        if value == NONE and _optional(self._field):
            return _NONE_GIVEN
        try:
            return _adapter(self._field).validate_python(value)
        except ValidationError as error:
            from headlab.train.configuration.checking import wrong_value

            self.fail(f"{wrong_value(error, value)}.", param, ctx)


class _Choice(Choice):
    """One of a few words, or "none" if that is allowed."""

    def __init__(self, field: FieldInfo) -> None:
        self._allows_none = _optional(field)
        words = typing.get_args(_annotation(field))
        super().__init__([*words, NONE] if self._allows_none else words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The word."""
        word = super().convert(value, param, ctx)
        return _NONE_GIVEN if self._allows_none and word == NONE else word


def _type(field: FieldInfo) -> ParamType:
    is_literal = typing.get_origin(_annotation(field)) is typing.Literal
    return _Choice(field) if is_literal else _Text(field)


def _adapter(field: FieldInfo) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    kind: Any = field.annotation
    for limit in field.metadata:
        kind = typing.Annotated[kind, limit]
    return TypeAdapter(kind)


def _annotation(field: FieldInfo) -> Any:
    """The annotation without "or None" and limits."""
    kinds = [kind for kind in _kinds(field) if kind is not NoneType]
    kind = kinds[0] if len(kinds) == 1 else field.annotation
    is_annotated = typing.get_origin(kind) is typing.Annotated
    return typing.get_args(kind)[0] if is_annotated else kind


def _optional(field: FieldInfo) -> bool:
    return NoneType in _kinds(field)


def _is_path(field: FieldInfo) -> bool:
    from headlab.train.configuration.values import PathText

    return PathText in _kinds(field)


def _kinds(field: FieldInfo) -> tuple[Any, ...]:
    """The parts of "a or b"."""
    kind = field.annotation
    is_union = typing.get_origin(kind) in (typing.Union, UnionType)
    return typing.get_args(kind) if is_union else (kind,)


def _metavar(field: FieldInfo) -> str:
    """The placeholder for the value in the help."""
    kind = _annotation(field)
    if kind in (int, float):
        return "N" if kind is int else "X"
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return "|".join(inside)
    if origin is not tuple:
        return "PATH" if _is_path(field) else "TEXT"
    groups = typing.get_origin(inside[0]) is tuple
    return "N,…/N,…" if groups else SIZE if inside == (int, int) else "A,B,…"


def _help(field: FieldInfo, default: Any) -> str:
    """The description, and the default if there is one."""
    shown = "" if default is None else f"  [default: {as_text(default)}]"
    return f"{field.description}{shown}"


def _negative(flag: str) -> str:
    section, dot, name = flag.removeprefix("--").rpartition(".")
    return f"--{section}{dot}no-{name}"
