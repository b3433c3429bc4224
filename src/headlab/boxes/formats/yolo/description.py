"""What describes a YOLO data set: ultralytics' `data.yaml`, and darknet's `.data`, which CVAT exports."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from headlab.boxes.classes import NamesRead, class_names, names_found
from headlab.boxes.formats.format import Reading
from headlab.boxes.formats.yolo.dataset import SPLITS, Dataset, add_folder, add_list, label_path
from headlab.boxes.formats.yolo.names import names_besides, names_within
from headlab.boxes.table import NO_CLASS_NAMES, Problem, encoding_problems
from headlab.errors import InputError
from headlab.files.existing import exists, is_file, is_folder
from headlab.files.text import SMALL_BYTES, first_lines, read_text, sound
from headlab.files.yaml_file import YamlFile, read_yaml

_MOST_CLASSES = 100_000
_MOST_UNNAMED = 1000
"""More class numbers without a name between those that have one are no gap, but a mistake."""
_MOST_DIGITS = 9
_KEYPOINT_SIZES = (2, 3)
_DARKNET_KEYS = {"train": "train", "val": "valid", "test": "test"}
_MOST_KEYPOINTS = 1000


def description_in(folder: Path) -> Path | None:
    """The description in a folder: `data.yaml`, the only YAML file that names splits, or `obj.data`."""
    for name in ("data.yaml", "data.yml", "dataset.yaml"):
        if (folder / name).is_file():
            return folder / name
    named = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            values = read_yaml(path).values
        except InputError:
            continue
        if isinstance(values, Mapping) and any(split in values for split in SPLITS):
            named.append(path)
    if not named:
        named = [path for path in sorted(folder.glob("*.data")) if is_darknet_data(path)]
    return named[0] if len(named) == 1 else None


def is_yaml(path: Path) -> bool:
    """Whether a file's name ends like that of a YAML file."""
    return path.suffix.lower() in (".yaml", ".yml")


def is_darknet_data(path: Path) -> bool:
    """Whether a file has lines such as `train = data/train.txt`, as darknet's `.data` files do."""
    return not is_yaml(path) and any(key in _pairs(first_lines(path)) for key in ("train", "valid"))


def from_yaml(path: Path, how: Reading) -> Dataset:
    """The data set that a `data.yaml` describes.

    Raises:
        InputError: it is no such file, or a split's value is no path.
    """
    file = read_yaml(path, encoding=how.encoding)
    values = file.values
    if not isinstance(values, Mapping) or not any(split in values for split in SPLITS):
        raise InputError(
            f"{path}: names neither train, val nor test.",
            "A data.yaml has lines such as 'train: images/train' and 'names: [cat, dog]'.",
        )
    dataset = Dataset(problems=list(encoding_problems(file.remarks, path)))
    if how.names is None:
        names = _names(file, path, how.encoding)
        dataset.take_names(names)
        dataset.problems += names_besides(names, path.parent, how.encoding)
    else:
        dataset.take_names(class_names(how.names, how.encoding))
    dataset.keypoints = _keypoints(values.get("kpt_shape"), file, path, dataset.problems)
    root = _root(values.get("path"), file, path, dataset.problems)
    sources = {split: _sources(values.get(split), split, path) for split in SPLITS}
    _add_splits(dataset, sources, root, _Origin(file, path, str(values.get("path") or "")), how)
    return dataset


def from_darknet_data(path: Path, how: Reading) -> Dataset:
    """The data set that a `.data` file of darknet describes, such as CVAT's `obj.data`.

    Its paths start where darknet was started, which is seldom where the file is now: they are looked for
    next to it, too, without their first folders.

    Raises:
        InputError: it cannot be read, or names no list of photos.
    """
    text = read_text(path, how.encoding, largest_bytes=SMALL_BYTES)
    values = _pairs(text.lines)
    dataset = Dataset(problems=list(encoding_problems(text.remarks, path)))
    dataset.take_names(_darknet_names(values.get("names"), path, how))
    sources = {split: values.get(key) for split, key in _DARKNET_KEYS.items()}
    listed = {split: [source] for split, source in sources.items() if source}
    if not listed:
        raise InputError(
            f"{path}: names neither train nor valid.",
            "A .data file has lines such as 'train = data/train.txt' and 'names = data/obj.names'.",
        )
    _add_splits(dataset, listed, path.parent, _Origin(None, path), how)
    return dataset


