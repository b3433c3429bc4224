"""A darknet `.cfg` as sections with line numbers; `cfg` and `layers` know what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headlab.errors import CheckpointError
from headlab.files.text import SMALL_BYTES, decoded, read_bytes
from headlab.plain_text import printable

_COMMENT = re.compile("[#;].*", re.DOTALL)
_SPACE = re.compile(r"\s+", re.ASCII)
ALIASES = {"network": "net", "conv": "convolutional", "max": "maxpool"}
"""Other names of sections that darknet knows."""

_NUMBERS = re.compile(r"[0-9.,+\-]+")
_SHOWN_CHARACTERS = 60
_SHOWN_REPEATS = 3
_MOST_SECTIONS = 10_000


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
        values: by key: the first, if it is there again, as darknet takes it.
        repeats: by key, the others.
    """

    path: Path
    kind: str
    line: int
    layer: int
    values: Mapping[str, Value]
    repeats: Mapping[str, Sequence[Value]] = field(default_factory=dict)

    def text(self, key: str) -> str | None:
        """What a setting that matters says; None if it is absent.

        Raises:
            CheckpointError: it is there again with another value.
        """
        if key not in self.values:
            return None
        first = self.values[key]
        for other in self.repeats.get(key, ()):
            if other.text != first.text:
                raise CheckpointError(
                    f"{self.path}, line {other.line}, [{shown(self.kind)}]: {key}={shown(other.text)}, but "
                    f"line {first.line} says {key}={shown(first.text)}.",
                    "Remove one of them: darknet takes the first, other programs the last.",
                )
        return first.text

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
        CheckpointError: a key comes before the first section, a line has no "=", a section's bracket is not
            closed, or there is no section.
    """
    sections: list[Section] = []
    values: dict[str, Value] = {}
    repeats: dict[str, list[Value]] = {}
    latest = ""
    for line, raw in enumerate(decoded(data, path).lines, start=1):
        text = _SPACE.sub("", _COMMENT.sub("", raw))
        where = f"{path}, line {line}"
        if text.startswith("["):
            values, repeats, latest = {}, {}, ""
            kind = _kind(text, where)
            if len(sections) == _MOST_SECTIONS:
                raise CheckpointError(
                    f"{where}: more than {_MOST_SECTIONS:,} sections; no network has so many.",
                    "Give the .cfg of the model.",
                )
            sections.append(Section(path, kind, line, len(sections) - 1, values, repeats))
        elif text.strip():
            key, value = _setting(text, line, latest, where)
            if not sections:
                raise CheckpointError(
                    f"{where}: {shown(text)} comes before the first section.",
                    "A cfg begins with [net].",
                )
            if key in values:
                repeats.setdefault(key, []).append(value)
            else:
                values[key] = value
            latest = f"{key}= of line {line}"
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
    return ALIASES.get(kind, kind)


def _setting(text: str, line: int, latest: str, where: str) -> tuple[str, Value]:
    """A key and its value."""
    key, equals, value = text.partition("=")
    if equals and key and value:
        return key, Value(value, line)
    if text.startswith("<"):
        raise CheckpointError(
            f"{where}: this is a web page, not a .cfg.",
            "Download the file itself (on GitHub: Raw), not the page that shows it.",
        )
    if latest and _NUMBERS.fullmatch(text):
        raise CheckpointError(
            f"{where}: {shown(text)} goes on from {latest}, but a setting is one line: "
            "darknet ignores the rest.",
            "Write it on one line.",
        )
    raise CheckpointError(
        f"{where}: {shown(text)} is not a setting; darknet ignores such a line.",
        "A setting is written as filters=32; remove the line if it is none.",
    )


def repeated(sections: Sequence[Section]) -> tuple[str, ...]:
    """What the repeated settings say that do not matter to headlab, section by section, in sentences."""
    said = []
    for section in sections:
        twice = [
            section.values[key]
            for key, others in section.repeats.items()
            if any(other.text != section.values[key].text for other in others)
        ]
        keys = {value.line: key for key, value in section.values.items()}
        if twice:
            first = ", ".join(
                f"{shown(keys[value.line])}={shown(value.text)} (line {value.line})"
                for value in twice[:_SHOWN_REPEATS]
            )
            more = ", …" if len(twice) > _SHOWN_REPEATS else ""
            said.append(
                f"{section.path}, [{shown(section.kind)}]: of settings that are there more than once, "
                f"darknet takes the first: {first}{more}."
            )
    return tuple(said[:_SHOWN_REPEATS])


def shown(text: str) -> str:
    """A file's text in a message: not too long, and without control characters."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return printable(cut)
