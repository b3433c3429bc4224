"""A darknet `.cfg` as sections with line numbers; `cfg` and `layers` know what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headlab.errors import CheckpointError
from headlab.files.text import SMALL_BYTES, decoded, read_bytes
from headlab.plain_text import printable

_COMMENT = re.compile("[#;].*", re.DOTALL)
_SPACE = re.compile(r"\s+", re.ASCII)
_ALIASES = {"network": "net", "conv": "convolutional", "max": "maxpool"}
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Value:
    """What follows a key's "=", without spaces, and the line it is in."""

    text: str
    line: int


@dataclass(frozen=True)
class Section:
    """One section of a cfg.

    Attributes:
        path: the cfg, for messages.
        kind: what is in the brackets; "conv", "max" and "network" as their long or short names.
        line: of the brackets.
        layer: the number that darknet gives it: `[net]` is -1, the first layer 0.
        values: by key.
    """

    path: Path
    kind: str
    line: int
    layer: int
    values: Mapping[str, Value]

    def where(self, key: str = "") -> str:
        """The place of a key, or of the section, as a message begins."""
        line = self.values[key].line if key in self.values else self.line
        number = "" if self.layer < 0 else f"layer {self.layer} "
        return f"{self.path}, line {line}, {number}[{shown(self.kind)}]"


def read_sections(path: Path) -> tuple[Section, ...]:
    """Read a cfg's sections.

    Raises:
        InputError: the file cannot be read.
        CheckpointError: it is not a cfg; the message has the line.
    """
    return sections_of(read_bytes(path, SMALL_BYTES), path)


def sections_of(data: bytes, path: Path) -> tuple[Section, ...]:
    """The sections of a cfg's contents.

    darknet ignores all ASCII spaces, lines that begin with # or ;, and empty lines. Comments at the end of a
    line are ignored here, too. Only ASCII counts in what is left, so that a guessed encoding needs no remark.

    Raises:
        InputError: it is not text.
        CheckpointError: a key comes before the first section or twice in one, a line has no "=", a
            section's bracket is not closed, or there is no section.
    """
    sections: list[Section] = []
    values: dict[str, Value] = {}
    for line, raw in enumerate(decoded(data, path).lines, start=1):
        text = _SPACE.sub("", _COMMENT.sub("", raw))
        where = f"{path}, line {line}"
        if text.startswith("["):
            values = {}
            kind = _kind(text, where)
            sections.append(Section(path, kind, line, len(sections) - 1, values))
        elif text.strip():
            _add(values, text, line, sections[-1] if sections else None, where)
    if not sections:
        raise CheckpointError(
            f"{path}: there is no section such as [net] in it.", "Give a darknet .cfg."
        )
    return tuple(sections)


def _kind(text: str, where: str) -> str:
    kind = text[1:-1]
    if not text.endswith("]") or not kind:
        raise CheckpointError(
            f"{where}: {shown(text)} is not a section.", "A section is written as [convolutional]."
        )
    return _ALIASES.get(kind, kind)


def _add(
    values: dict[str, Value], text: str, line: int, section: Section | None, where: str
) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise CheckpointError(
            f"{where}: {shown(text)} is not a setting.", "A setting is written as filters=32."
        )
    if section is None:
        raise CheckpointError(
            f"{where}: {shown(text)} comes before the first section.",
            "A cfg begins with [net].",
        )
    if key in values:
        raise CheckpointError(
            f"{where}, [{shown(section.kind)}]: duplicate key {shown(key)}, first in line "
            f"{values[key].line}.",
            "Remove one of them; darknet takes the first.",
        )
    values[key] = Value(value, line)


def shown(text: str) -> str:
    """A file's text in a message: not too long, and without control characters."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return printable(cut)
