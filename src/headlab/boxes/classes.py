"""Class names: from a list, from a file, or from a file next to the annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headlab.boxes.table import BoxTable, Problem, encoding_problems
from headlab.errors import InputError
from headlab.files.class_names import class_names_text, read_class_names
from headlab.files.text import SMALL_BYTES, read_text
from headlab.plain_text import printable

Names = str | Path | Sequence[str]
"""Class names, or the path of a file with one name per line."""

_MOST = 100_000


NamesRead = tuple[tuple[str, ...], tuple[Problem, ...]]
"""Class names by class number, and what is uncertain about them."""


def class_names(names: Names) -> NamesRead:
    """The names in a list or a file.

    Raises:
        InputError: the file cannot be read, or is not a list of names; see
            `headlab.files.class_names.read_class_names`.
    """
    if not isinstance(names, (str, Path)):
        return tuple(map(str, names)), ()
    listed = read_class_names(Path(names))
    return listed.names, encoding_problems(listed.remarks, Path(names))


def names_found(path: Path) -> NamesRead:
    """The names in a file that nobody named: as `class_names`, but no names if the file is empty.

    Raises:
        InputError: the file cannot be read, or is not a list of names.
    """
    if not any(map(str.strip, read_text(path, largest_bytes=SMALL_BYTES).lines)):
        return (), ()
    return class_names(path)


def names_next_to(annotations: Path) -> NamesRead:
    """The class names in a file next to the annotations, or a warning that there is none.

    That is `classes.txt` or `NAME_classes.txt`. Another file of names, such as `coco.names`, may belong to
    other annotations: the warning mentions it, but it is not used.
    """
    folder = annotations.parent
    for name in ("classes.txt", f"{annotations.stem}_classes.txt"):
        if (folder / name).is_file():
            return names_found(folder / name)
    others = sorted(path.name for path in (*folder.glob("*_classes.txt"), *folder.glob("*.names")))
    message = "The class names are unknown: there is no classes.txt next to it."
    if others:
        message += f" If they are in {' or '.join(others[:3])}, say so with --data-names."
    return (), (Problem("warning", "no-class-names", message, str(annotations)),)


def written_names(table: BoxTable) -> tuple[str, ...]:
    """A name for every class number that is known or used: "class N" for those without one.

    Raises:
        InputError: a class number is absurdly high.
    """
    highest = table.boxes["class_id"].max()
    used = int(highest) + 1 if isinstance(highest, int) else 0
    if used > _MOST:
        raise InputError(
            f"Class {used - 1} would need {used:,} class names.", "Correct the class number."
        )
    return tuple(table.class_name(number) for number in range(max(used, len(table.class_names))))


def names_text(table: BoxTable) -> str:
    """The file of a table's class names, which `class_names` reads back; empty if there are none.

    Raises:
        InputError: two classes have the same name.
    """
    names = [
        printable(name).strip() or f"class {number}"
        for number, name in enumerate(written_names(table))
    ]
    return class_names_text(names) if names else ""
