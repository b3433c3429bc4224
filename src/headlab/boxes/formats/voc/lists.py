"""The lists of Pascal VOC's splits, `ImageSets/Main/*.txt`.

A list of a split has a photo's name per line. Next to those there is one per class and split, such as
`cat_train.txt`, in which a number follows the name: 1 if the photo has such an object, -1 if it has none, and
0 if all of them are difficult.

Source: the VOC2012 development kit, section "Image Sets".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from headlab.boxes.photos.search import bare_name, is_photo
from headlab.boxes.table import Problem, encoding_problems
from headlab.files.text import read_text

_SPLITS = ("train", "val", "valid")
_PRESENT, _FLAGS = "1", ("1", "0", "-1")


@dataclass(frozen=True)
class SplitList:
    """The photos of a split.

    Attributes:
        split: its name.
        file: the list.
        stems: line and name of each photo.
    """

    split: str
    file: Path
    stems: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class _Rows:
    """What a list says: line, name and flag of each photo; the flag is empty if there is none."""

    file: Path
    rows: tuple[tuple[int, str, str], ...]
    problems: tuple[Problem, ...]

    @property
    def has_flags(self) -> bool:
        return bool(self.rows) and all(flag for _, _, flag in self.rows)

    def as_split(self) -> SplitList:
        """The photos that are present."""
        present = ((line, stem) for line, stem, flag in self.rows if flag in ("", _PRESENT))
        return SplitList(self.file.stem, self.file, tuple(present))


def split_lists(
    folder: Path, split: str | None, known: Collection[str], problems: list[Problem]
) -> list[SplitList]:
    """The lists of the splits.

    These are train, val and test; where there is neither train nor val, trainval and test; where there is
    none of them, all that are not of a single class. If there are only lists of single classes, the photos
    that those name, with the class or without it, are the splits.

    Args:
        folder: `ImageSets/Main`.
        split: only this one; None for all.
        known: the photos that have an XML file.
        problems: gets what is uncertain.
    """
    files = {file.stem: file for file in sorted(folder.glob("*.txt"))}
    if split is not None and split in files:
        return _as_splits([_read(files[split], known)], problems)
    if split is None:
        usual = _usual(files)
        if usual:
            return _as_splits([_read(files[name], known) for name in usual], problems)
    rows = [_read(file, known) for file in files.values()]
    of_splits = [listed for listed in rows if not _of_class(listed, files)]
    if of_splits:
        return _as_splits(of_splits, problems) if split is None else []
    return _from_classes(rows, split, problems)


def split_names(folder: Path, known: Collection[str]) -> list[str]:
    """The names of the splits that there are."""
    return [listed.split for listed in split_lists(folder, None, known, [])]


def _usual(names: Collection[str]) -> list[str]:
    divided = [name for name in _SPLITS if name in names]
    whole = [] if divided else ["trainval"]
    return [name for name in (*divided, *whole, "test") if name in names]


def _of_class(listed: _Rows, names: Collection[str]) -> bool:
    """Whether a list is of a single class: each photo has a flag, or it is named after another list."""
    _, underscore, split = listed.file.stem.rpartition("_")
    return listed.has_flags or bool(underscore and split in names)


def _as_splits(lists: Sequence[_Rows], problems: list[Problem]) -> list[SplitList]:
    for listed in lists:
        problems += listed.problems
    return [listed.as_split() for listed in lists]


def _from_classes(
    lists: Sequence[_Rows], split: str | None, problems: list[Problem]
) -> list[SplitList]:
    """The splits that lists of single classes are of: `cat_train` and `dog_train` are both of train."""
    stems: dict[str, dict[str, tuple[int, Path]]] = {}
    for listed in lists:
        problems += listed.problems
        name = listed.file.stem.rpartition("_")[2]
        of_split = stems.setdefault(name, {})
        for line, stem, _ in listed.rows:
            of_split.setdefault(stem, (line, listed.file))
    splits = []
    for name, of_split in stems.items():
        if split not in (None, name) or not of_split:
            continue
        files = {file for _, file in of_split.values()}
        first = next(iter(of_split.values()))[1]
        message = (
            f"There is no list {name}.txt, only lists of single classes: the split {name} is what "
            f"{', '.join(sorted(file.name for file in files))} name, with an object of the class or without."
        )
        problems.append(Problem("warning", "class-lists", message, str(first.parent)))
        listed_stems = tuple((line, stem) for stem, (line, _) in of_split.items())
        splits.append(SplitList(name, first, listed_stems))
    return splits


def _read(file: Path, known: Collection[str]) -> _Rows:
    text = read_text(file)
    rows = []
    for line, content in enumerate(text.lines, 1):
        words = content.split()
        if not words:
            continue
        whole = content.strip()
        if whole in known:
            rows.append((line, whole, ""))
        else:
            flag = words[1] if len(words) == 2 and words[1] in _FLAGS else ""
            rows.append((line, _stem(words[0], known), flag))
    return _Rows(file, tuple(rows), encoding_problems(text.remarks, file))


def _stem(word: str, known: Collection[str]) -> str:
    """The name that a list means, which may be the path of a photo or of an XML file instead."""
    if word in known:
        return word
    name = bare_name(word)
    bare = name.rsplit(".", 1)[0] if is_photo(name) or name.lower().endswith(".xml") else name
    return bare if bare in known else word
