"""Which photos a YOLO data set has, in which splits, and where their label files are.

They are found as ultralytics finds them: the path of a label file has `labels` where the photo's path has
`images`, and without a folder `images` the label file is next to the photo.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from headlab.boxes.classes import NamesRead, class_names
from headlab.boxes.formats.format import Reading
from headlab.boxes.formats.yolo.labels import BEGINS_PLAIN
from headlab.boxes.formats.yolo.names import SPLIT_FOLDERS, is_name_file, names_within
from headlab.boxes.photos.search import PhotoFinder, files_in, is_photo
from headlab.boxes.table import Problem, encoding_problems
from headlab.files.existing import Spellings, exists, is_file, is_folder
from headlab.files.text import read_text

SPLITS = ("train", "val", "test")

_TRIED = 20
_FIRST_BYTES = 4096


@dataclass(frozen=True)
class Listed:
    """One photo of the data set.

    Attributes:
        image: its path as written; for a photo found in a folder, relative to the data set's root.
        path: where it is.
        labels: where its label file is.
        split: such as "train"; None if there are none.
        file: the list that names it, or the folder that it was found in.
        line: the line in that list, from 1; None for a folder.
    """

    image: str
    path: str
    labels: str
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
        keypoints: how many numbers of keypoints follow each box in the label files.
        same_splits: splits that are the same place as another, which was read.
        problems: what is wrong with the data set.
    """

    photos: list[Listed] = field(default_factory=list)
    names: tuple[str, ...] = ()
    names_source: str = ""
    keypoints: int = 0
    same_splits: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def take_names(self, names: NamesRead) -> None:
        """Take class names, with what is uncertain about them."""
        self.names = names.names
        self.names_source = names.source
        self.problems += names.problems

    def of_split(self, split: str | None) -> list[Listed]:
        """The photos of one split, or all of them."""
        if split is None:
            return self.photos
        read_as = self.same_splits.get(split, split)
        return [replace(photo, split=split) for photo in self.photos if photo.split == read_as]


def label_path(image: str) -> str:
    """Where the labels of a photo are: its path with the last folder `images` replaced by `labels`.

    Invariant: the same as ultralytics' `img2label_paths`; see the test.
    """
    images, labels = f"{os.sep}images{os.sep}", f"{os.sep}labels{os.sep}"
    rooted = image if image.startswith(os.sep) else os.sep + image  # "images/a.jpg" counts, too
    path = labels.join(rooted.rsplit(images, 1)).rsplit(".", 1)[0] + ".txt"
    return path if rooted is image else path[len(os.sep) :]


def labels_of(photo: str) -> str:
    """Where the labels of a photo are: see `label_path`.

    For photos in Pascal VOC's folder, the label files in `labels` that darknet reads will do, too.
    """
    labels = label_path(photo)
    before, voc, name = photo.rpartition(f"{os.sep}JPEGImages{os.sep}")
    if voc and not is_file(labels):
        darknets = label_path(f"{before}{os.sep}images{os.sep}{name}")
        return darknets if is_file(darknets) else labels
    return labels


def from_folder(folder: Path, how: Reading) -> Dataset:
    """The data set in a folder: all photos in it, with label files in `labels` or next to them.

    A folder of label files alone will do, too. Splits are the folders within `images`, or those that
    `images` is in, or, where label files are next to photos, folders with the usual names of splits.
    """
    dataset = Dataset()
    if how.names is None:
        dataset.take_names(names_within(folder, how.encoding))
    else:
        dataset.take_names(class_names(how.names, how.encoding))
    for home, named_split in _homes(folder):
        for path in photos_in(home):
            within = os.path.relpath(path, home).replace(os.sep, "/")
            split = named_split
            if home == folder / "images" and "/" in within:
                split = within.split("/", 1)[0]
            shown = os.path.relpath(path, folder).replace(os.sep, "/")
            dataset.photos.append(Listed(shown, path, labels_of(path), split, str(home)))
    return dataset


def from_list(path: Path, how: Reading) -> Dataset:
    """The data set of a text file that lists photos, one path per line.

    Raises:
        InputError: it cannot be read.
    """
    dataset = Dataset()
    if how.names is None:
        own = path.with_name(f"{path.stem}_classes.txt")
        dataset.take_names(names_within(path.parent, how.encoding, [own]))
    else:
        dataset.take_names(class_names(how.names, how.encoding))
    add_list(dataset, path, how.split, how)
    return dataset


def add_folder(dataset: Dataset, place: Path, split: str, root: Path) -> None:
    """Add the photos in a folder."""
    for path in photos_in(place):
        within = os.path.relpath(path, root).replace(os.sep, "/")
        dataset.photos.append(Listed(within, path, labels_of(path), split, str(place)))


def add_list(dataset: Dataset, path: Path, split: str | None, how: Reading) -> None:
    """Add the photos that a text file lists.

    Raises:
        InputError: it cannot be read.
    """
    text = read_text(path, how.encoding)
    dataset.problems += encoding_problems(text.remarks, path)
    named = [(line, content.strip()) for line, content in enumerate(text.lines, 1)]
    named = [(line, name) for line, name in named if name]
    places = _Places(path.parent, [name for _, name in named])
    for line, name in named:
        photo = places(name)
        dataset.photos.append(Listed(name, photo, labels_of(photo), split, str(path), line))
    if places.moved:
        message = f"The photos are not where the list says: {places.moved}."
        dataset.problems.append(Problem("warning", "moved-photos", message, str(path)))


