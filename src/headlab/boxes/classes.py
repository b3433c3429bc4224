"""Class names: from a list, from a file, or from a file beside the annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headlab.boxes.table import BoxTable, Problem
from headlab.errors import InputError
from headlab.files.text import read_text

Classes = str | Path | Sequence[str]
"""Names, or the path of a file with one name per line."""


def class_names(classes: Classes) -> tuple[str, ...]:
    """The names; empty lines at the end of a file do not count.

    Raises:
        InputError: the file cannot be read.
    """
    if not isinstance(classes, (str, Path)):
        return tuple(str(each) for each in classes)
    names = [line.strip() for line in read_text(Path(classes)).lines]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def names_beside(annotations: Path) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The class names in a file beside the annotations, or a warning that there is none.

    That is `classes.txt` or `NAME_classes.txt`. Another file of names, such as `coco.names`, may belong to
    other annotations: the warning names it, but it is not taken.
    """
    folder = annotations.parent
    for name in ("classes.txt", f"{annotations.stem}_classes.txt"):
        if (folder / name).is_file():
            return class_names(folder / name), ()
    others = sorted(each.name for each in (*folder.glob("*_classes.txt"), *folder.glob("*.names")))
    message = "The class names are unknown: there is no classes.txt beside it."
    if others:
        message += f" If {' or '.join(others[:3])} has them, say --classes."
    return (), (Problem("warning", "no-class-names", message, str(annotations)),)


def written_names(table: BoxTable) -> tuple[str, ...]:
    """A name for every class number that is known or used: "class N" for those without one."""
    highest = table.boxes["class_id"].max()
    used = int(highest) + 1 if isinstance(highest, int) else 0
    if used > _MOST:
        raise InputError(
            f"Class {used - 1} would need {used:,} class names.", "Correct the class number."
        )
    return tuple(table.class_name(at) for at in range(max(used, len(table.class_names))))


_MOST = 100_000
