"""Files of class names, one per line, of models and of annotations: `classes.txt`, `coco.names`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headlab.errors import InputError
from headlab.files.text import SMALL_BYTES, Remark, decoded, read_bytes
from headlab.plain_text import composed, counted, printable

_DONT_SHOW = "dont_show"
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True)
class ClassNames:
    """The contents of a file of class names.

    Attributes:
        names: by class number.
        remarks: what is uncertain about them, such as a guessed encoding.
    """

    names: tuple[str, ...]
    remarks: tuple[Remark, ...] = ()


def read_class_names(path: Path, encoding: str | None = None) -> ClassNames:
    """Read class names by class number, one per line.

    Spaces around a name and empty lines at the end do not count. `dont_show` is no name: it tells darknet not
    to draw that class, and may be in any number of lines. Such a class is called by its number.

    Args:
        path: the file.
        encoding: of the file; None recognises it.

    Raises:
        InputError: the file cannot be read, is empty, has an empty line before a name (which would shift
            the class numbers), or has a name twice.
    """
    return class_names_of(read_bytes(path, SMALL_BYTES), path, encoding)


def class_names_of(data: bytes, path: Path, encoding: str | None = None) -> ClassNames:
    """Class names by class number from a file's contents; see `read_class_names`."""
    text = decoded(data, path, encoding)
    names = [line.strip() for line in text.lines]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise InputError(
            f"{path}: the file is empty.", "Write the class names into it, one per line."
        )
    names, hidden = _without_dont_show(names)
    first_lines: dict[str, int] = {}
    for line, name in enumerate(names, start=1):
        if not name:
            raise InputError(
                f"{path}, line {line}: the line is empty, but names follow it.",
                "Remove it, or write the name of that class: a class's number is its line.",
            )
        if composed(name) in first_lines:
            raise InputError(
                f"{path}, line {line}: duplicate name {_shown(name)}, first in line "
                f"{first_lines[composed(name)]}.",
                "Give every class a name of its own.",
            )
        first_lines[composed(name)] = line
    return ClassNames(tuple(names), (*text.remarks, *hidden))


def _without_dont_show(names: list[str]) -> tuple[list[str], tuple[Remark, ...]]:
    """The names with numbers for `dont_show`, and a remark if there are such lines."""
    lines = [line for line, name in enumerate(names, start=1) if name == _DONT_SHOW]
    if not lines:
        return names, ()
    taken = set(names)
    for line in lines:
        number = str(line - 1)
        names[line - 1] = f"class {number}" if number in taken else number
    said = (
        f"{counted(len(lines), 'class', 'classes')} called {_DONT_SHOW}, which tells darknet not to "
        "draw them; here they are called by their numbers."
    )
    return names, (Remark(said, lines[0]),)


def class_names_text(names: Sequence[str]) -> str:
    """Class names, one per line.

    Raises:
        InputError: the names would not read back as they are: one is empty, is there twice, has spaces
            around it or a line break in it.
    """
    text = "".join(f"{name}\n" for name in names)
    try:
        read_back = class_names_of(text.encode("utf-8"), Path("class names")).names
    except (InputError, UnicodeEncodeError) as error:
        reason = error.message if isinstance(error, InputError) else str(error)
        raise InputError(
            f"The class names cannot be written one per line: {reason}", "Rename that class."
        ) from error
    for number, name in enumerate(names):
        if read_back[number : number + 1] != (name,):
            if name == _DONT_SHOW:
                raise InputError(
                    f"Class {number} is called {name}, which tells darknet not to draw it.",
                    "Rename it.",
                )
            raise InputError(
                f"The name of class {number}, {_shown(name)}, cannot be written as a line.",
                "Rename it: no spaces around it, and no line breaks in it.",
            )
    return text


def _shown(text: str) -> str:
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return f"'{printable(cut)}'"
