"""Which photos a YOLO data set has, in which splits, and where their label files are.

They are found as ultralytics finds them: the path of a label file has `labels` where the photo's path has
`images`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headlab.boxes.classes import Names, NamesRead, class_names, names_found
from headlab.boxes.photos.search import is_photo
from headlab.boxes.table import Problem, encoding_problems
from headlab.errors import InputError
from headlab.files.existing import exists, is_file, is_folder
from headlab.files.text import read_text, sound
from headlab.files.yaml_file import read_yaml

SPLITS = ("train", "val", "test")
_ROBOFLOW_SPLITS = {"train": "train", "valid": "val", "val": "val", "test": "test"}


@dataclass(frozen=True)
class Listed:
    """One photo of the data set.

    Attributes:
        image: its path as written; for a photo found in a folder, relative to the data set's root.
        path: where it is.
        split: such as "train"; None if there are none.
        file: the list that names it, or the folder that it was found in.
        line: the line in that list, from 1; None for a folder.
    """

    image: str
    path: str
    split: str | None
    file: str
    line: int | None = None


@dataclass
class Dataset:
    """What belongs to a data set.

    Attributes:
        photos: in order.
        names: the class names; empty if unknown.
        names_source: where they are from.
        problems: what is wrong with the data set.
    """

    photos: list[Listed] = field(default_factory=list)
    names: tuple[str, ...] = ()
    names_source: str = ""
    problems: list[Problem] = field(default_factory=list)

    def take_names(self, names: NamesRead) -> None:
        """Take class names, with what is uncertain about them."""
        self.names = names.names
        self.names_source = names.source
        self.problems += names.problems


def label_path(image: str) -> str:
    """Where the labels of a photo are: its path with the last folder `images` replaced by `labels`.

    Invariant: the same as ultralytics' `img2label_paths`; see the test.
    """
    images, labels = f"{os.sep}images{os.sep}", f"{os.sep}labels{os.sep}"
    rooted = image if image.startswith(os.sep) else os.sep + image  # "images/a.jpg" counts, too
    path = labels.join(rooted.rsplit(images, 1)).rsplit(".", 1)[0] + ".txt"
    return path if rooted is image else path[len(os.sep) :]


def dataset_yaml(folder: Path) -> Path | None:
    """The description in a folder: `data.yaml`, or the only YAML file that names splits."""
    for name in ("data.yaml", "data.yml", "dataset.yaml"):
        if (folder / name).is_file():
            return folder / name
    found = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            said = read_yaml(path).values
        except InputError:
            continue
        if isinstance(said, Mapping) and any(each in said for each in SPLITS):
            found.append(path)
    return found[0] if len(found) == 1 else None


def from_yaml(path: Path, names: Names | None) -> Dataset:
    """The data set that a `data.yaml` describes.

    Raises:
        InputError: it is no such file, or a split's value is no path.
    """
    file = read_yaml(path)
    said = file.values
    if not isinstance(said, Mapping) or not any(each in said for each in SPLITS):
        raise InputError(
            f"{path}: names neither train, val nor test.",
            "A data.yaml has lines such as 'train: images/train' and 'names: [cat, dog]'.",
        )
    dataset = Dataset()
    problems = dataset.problems
    problems += encoding_problems(file.remarks, path)
    if names is None:
        dataset.names = _names(said, path, problems)
    else:
        dataset.take_names(class_names(names))
    root = _root(said.get("path"), path)
    first_split: dict[str, str] = {}
    for split in SPLITS:
        for source in _sources(said.get(split), split, path):
            place = _place(source, root)
            earlier = first_split.setdefault(os.path.realpath(place), split)
            if earlier == split:
                _add(dataset, place, split, root, path)
            else:
                message = f"The split {split} is the same as {earlier}: it was read once."
                problems.append(Problem("warning", "same-split", message, str(path)))
    return dataset


def from_folder(folder: Path, names: Names | None) -> Dataset:
    """The data set in a folder that has `images` and `labels`, or whose splits have them."""
    dataset = Dataset()
    dataset.take_names(_names_within(folder) if names is None else class_names(names))
    if (folder / "images").is_dir():
        for image in _photos_in(folder / "images"):
            inner = image.relative_to(folder / "images").parts
            split = inner[0] if len(inner) > 1 else None
            shown = image.relative_to(folder).as_posix()
            home = str(folder / "images")
            dataset.photos.append(Listed(sound(shown), sound(image), split, home))
    else:
        for name, split in _ROBOFLOW_SPLITS.items():
            for image in _photos_in(folder / name / "images"):
                shown = image.relative_to(folder).as_posix()
                home = str(folder / name / "images")
                dataset.photos.append(Listed(sound(shown), sound(image), split, home))
    return dataset


def from_list(path: Path, names: Names | None, split: str | None) -> Dataset:
    """The data set of a text file that lists photos, one path per line."""
    dataset = Dataset()
    dataset.take_names(_names_within(path.parent) if names is None else class_names(names))
    dataset.photos.extend(_listed_in(path, split, dataset.problems))
    return dataset


def _place(source: str, root: Path) -> Path:
    place = root / source
    if not exists(place) and source.startswith("../"):
        return root / source[3:]  # Roboflow exports paths that start from a folder of their own
    return place


def _add(dataset: Dataset, place: Path, split: str, root: Path, yaml_file: Path) -> None:
    if is_file(place):
        dataset.photos.extend(_listed_in(place, split, dataset.problems))
        return
    photos = _photos_in(place)
    for image in photos:
        shown = os.path.relpath(image, root).replace(os.sep, "/")
        dataset.photos.append(Listed(sound(shown), sound(image), split, str(place)))
    if not photos and not is_folder(place):
        message = f"The split {split} is neither a folder nor a list: there is no {place}."
        dataset.problems.append(Problem("error", "missing-split", message, str(yaml_file)))


def _listed_in(path: Path, split: str | None, problems: list[Problem]) -> Iterator[Listed]:
    text = read_text(path)
    problems.extend(encoding_problems(text.remarks, path))
    for number, line in enumerate(text.lines, 1):
        name = line.strip()
        if name:
            relative = name[2:] if name.startswith("./") else name
            photo = path.parent / relative
            if not exists(photo) and exists(relative):
                photo = Path(relative)
            yield Listed(name, str(photo), split, str(path), number)


def _photos_in(folder: Path) -> list[Path]:
    """The photos in a folder and its subfolders, sorted by path.

    If there are none, those that the label files belong to, so that labels without photos can be read.
    """
    photos = [path for path in _files_in(folder) if is_photo(path.name)]
    if not photos:
        labels = Path(label_path(str(folder / "any.jpg"))).parent
        photos = [
            (folder / path.relative_to(labels)).with_suffix(".jpg")
            for path in _files_in(labels)
            if path.suffix == ".txt" and path.name != "classes.txt"
        ]
    return sorted(photos)


def _files_in(folder: Path) -> Iterator[Path]:
    for base, _, names in os.walk(folder, followlinks=True):
        yield from (Path(base) / name for name in names)


def _root(value: Any, path: Path) -> Path:
    """The folder that the splits' paths start from: `path:`, relative to the YAML file's folder."""
    if not isinstance(value, str) or not value:
        return path.parent
    root = path.parent / value
    return root if is_folder(root) else path.parent


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


def _names(described: Mapping[str, Any], path: Path, problems: list[Problem]) -> tuple[str, ...]:
    names = described.get("names")
    if isinstance(names, list):
        return tuple(map(_class_name, names))
    if isinstance(names, Mapping):
        by_number = {
            int(key): _class_name(name) for key, name in names.items() if _is_class_number(key)
        }
        if len(by_number) == len(names) and by_number and max(by_number) < _MOST_CLASSES:
            return tuple(
                by_number.get(number, f"class {number}") for number in range(max(by_number) + 1)
            )
    count = described.get("nc")
    if names is None and isinstance(count, int) and 0 < count < _MOST_CLASSES:
        return tuple(f"class {number}" for number in range(count))
    message = (
        "The class names are unknown: 'names' is neither a list nor a map from numbers to names."
    )
    problems.append(Problem("warning", "no-class-names", message, str(path)))
    return ()


_MOST_CLASSES = 100_000
_MOST_DIGITS = 9


def _class_name(value: Any) -> str:
    """A class's name; a list or map in its place, which may expand to any length, is not read."""
    return "?" if isinstance(value, (list, dict, set, tuple)) else sound(value)


def _is_class_number(key: Any) -> bool:
    text = str(key) if isinstance(key, (int, str)) else ""
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def _names_within(folder: Path) -> NamesRead:
    for base in (folder, folder / "labels", folder.parent):
        if (base / "classes.txt").is_file():
            return names_found(base / "classes.txt")
    name_files = sorted(folder.glob("*.names"))
    if len(name_files) == 1:
        return names_found(name_files[0])
    message = "The class names are unknown: there is no data.yaml and no classes.txt."
    return NamesRead((), (Problem("warning", "no-class-names", message, str(folder)),))
