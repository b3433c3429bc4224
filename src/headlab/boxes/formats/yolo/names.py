"""The class names of a YOLO data set: every place that gives some, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from headlab.boxes.classes import NamesRead, names_found
from headlab.boxes.table import NO_CLASS_NAMES, Problem
from headlab.errors import InputError
from headlab.files.json_text import read_json
from headlab.files.text import sound
from headlab.plain_text import composed, first_few

NAMES_DISAGREE = "names-disagree"

NAME_FILES = (
    "classes.txt",
    "_classes.txt",
    "_darknet.labels",
    "obj.names",
    "predefined_classes.txt",
)
"""Files of class names that annotation tools write: several, Roboflow, Roboflow, CVAT, labelImg."""

_NOTES = "notes.json"

SPLIT_FOLDERS = {"train": "train", "valid": "val", "val": "val", "test": "test"}
"""Folders of splits, and what the splits are called."""


def is_name_file(name: str) -> bool:
    """Whether a text file is one of class names, rather than of labels."""
    return name in NAME_FILES or name.endswith("_classes.txt")


def names_within(folder: Path, encoding: str | None = None, own: Sequence[Path] = ()) -> NamesRead:
    """The class names that files in a data set's folder give.

    Label Studio's `notes.json` counts as one, and where a folder has a single file `*.names`, that does,
    too. The first file is taken; those in the folder that say otherwise are problems.

    Args:
        folder: the data set's.
        encoding: of text files; None recognises it.
        own: files that belong to these very annotations, if they exist: they come first.

    Raises:
        InputError: a file cannot be read, or is not a list of names.
    """
    files = [path for path in own if path.is_file()] + list(_name_files(folder))
    for at, path in enumerate(files):
        names = _read(path, encoding)
        if names.names or names.problems:
            rest = files[at + 1 :]
            problems = (*names.problems, *_disagreeing(names, rest, encoding))
            return NamesRead(names.names, problems, names.source)
    message = (
        "The class names are unknown: there is no data.yaml, and none of "
        f"{', '.join(NAME_FILES)} and {_NOTES}. Name a file that lists them with --data-names."
    )
    return NamesRead((), (Problem("warning", NO_CLASS_NAMES, message, str(folder)),))


def names_besides(taken: NamesRead, folder: Path, encoding: str | None) -> tuple[Problem, ...]:
    """A problem for each file in a folder whose class names are not those that were taken."""
    return tuple(_disagreeing(taken, list(_name_files(folder)), encoding))


def _disagreeing(
    taken: NamesRead, files: Sequence[Path], encoding: str | None
) -> Iterator[Problem]:
    for path in files:
        try:
            others = _read(path, encoding).names
        except InputError:  # it is not the one that is taken
            continue
        if not others or not taken.names or _same(others, taken.names):
            continue
        message = (
            f"The class names disagree: {path.name} says {_numbered(others, taken.names)}; "
            f"{taken.source}, which was taken, says {_numbered(taken.names, others)}. "
            "Correct one of them, or name the file that is right with --data-names."
        )
        yield Problem("warning", NAMES_DISAGREE, message, str(path))


def _name_files(folder: Path) -> Iterator[Path]:
    """Files of class names that exist: in the folder, in its labels, in its splits, and next to it."""
    for home in (folder, *(folder / name for name in ("labels", *SPLIT_FOLDERS))):
        yield from (home / name for name in (*NAME_FILES, _NOTES) if (home / name).is_file())
        others = sorted(path for path in home.glob("*.names") if path.name not in NAME_FILES)
        if len(others) == 1:
            yield others[0]
    if folder.name in (*SPLIT_FOLDERS, "images", "labels", "obj_train_data"):
        yield from (folder.parent / name for name in NAME_FILES if (folder.parent / name).is_file())
    elif (folder.parent / "classes.txt").is_file():
        yield folder.parent / "classes.txt"


def _read(path: Path, encoding: str | None) -> NamesRead:
    return _of_notes(path) if path.name == _NOTES else names_found(path, encoding)


def _of_notes(path: Path) -> NamesRead:
    """The categories in Label Studio's `notes.json`, by their numbers from 0; no names if it is none."""
    try:
        content = read_json(path)
    except InputError:  # any program may call a file that
        return NamesRead()
    listed = content.get("categories") if isinstance(content, dict) else None
    by_number = {
        entry["id"]: sound(entry["name"])
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("id"), int) and "name" in entry
    }
    if not by_number or sorted(by_number) != list(range(len(by_number))):
        return NamesRead()
    return NamesRead(tuple(by_number[number] for number in sorted(by_number)), (), path.name)


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    return list(map(composed, one)) == list(map(composed, other))


def _numbered(names: Sequence[str], others: Sequence[str]) -> str:
    """The names that differ, with their numbers."""
    different = [
        f"{number} {name}"
        for number, name in enumerate(names)
        if number >= len(others) or composed(others[number]) != composed(name)
    ]
    return first_few(different) or f"only the first {len(names)}"
