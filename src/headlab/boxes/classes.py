"""Class names: from a list, from a file, or from a file next to the annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headlab.boxes.table import BoxTable, Problem
from headlab.errors import InputError
from headlab.files.text import read_text

Names = str | Path | Sequence[str]
"""Class names, or the path of a file with one name per line."""

_MOST = 100_000


def class_names(names: Names) -> tuple[str, ...]:
    """The names; empty lines at the end of a file do not count.

    Raises:
        InputError: the file cannot be read.
    """
    if not isinstance(names, (str, Path)):
        return tuple(str(name) for name in names)
    listed = [line.strip() for line in read_text(Path(names)).lines]
    while listed and not listed[-1]:
        listed.pop()
    return tuple(listed)


def names_next_to(annotations: Path) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The class names in a file next to the annotations, or a warning that there is none.

    That is `classes.txt` or `NAME_classes.txt`. Another file of names, such as `coco.names`, may belong to
    other annotations: the warning mentions it, but it is not used.
    """
    folder = annotations.parent
    for name in ("classes.txt", f"{annotations.stem}_classes.txt"):
        if (folder / name).is_file():
            return class_names(folder / name), ()
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
