"""Which photos a YOLO data set has, in which splits, and where their label files are.

As ultralytics finds them: the folder `labels` stands where the photo's path has `images`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headlab.boxes.classes import Classes, Names, class_names, names_found
from headlab.boxes.table import Problem, encoding_problems
from headlab.errors import InputError
from headlab.files.existing import exists, is_file, is_folder
from headlab.files.text import read_text, sound
from headlab.files.yaml_file import read_yaml

SPLITS = ("train", "val", "test")
IMAGE_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("avif", "bmp", "dng", "gif", "heic", "heif", "jp2", "jpeg", "jpeg2000", "jpg", "mpo"),
        *("png", "pfm", "ppm", "pgm", "tif", "tiff", "webp"),
    )
)
_ROBOFLOW_SPLITS = {"train": "train", "valid": "val", "val": "val", "test": "test"}


@dataclass(frozen=True)
class Listed:
    """One photo of the data set.

    Attributes:
        image: its path as written, or, from a folder, relative to the data set's root.
        path: where it is.
        split: such as "train"; None if there are none.
        file: that lists it: a list, or the folder it was found in.
        line: in that list, from 1; None for a folder.
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
        names: of the classes; empty if unknown.
        problems: what is wrong with it.
    """

    photos: list[Listed] = field(default_factory=list)
    names: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)


def label_path(image: str) -> str:
    """Where the labels of a photo are: its path with the last folder `images` replaced by `labels`.

    Invariant: as ultralytics' `img2label_paths`, see the test.
    """
    images, labels = f"{os.sep}images{os.sep}", f"{os.sep}labels{os.sep}"
    rooted = image if image.startswith(os.sep) else os.sep + image  # "images/a.jpg" counts, too
    found = labels.join(rooted.rsplit(images, 1)).rsplit(".", 1)[0] + ".txt"
    return found if rooted is image else found[len(os.sep) :]


def is_photo(name: str) -> bool:
    """Whether a file's name is that of a photo."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - Path's is slow


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


def from_yaml(path: Path, classes: Classes | None) -> Dataset:
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
    made = Dataset()
    made.problems += encoding_problems(file.remarks, path)
    if classes is None:
        made.names = _names(said, path, made.problems)
    else:
        _name(made, class_names(classes))
    root = _root(said.get("path"), path)
    first: dict[str, str] = {}
    for split in SPLITS:
        for source in _sources(said.get(split), split, path):
            place = _place(source, root)
            before = first.setdefault(os.path.realpath(place), split)
            if before == split:
                _add(made, place, split, root, path)
            else:
                message = f"The split {split} is the same as {before}: it was read once."
                made.problems.append(Problem("warning", "same-split", message, str(path)))
    return made


def from_folder(folder: Path, classes: Classes | None) -> Dataset:
    """The data set in a folder that has `images` and `labels`, or splits that have them each."""
    made = Dataset()
    _name(made, _names_within(folder) if classes is None else class_names(classes))
    if (folder / "images").is_dir():
        for image in _photos_in(folder / "images"):
            inner = image.relative_to(folder / "images").parts
            split = inner[0] if len(inner) > 1 else None
            shown = image.relative_to(folder).as_posix()
            made.photos.append(Listed(sound(shown), sound(image), split, str(folder / "images")))
    else:
        for name, split in _ROBOFLOW_SPLITS.items():
            for image in _photos_in(folder / name / "images"):
                shown = image.relative_to(folder).as_posix()
                made.photos.append(
                    Listed(sound(shown), sound(image), split, str(folder / name / "images"))
                )
    return made


def from_list(path: Path, classes: Classes | None, split: str | None) -> Dataset:
    """The data set of a text file that lists photos, one path per line."""
    made = Dataset()
    _name(made, _names_within(path.parent) if classes is None else class_names(classes))
    made.photos.extend(_listed_in(path, split, made.problems))
    return made


def _place(source: str, root: Path) -> Path:
    place = root / source
    if not exists(place) and source.startswith("../"):
        return root / source[3:]  # as exported by Roboflow: relative to a folder of its own
    return place


