"""Class names: from a list, from a file, or from a file next to the annotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headlab.boxes.table import NO_CLASS_NAMES, BoxTable, Problem, encoding_problems
from headlab.errors import InputError
from headlab.files.class_names import class_names_text, read_class_names
from headlab.files.text import SMALL_BYTES, read_text
from headlab.plain_text import printable

Names = str | Path | Sequence[str]
"""Class names, or the path of a file with one name per line."""

_MOST = 100_000


@dataclass(frozen=True)
class NamesRead:
    """Class names that were read.

    Attributes:
        names: by class number; empty if they are unknown.
        problems: what is uncertain about them.
        source: where they are from, such as a file's name; empty if they are unknown.
    """

    names: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    source: str = ""


def class_names(names: Names, encoding: str | None = None) -> NamesRead:
    """The names in a list or a file.

    Args:
        names: a list, or the path of a file.
        encoding: of the file; None recognises it.

    Raises:
        InputError: the file cannot be read, or is not a list of names; see
            `headlab.files.class_names.read_class_names`.
    """
    if not isinstance(names, (str, Path)):
        return NamesRead(tuple(map(str, names)), (), "the names that were given")
    listed = read_class_names(Path(names), encoding)
    remarks = encoding_problems(listed.remarks, Path(names))
    return NamesRead(listed.names, remarks, Path(names).name)


def names_found(path: Path, encoding: str | None = None) -> NamesRead:
    """The names in a file that nobody named: as `class_names`, but an empty file is a problem.

    Raises:
        InputError: the file cannot be read, or is not a list of names.
    """
    if any(map(str.strip, read_text(path, encoding, largest_bytes=SMALL_BYTES).lines)):
        return class_names(path, encoding)
    message = f"{path.name} is empty, so that the class names are unknown: write one per line."
    return NamesRead((), (Problem("error", NO_CLASS_NAMES, message, str(path)),))


def names_next_to(annotations: Path, encoding: str | None = None) -> NamesRead:
    """The class names in a file next to the annotations, or a warning that there is none.

    That is `NAME_classes.txt`, which belongs to these annotations, or else `classes.txt`; Roboflow calls
    the two files `_annotations.txt` and `_classes.txt`. Another file of names, such as `coco.names`, may
    belong to other annotations: the warning mentions it, but it is not used.
    """
    folder, stem = annotations.parent, annotations.stem.removesuffix("_annotations")
    for name in (f"{annotations.stem}_classes.txt", f"{stem}_classes.txt", "classes.txt"):
        if (folder / name).is_file():
            return names_found(folder / name, encoding)
    others = sorted(path.name for path in (*folder.glob("*_classes.txt"), *folder.glob("*.names")))
    message = "The class names are unknown: there is no classes.txt next to it."
    if others:
        message += f" If they are in {' or '.join(others[:3])}, say so with --data-names."
    return NamesRead((), (Problem("warning", NO_CLASS_NAMES, message, str(annotations)),))


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


def are_placeholders(names: Sequence[str]) -> bool:
    """Whether names only repeat their numbers ("class 0", "class 1"), as written for unknown names."""
    return bool(names) and all(
        name in (f"class {number}", f"class_{number}") for number, name in enumerate(names)
    )


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