def with_photos_of(dataset: Dataset, images: Path) -> None:
    """Take the photos from the folder that the user named; label files stay where they were."""
    finder = PhotoFinder(images)
    for at, photo in enumerate(dataset.photos):
        found = finder.find(photo.image)
        if found is None:
            continue
        labels = photo.labels if is_file(photo.labels) else label_path(found)
        dataset.photos[at] = replace(photo, path=found, labels=labels)


def listed_places(path: Path, names: list[str]) -> list[str]:
    """Where the photos are that a list names; where they should be, if they are nowhere."""
    return list(map(_Places(path.parent, names), names))


def photos_in(folder: Path) -> list[str]:
    """The photos in a folder and its subfolders, sorted by path.

    If there are none, those that the label files there, or in its `labels`, belong to, whether they exist or
    not, so that labels without photos can be read.
    """
    files = list(files_in(folder))
    photos = [path for path in files if is_photo(path)]
    if photos:
        return sorted(photos)
    own = label_path(f"{folder}{os.sep}any.jpg").removesuffix(f"{os.sep}any.txt")
    labels = [path for path in files if is_label_file(path)]
    if own != str(folder):
        labels += [path for path in files_in(own) if is_label_file(path)]
    return sorted(map(_PhotosOfLabels(), labels))


def is_label_file(path: str) -> bool:
    """Whether a text file has boxes, judging by its name and its first line; an empty one may."""
    name = os.path.basename(path)  # noqa: PTH119
    if not name.endswith(".txt") or is_name_file(name):
        return False
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - several times as fast as Path's
            start = file.read(_FIRST_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return False
    lines = [line for line in start.splitlines() if line.strip()]
    return not lines or bool(re.match(BEGINS_PLAIN, lines[0]))


class _PhotosOfLabels:
    """Finds the photo of a label file: in `images` instead of `labels`, or next to it."""

    def __init__(self) -> None:
        self._stems: dict[str, dict[str, str]] = {}

    def __call__(self, labels: str) -> str:
        """Its path; one that ends in .jpg where there is none."""
        before, between, after = f"{os.sep}{labels}".rpartition(f"{os.sep}labels{os.sep}")
        photo = f"{before}{os.sep}images{os.sep}{after}"[1:] if between else labels
        folder, name = os.path.split(photo)
        stem = name.removesuffix(".txt")
        if folder not in self._stems:
            names = filter(is_photo, os.listdir(folder) if is_folder(folder) else [])  # noqa: PTH208
            self._stems[folder] = {os.path.splitext(photo)[0]: photo for photo in names}  # noqa: PTH122
        return os.path.join(folder, self._stems[folder].get(stem, f"{stem}.jpg"))  # noqa: PTH118


class _Places:
    """Finds the photos of a list: from its folder, from the working directory, or moved.

    A list may come from another machine, or from where darknet was started: its paths are then looked for
    without their first folders. Which of these fits is learned from a sample.
    """

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._folder = folder
        self._spelled = Spellings()
        self.moved = ""
        self._dropped: list[int] = []
        for name in names[:: max(1, len(names) // _TRIED)][:_TRIED]:
            if self._leads_to_photo(self._first(name)):
                continue
            for dropped in range(len(_parts(name))):
                if dropped not in self._dropped and self._leads_to_photo(
                    self._within(name, dropped)
                ):
                    self._dropped.append(dropped)
                    break

    def __call__(self, name: str) -> str:
        """Where the photo is; where it should be, if it is nowhere."""
        first = self._first(name)
        if not self._dropped or self._leads_to_photo(first):
            return first
        for dropped in self._dropped:
            place = self._within(name, dropped)
            if self._leads_to_photo(place):
                self.moved = self.moved or f"{name} was found at {place}"
                return place
        return first

    def _first(self, name: str) -> str:
        relative = name.removeprefix("./")
        photo = self._spelled(str(self._folder / relative))
        if not exists(photo) and exists(relative):
            return str(Path(relative))
        return photo

    def _leads_to_photo(self, path: str) -> bool:
        """Whether a photo exists, or at least its labels."""
        return is_file(path) or is_file(self._spelled(label_path(path)))

    def _within(self, name: str, dropped: int) -> str:
        return self._spelled(str(self._folder.joinpath(*_parts(name)[dropped:])))


def _parts(name: str) -> list[str]:
    """The folders and the file of a path with slashes or backslashes, without a drive or a root."""
    parts = re.sub(r"^[A-Za-z]:", "", name.replace("\\", "/")).split("/")
    return [part for part in parts if part not in ("", ".")]


def _homes(folder: Path) -> list[tuple[Path, str | None]]:
    """The folders with the photos of a data set, and their splits."""
    if _has_either(folder):
        return [(folder / "images", None)]
    inner = [(folder / name, split) for name, split in SPLIT_FOLDERS.items()]
    homes: list[tuple[Path, str | None]] = [
        (home / "images", split) for home, split in inner if _has_either(home)
    ]
    return homes or [(home, split) for home, split in inner if home.is_dir()] or [(folder, None)]


def _has_either(folder: Path) -> bool:
    return (folder / "images").is_dir() or (folder / "labels").is_dir()