def _add(made: Dataset, place: Path, split: str, root: Path, yaml_file: Path) -> None:
    if is_file(place):
        made.photos.extend(_listed_in(place, split, made.problems))
        return
    photos = _photos_in(place)
    for image in photos:
        shown = os.path.relpath(image, root).replace(os.sep, "/")
        made.photos.append(Listed(sound(shown), sound(image), split, str(place)))
    if not photos and not is_folder(place):
        message = f"The split {split} is neither a folder nor a list: there is no {place}."
        made.problems.append(Problem("error", "missing-split", message, str(yaml_file)))


def _listed_in(path: Path, split: str | None, problems: list[Problem]) -> Iterator[Listed]:
    text = read_text(path)
    problems.extend(encoding_problems(text.remarks, path))
    for number, line in enumerate(text.lines, 1):
        name = line.strip()
        if name:
            inside = name[2:] if name.startswith("./") else name
            found = path.parent / inside
            if not exists(found) and exists(inside):
                found = Path(inside)
            yield Listed(name, str(found), split, str(path), number)


def _photos_in(folder: Path) -> list[Path]:
    """The photos in a folder and the folders inside it, sorted by path.

    If there are none, those that the label files stand for, so that labels without photos can be read.
    """
    found = [path for path in _files_in(folder) if is_photo(path.name)]
    if not found:
        labels = Path(label_path(str(folder / "any.jpg"))).parent
        found = [
            (folder / path.relative_to(labels)).with_suffix(".jpg")
            for path in _files_in(labels)
            if path.suffix == ".txt" and path.name != "classes.txt"
        ]
    return sorted(found)


def _files_in(folder: Path) -> Iterator[Path]:
    for base, _, names in os.walk(folder, followlinks=True):
        yield from (Path(base) / name for name in names)


def _root(said: Any, path: Path) -> Path:
    """The folder that the splits' paths start from: `path:`, relative to the YAML file's folder."""
    if not isinstance(said, str) or not said:
        return path.parent
    root = path.parent / said
    return root if is_folder(root) else path.parent


def _sources(said: Any, split: str, path: Path) -> list[str]:
    if said is None or said == "":
        return []
    listed = said if isinstance(said, list) else [said]
    if not all(isinstance(each, str) and "\0" not in each for each in listed):
        raise InputError(
            f"{path}: {split} is no path, nor a list of paths.",
            f"Write a folder or a list, as in '{split}: images/{split}'.",
        )
    return listed


def _names(said: Mapping[str, Any], path: Path, problems: list[Problem]) -> tuple[str, ...]:
    names = said.get("names")
    if isinstance(names, list):
        return tuple(map(_class_name, names))
    if isinstance(names, Mapping):
        by_number = {
            int(key): _class_name(name) for key, name in names.items() if _is_class_number(key)
        }
        if len(by_number) == len(names) and by_number and max(by_number) < _MOST_CLASSES:
            return tuple(by_number.get(at, f"class {at}") for at in range(max(by_number) + 1))
    if names is None and isinstance(said.get("nc"), int) and 0 < said["nc"] < _MOST_CLASSES:
        return tuple(f"class {at}" for at in range(said["nc"]))
    message = "The class names are unknown: 'names' is no list, and no map from numbers to names."
    problems.append(Problem("warning", "no-class-names", message, str(path)))
    return ()


_MOST_CLASSES = 100_000
_MOST_DIGITS = 9


def _class_name(said: Any) -> str:
    """A class's name; a list or map in its place, which may unfold to any length, is not read."""
    return "?" if isinstance(said, (list, dict, set, tuple)) else sound(said)


def _is_class_number(key: Any) -> bool:
    text = str(key) if isinstance(key, (int, str)) else ""
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def _name(made: Dataset, names: Names) -> None:
    made.names = names[0]
    made.problems += names[1]


def _names_within(folder: Path) -> Names:
    for base in (folder, folder / "labels", folder.parent):
        if (base / "classes.txt").is_file():
            return names_found(base / "classes.txt")
    names = sorted(folder.glob("*.names"))
    if len(names) == 1:
        return names_found(names[0])
    message = "The class names are unknown: there is no data.yaml and no classes.txt."
    return (), (Problem("warning", "no-class-names", message, str(folder)),)
