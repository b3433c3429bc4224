"""Configurations as YAML files: read, written, compared.

Paths in a file are relative to the current folder, as on the command line. The configuration that a
training writes therefore means the same wherever the file lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from headlab.errors import InputError, UnknownName
from headlab.files.atomic import write_bytes
from headlab.files.yaml_file import YamlFile, parse_yaml, read_yaml
from headlab.train.configuration.checking import checked
from headlab.train.configuration.config import Section, TrainConfig

_WIDTH = 100
_A_YAML_FILE = "A configuration is a YAML file."


def load(
    source: str | Path | TrainConfig | None = None, overrides: Mapping[str, Any] | None = None
) -> TrainConfig:
    """Make a configuration of a file and of values that take precedence over it.

    Args:
        source: a YAML file, or a configuration to start from; None for the defaults.
        overrides: by dotted name, such as {"stage1.epochs": 3}; values may be texts, as on the command
            line. `dotted` makes such names.

    Raises:
        InputError: the file cannot be read, a name is unknown, or a value is wrong; the message names
            file, line and value.
    """
    if source is None:
        return _merged(None, {}, "", overrides)
    if isinstance(source, TrainConfig):
        return _merged(None, source.model_dump(), "", overrides) if overrides else source
    path = Path(source)
    file = read_yaml(path, _A_YAML_FILE)
    config = _merged(file, file.values, str(source), overrides)
    return config.with_remarks(remark.about(path) for remark in file.remarks)


def loads(text: str, name: str = "", overrides: Mapping[str, Any] | None = None) -> TrainConfig:
    """Make a configuration of YAML text.

    Args:
        text: the YAML.
        name: the file that it comes from, for messages.
        overrides: as for `load`.

    Raises:
        InputError: as for `load`.
    """
    file = parse_yaml(text, name or "configuration", _A_YAML_FILE)
    return _merged(file, file.values, name, overrides)


def _merged(
    file: YamlFile | None, values: Any, name: str, overrides: Mapping[str, Any] | None
) -> TrainConfig:
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise InputError(
            f"{name}: names and values are expected, and this is {_as_text(values)}.",
            "Write lines such as batch: 8, and sections such as stage1: {epochs: 4}.",
        )
    over = dict(overrides or {})
    known = names(TrainConfig)
    for dotted_name, value in over.items():
        if dotted_name not in known:
            raise UnknownName("setting", dotted_name, known)
        _put(values, dotted_name.split("."), value, name)
    return checked(values, name, file, over)


def dotted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of nested mappings or sections by dotted name.

    {"batch": 4, "stage1": {"epochs": 3}} is {"batch": 4, "stage1.epochs": 3}.

    Raises:
        InputError: something else is given for a section.
    """
    by_name: dict[str, Any] = {}
    for name, value in values.items():
        field = TrainConfig.model_fields.get(name)
        if field is None or not isinstance(field.default, Section):
            by_name[name] = value
        elif isinstance(value, Section):
            by_name |= {f"{name}.{inner}": part for inner, part in flat(value).items()}
        elif isinstance(value, Mapping):
            by_name |= {f"{name}.{inner}": part for inner, part in value.items()}
        else:
            raise InputError(
                f"{name} is {value!r}; a group of values is expected.",
                f"Give a dictionary of {', '.join(type(field.default).model_fields)}.",
            )
    return by_name


def dump(config: TrainConfig) -> str:
    """The configuration as YAML with every value; `load` makes the same configuration of it."""
    plain = config.model_dump(mode="json")
    single = {name: value for name, value in plain.items() if not isinstance(value, dict)}
    parts = [("A whole training.", single)]
    for name, value in plain.items():
        if isinstance(value, dict):
            summary = (type(getattr(config, name)).__doc__ or "").partition("\n")[0]
            parts.append((summary.partition(";")[0].rstrip(".") + ".", {name: value}))
    return "\n".join(f"# {summary}\n{_as_yaml(part)}" for summary, part in parts)


def save(config: TrainConfig, path: Path) -> None:
    """Write the configuration as YAML, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, dump(config).encode("utf-8"))


def differences(before: TrainConfig, after: TrainConfig) -> list[str]:
    """What differs, such as "stage1.epochs: 50 before, 3 now"."""
    old, new = flat(before), flat(after)
    return [
        f"{name}: {_as_text(old[name])} before, {_as_text(new[name])} now"
        for name in old
        if old[name] != new[name]
    ]


def flat(config: Section) -> dict[str, Any]:
    """Every value by its dotted name, in the order of the model."""
    by_name: dict[str, Any] = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, Section):
            by_name |= {f"{name}.{inner}": part for inner, part in flat(value).items()}
        else:
            by_name[name] = value
    return by_name


def names(model: type[BaseModel], before: str = "") -> list[str]:
    """The dotted names of all values, in the order of the model."""
    dotted_names = []
    for name, field in model.model_fields.items():
        inner = field.default
        if isinstance(inner, Section):
            dotted_names += names(type(inner), f"{before}{name}.")
        else:
            dotted_names.append(f"{before}{name}")
    return dotted_names


def _put(values: dict[Any, Any], keys: list[str], value: Any, name: str) -> None:
    """Set a value in nested mappings."""
    *sections, last = keys
    for section in sections:
        if not isinstance(values.get(section, {}), dict):
            raise InputError(
                f"{name}: {section} is {_as_text(values[section])}, and a group of values is expected.",
                f"Write it as {section}: {{{last}: …}}.",
            )
        values = values.setdefault(section, {})
    values[last] = value


def _as_text(value: Any) -> str:
    """A value as in YAML, on one line."""
    text = yaml.safe_dump(_plain(value), default_flow_style=True, allow_unicode=True, width=10**6)
    line = text.removesuffix("...\n").strip()
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…"


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, dict, type(None))) else str(value)


class _Dumper(yaml.SafeDumper):
    """SafeDumper that writes lists on one line."""


def _on_one_line(dumper: _Dumper, values: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=True)


_Dumper.add_representer(list, _on_one_line)


def _as_yaml(values: Mapping[str, Any]) -> str:
    return yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH,
        default_flow_style=False,
    )  # fmt: skip