@dataclass(frozen=True)
class _Origin:
    """The file that names the splits, for messages; `root` is what its `path:` says."""

    yaml: YamlFile | None
    path: Path
    root: str = ""

    def problem(self, severity: Any, kind: str, message: str, *keys: str) -> Problem:
        line = None if self.yaml is None else self.yaml.line_of(keys)
        return Problem(severity, kind, message, str(self.path), line)


def _add_splits(
    dataset: Dataset, sources: Mapping[str, list[str]], root: Path, origin: _Origin, how: Reading
) -> None:
    """Add the photos of each split; of two splits that are the same place, those of the first."""
    first: dict[str, str] = {}
    for split, named in sources.items():
        for source in named:
            place = _place(source, split, root, origin, dataset.problems)
            if place is None:
                continue
            earlier = first.setdefault(os.path.realpath(place), split)
            if earlier != split:
                dataset.same_splits[split] = earlier
                message = f"The split {split} is the same as {earlier}: it was read once."
                dataset.problems.append(origin.problem("warning", "same-split", message, split))
            elif is_file(place):
                add_list(dataset, place, split, how)
            else:
                add_folder(dataset, place, split, root)


def _place(
    source: str, split: str, root: Path, origin: _Origin, problems: list[Problem]
) -> Path | None:
    """The folder or list that a split's value means; None if there is none.

    ultralytics takes "../train/images" without its "../" where that does not exist, since Roboflow exports
    paths that start from a folder of their own. Where both exist, it takes the outer one.
    """
    place = root / source
    inner = root / source.removeprefix("../")
    if source.startswith("../"):
        if not exists(place) and exists(inner):
            return inner
        if exists(place) and exists(inner) and not _is_same(place, inner):
            message = (
                f"{split}: {source} exists twice: {place} was read, as ultralytics does, and there is "
                f"{inner}, too. If that is meant, write {split}: {source.removeprefix('../')}."
            )
            problems.append(origin.problem("warning", "two-places", message, split))
    if exists(place) or _has_labels(place):
        return place
    moved = _moved(source, root)
    if moved is not None:
        message = (
            f"There is no {place}, as {split}: {source} says: {moved} was read. "
            f"Write {split}: {os.path.relpath(moved, root)}."
        )
        problems.append(origin.problem("warning", "moved-split", message, split))
        return moved
    message = f"The split {split} is neither a folder nor a list: there is no {place}."
    if origin.root:
        message += f" It starts from path: {origin.root}."
    if source.strip("'\"") != source:
        message += " Its value has a stray quote."
    problems.append(origin.problem("error", "missing-split", message, split))
    return None


def _has_labels(place: Path) -> bool:
    """Whether a folder of photos is missing, but has labels: these can be read on their own."""
    photo = str(place / "any.jpg")
    labels = Path(label_path(photo)).parent
    return labels != place and is_folder(labels)


def _moved(source: str, root: Path) -> Path | None:
    """Where a path leads that is written for Windows, or from a folder that is not here."""
    parts = PurePosixPath(source.replace("\\", "/")).parts
    for at in range(len(parts)):
        if parts[at] not in ("..", "/", "."):
            place = root.joinpath(*parts[at:])
            if exists(place):
                return place
    return None


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _root(value: Any, file: YamlFile, path: Path, problems: list[Problem]) -> Path:
    """The folder that the splits' paths start from: `path:`, relative to the YAML file's folder."""
    if not isinstance(value, str) or not value or "\0" in value:
        return path.parent
    root = path.parent / value
    if is_folder(root):
        return root
    message = (
        f"path: {value} is no folder here: the splits were looked for from the file's own folder, "
        f"{path.parent}. Correct path:, or remove it."
    )
    problems.append(Problem("warning", "missing-root", message, str(path), file.line_of(["path"])))
    return path.parent


def _sources(value: Any, split: str, path: Path) -> list[str]:
    if value is None or value == "":
        return []
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, str) and "\0" not in source for source in sources):
        raise InputError(
            f"{path}: {split} is neither a path nor a list of paths.",
            f"Write a folder or a list, as in '{split}: images/{split}'.",
        )
    return sources


