"""Read YAML as plain values, with the line in every error.

One policy for recipes, data.yaml, training configurations and anchors:

- A duplicate key is refused, with both lines; YAML's readers usually let the last one win.
- Only plain values are read: null, booleans, numbers, texts, lists and mappings. What looks like a date
  stays a text; any other tag, such as !!timestamp or !!python/object, is refused.
- Aliases may be used, but neither refer to themselves nor unfold to more than a hundred thousand values.
- Encodings are those of `headlab.files.text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from headlab.errors import InputError
from headlab.files.text import SMALL_BYTES, Remark, decoded, read_bytes

_MOST_UNFOLDED = 100_000
_NOT_RESOLVED = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_MERGE = "tag:yaml.org,2002:merge"
_SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str")}
_SEQUENCE = "tag:yaml.org,2002:seq"
_MAPPING = "tag:yaml.org,2002:map"


@dataclass(frozen=True)
class YamlFile:
    """A YAML text's contents.

    Attributes:
        values: None, booleans, numbers, texts, lists and dictionaries.
        remarks: what is uncertain about the text, such as a guessed encoding.
    """

    values: Any
    remarks: tuple[Remark, ...]
    _root: yaml.Node | None

    def as_written(self, key: str) -> Any:
        """The value of a key of the outermost mapping, with every single value as the text that was written.

        For names: "no" is not False then, "010" not 8 and "12:30" not 750. None where there is no such key.
        """
        pairs = self._root.value if isinstance(self._root, yaml.MappingNode) else ()
        return next((_texts(value) for name, value in pairs if name.value == key), None)

    def line_of(self, keys: Sequence[str]) -> int | None:
        """The line, from 1, of the key that these nested keys lead to, as far as they are there."""
        node, line = self._root, None
        for key in keys:
            pairs = node.value if isinstance(node, yaml.MappingNode) else ()
            match = next((pair for pair in pairs if pair[0].value == key), None)
            if match is None:
                break
            line, node = match[0].start_mark.line + 1, match[1]
        return line


def read_yaml(path: Path, hint: str = "Correct the file.", encoding: str | None = None) -> YamlFile:
    """Read a YAML file.

    Args:
        path: the file.
        hint: what to do if it is not YAML.
        encoding: of the file; None recognises it.

    Raises:
        InputError: it cannot be read, or is not YAML as this module reads it; the message has the line.
    """
    text = decoded(read_bytes(path, SMALL_BYTES), path, encoding)
    return parse_yaml("\n".join(text.lines), str(path), hint, text.remarks)


def parse_yaml(
    text: str, name: str, hint: str = "Correct the file.", remarks: tuple[Remark, ...] = ()
) -> YamlFile:
    """Read YAML from a text.

    Args:
        text: the YAML.
        name: of the file that it comes from, for messages.
        hint: what to do if it is not YAML.
        remarks: about the text.

    Raises:
        InputError: as for `read_yaml`.
    """
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        values = None if root is None else _Values(loader).of(root)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        reason = f"the character U+{error.character:04X} is not allowed"
        raise InputError(f"{name}, line {line}: not YAML: {reason}.", hint) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}" if mark else name
        raise InputError(f"{where}: {_reason(error)}.", hint) from None
    except RecursionError:
        where = f"{name}, line {loader.line + 1}" if loader else name
        raise InputError(f"{where}: the values are nested too deeply.", hint) from None
    finally:
        if loader is not None:
            loader.dispose()
    return YamlFile(values, remarks, root)


def _reason(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "it cannot be parsed"
    if isinstance(error, _Refused):
        return problem
    if problem.startswith("but "):
        problem = f"{error.context}, {problem}"
    return f"not YAML: {problem}"


class _Refused(yaml.MarkedYAMLError):
    """YAML that is well-formed, but not read here."""


class _Loader(yaml.SafeLoader):
    """PyYAML's parser, which does not take dates and a lone "=" for more than texts."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML declares it
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NOT_RESOLVED]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Values:
    """Makes values of the nodes of one text."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._made: dict[yaml.Node, tuple[Any, int]] = {}
        self._open: set[yaml.Node] = set()
        self._unfolded = 0

    def of(self, node: yaml.Node) -> Any:
        """A node's value; an alias has the very object that it refers to."""
        return self._with_size(node)[0]

    def _with_size(self, node: yaml.Node) -> tuple[Any, int]:
        """A node's value, and how many values it is with its aliases unfolded."""
        if node in self._made:
            found = self._made[node]
            self._unfolded += found[1]
            if self._unfolded > _MOST_UNFOLDED:
                raise _error(node, f"the aliases unfold to more than {_MOST_UNFOLDED:,} values")
            return found
        if node in self._open:
            raise _error(node, "the value is recursive: an alias refers to what it is part of")
        self._open.add(node)
        made: tuple[Any, int]
        if isinstance(node, yaml.MappingNode):
            made = self._mapping(node)
        elif isinstance(node, yaml.SequenceNode):
            made = self._sequence(node)
        else:
            made = self._scalar(node), 1
        self._open.remove(node)
        self._made[node] = made
        return made

    def _sequence(self, node: yaml.SequenceNode) -> tuple[list[Any], int]:
        _check_tag(node, _SEQUENCE)
        items = [self._with_size(item) for item in node.value]
        return [value for value, _ in items], 1 + sum(size for _, size in items)

    def _mapping(self, node: yaml.MappingNode) -> tuple[dict[Any, Any], int]:
        _check_tag(node, _MAPPING)
        merged: dict[Any, Any] = {}
        own: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        total = 1
        for key_node, value_node in node.value:
            merges = key_node.tag == _MERGE
            key = _MERGE if merges else self._key(key_node)
            if key in lines:
                raise _error(
                    key_node, f"duplicate key {key_node.value!r}, first in line {lines[key]}"
                )
            lines[key] = key_node.start_mark.line + 1
            value, size = self._with_size(value_node)
            total += size
            if merges:
                merged = _merged(value, value_node)
            else:
                own[key] = value
        return merged | own, total

    def _key(self, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise _error(node, "a key is a list or a mapping; a single value was expected")
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag == _MERGE:
            return node.value
        _check_tag(node, *_SCALARS)
        try:
            return self._loader.yaml_constructors[node.tag](self._loader, node)
        except (ValueError, LookupError, AttributeError, OverflowError):
            kind = node.tag.rpartition(":")[2]
            raise _error(
                node, f"{node.value[:_SHOWN]!r} is not a value of the kind {kind}"
            ) from None


def _texts(node: yaml.Node) -> Any:
    """A node's value with texts for single values. That it ends and is of bounded size was checked."""
    if isinstance(node, yaml.MappingNode):
        return {_texts(key): _texts(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_texts(item) for item in node.value]
    return node.value


def _merged(value: Any, node: yaml.Node) -> dict[Any, Any]:
    """What `<<` brings into a mapping: that of one mapping or of several, of which the first counts."""
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        raise _error(node, "<< expects a mapping, or a list of mappings")
    return {key: each for source in reversed(sources) for key, each in source.items()}


def _check_tag(node: yaml.Node, *expected: str) -> None:
    if node.tag not in expected:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        raise _error(node, f"the tag {tag} is not read here, only plain values")


def _error(node: yaml.Node, problem: str) -> _Refused:
    return _Refused(problem=problem, problem_mark=node.start_mark)


_SHOWN = 40