def _names(file: YamlFile, path: Path, encoding: str | None) -> NamesRead:
    """The class names: a list, a map from numbers to names, or the path of a file. Names are texts."""
    written, count = file.as_written("names"), file.values.get("nc")
    if isinstance(written, str) and is_file(path.parent / written):
        return names_found(path.parent / written, encoding)
    line = file.line_of(["names"])

    def problem(kind: str, message: str) -> Problem:
        return Problem("warning", kind, message, str(path), line)

    by_number = _numbered(written)
    if by_number is None or max(by_number, default=-1) >= len(by_number) + _MOST_UNNAMED:
        message = "The class names are unknown: " + _why_unknown(written, by_number, count)
        return NamesRead((), (problem(NO_CLASS_NAMES, message),))
    names = {number: name for number, name in by_number.items() if name.strip()}
    length = max(by_number, default=-1) + 1
    problems = []
    gaps = [number for number in range(length) if number not in names]
    if gaps:
        shown = ", ".join(map(str, gaps[:4])) + (", …" if len(gaps) > 4 else "")
        message = f"names gives no name to class {shown}: it is called 'class {gaps[0]}'."
        if gaps == [0]:
            message += " Do the names count from 1? Labels count from 0."
        problems.append(problem("unnamed-class", message))
    if isinstance(count, int) and not isinstance(count, bool) and count != length:
        first = f"nc is {count}, and names has {length}"
        message = f"{first}: the names were taken. Correct nc, or the names."
        problems.append(problem("class-count", message))
    filled = tuple(names.get(number, f"class {number}") for number in range(length))
    return NamesRead(filled, tuple(problems), f"{path.name}")


def _numbered(written: Any) -> dict[int, str] | None:
    """The names by class number; None if what was written is neither a list nor a map of names."""
    if isinstance(written, list):
        return {number: _class_name(name) for number, name in enumerate(written)} or None
    if not isinstance(written, dict) or not all(map(_is_class_number, written)):
        return None
    by_number = {int(key): _class_name(name) for key, name in written.items()}
    return by_number if by_number and max(by_number) < _MOST_CLASSES else None


def _why_unknown(written: Any, by_number: Mapping[int, str] | None, count: Any) -> str:
    if by_number is not None:
        return (
            f"'names' has {len(by_number)} names for class numbers up to {max(by_number):,}. "
            "A class's number counts from 0 without gaps."
        )
    if written is None and isinstance(count, int):
        return f"there are {count} of them (nc), and no 'names'."
    if isinstance(written, dict) and any(map(_is_class_number, map(str, written.values()))):
        return "'names' maps names to numbers; numbers to names were expected, as in {0: cat}."
    return "'names' is neither a list nor a map from numbers to names."


def _class_name(value: Any) -> str:
    """A class's name; a list or map in its place, which may expand to any length, is not read."""
    return "?" if isinstance(value, (list, dict)) else sound(value)


def _is_class_number(key: Any) -> bool:
    return isinstance(key, str) and key.isdecimal() and len(key) <= _MOST_DIGITS


def _keypoints(value: Any, file: YamlFile, path: Path, problems: list[Problem]) -> int:
    """How many numbers of keypoints follow each box, of `kpt_shape: [17, 3]`; 0 without keypoints."""
    if value is None:
        return 0
    if (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(number, int) for number in value)
        and 0 < value[0] <= _MOST_KEYPOINTS
        and value[1] in _KEYPOINT_SIZES
    ):
        return int(value[0] * value[1])
    message = "kpt_shape is not a number of keypoints and 2 or 3 numbers for each, as in [17, 3]."
    line = file.line_of(["kpt_shape"])
    problems.append(Problem("warning", "bad-keypoints", message, str(path), line))
    return 0


def _pairs(lines: list[str]) -> dict[str, str]:
    """The values of lines `key = value`; of a key that is there twice, the first, as in darknet."""
    pairs: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            pairs.setdefault(key.strip(), value.strip())
    return pairs


def _darknet_names(value: str | None, path: Path, how: Reading) -> NamesRead:
    if how.names is not None:
        return class_names(how.names, how.encoding)
    if value:
        for place in (path.parent / value, _moved(value, path.parent)):
            if place is not None and is_file(place):
                names = names_found(place, how.encoding)
                besides = names_besides(names, path.parent, how.encoding)
                return NamesRead(names.names, (*names.problems, *besides), names.source)
    return names_within(path.parent, how.encoding)
