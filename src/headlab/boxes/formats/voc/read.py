"""Pascal VOC: a folder of XML files, one per photo, with lists of photos for the splits.

VOC counts pixels from 1 and includes the last one; many tools that write its format count from 0. A file
does not say which, so that corners are read, and written back, as they are.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from headlab.boxes.classes import NamesRead, class_names, names_found
from headlab.boxes.formats.format import SURE, Evidence, Reading
from headlab.boxes.formats.voc.lists import SplitList, split_lists, split_names
from headlab.boxes.formats.voc.photos import VocPhoto, VocPhotos
from headlab.boxes.formats.voc.xml import Annotation, NotVoc, parse_annotation
from headlab.boxes.table import (
    ASSUMED,
    STALE_FILENAME,
    BoxTable,
    Problem,
    boxes_frame,
    images_frame,
)
from headlab.errors import InputError
from headlab.files.existing import is_file, is_folder
from headlab.files.opening import opened
from headlab.files.text import sound
from headlab.plain_text import composed

_THREADS = 4
_XML_FILES = 0.6
"""How much XML files speak for Pascal VOC where they lie next to anything else."""
_SPLIT_FOLDERS = ("train", "val", "valid", "test")


@dataclass(frozen=True)
class _Home:
    """A folder of XML files, and where the photos of these are.

    Attributes:
        path: the folder that was named, or one of its split folders.
        folder: the XML files are in it.
        split: the split that it is; None where lists say that, or nothing does.
        stems: the names of the XML files, without their suffix.
    """

    path: Path
    folder: Path
    split: str | None
    stems: tuple[str, ...]

    def file(self, stem: str) -> str:
        return f"{self.folder}{os.sep}{stem}.xml"


@dataclass(frozen=True)
class _Entry:
    """One photo of the data set: its XML file, and where it is listed."""

    home: _Home
    stem: str
    split: str | None
    file: str
    line: int | None

    @property
    def xml(self) -> str:
        return self.home.file(self.stem)


def recognise_voc(path: Path) -> Evidence:
    """Sure of a folder with XML files in `Annotations`; possible for one with XML files of its own.

    Raises:
        InputError: it is one of the XML files, not the data set.
    """
    if is_folder(path):
        folders = _xml_folders(path)
        inner = [folder for _, home, folder in folders if folder != home]
        if inner:
            return Evidence(SURE, f"XML files in {inner[0].relative_to(path)}")
        if folders:
            return Evidence(_XML_FILES, "XML files")
        return Evidence(0, "no XML files, in Annotations or in the folder itself")
    if path.suffix.lower() == ".xml":
        raise InputError(f"{path}: one XML file.", f"Give its folder: {path.parent}.")
    return Evidence(0, "no folder with XML files")


def read_voc(path: Path, how: Reading) -> BoxTable:
    """Read a folder with `Annotations`, a folder of XML files, or one with such a folder for each split.

    With `ImageSets/Main`, the photos in its lists train, val and test are read, or those in the list that
    `split` names; without it, all that have an XML file. The classes are numbered in the alphabetical order
    of those in all XML files, of whatever split, unless `names` or a `classes.txt` in the folder says
    otherwise.

    An XML file belongs to the photo of its own name, or, if there is none, to the one that it names.

    Raises:
        InputError: there is no XML file, a list cannot be read, or there is no such split.
    """
    homes = [
        _Home(home, folder, split, tuple(sorted(sound(file.stem) for file in folder.glob("*.xml"))))
        for split, home, folder in _xml_folders(path)
    ]
    if not homes:
        raise InputError(f"{path}: no XML file was found.", "Give the folder of a Pascal VOC set.")
    problems: list[Problem] = []
    entries = _entries(path, homes, how.split, problems)
    annotations = _annotations([home.file(stem) for home in homes for stem in home.stems], problems)
    if how.names is not None:
        names = class_names(how.names, how.encoding)
    elif (path / "classes.txt").is_file():
        names = names_found(path / "classes.txt", how.encoding)
    else:
        found: dict[str, str] = {}
        for annotation in annotations.values():
            for annotated in annotation.objects:
                found.setdefault(composed(annotated.name), annotated.name)
        listed = tuple(sorted(found.values()))
        names = NamesRead(listed, (), "the XML files, in alphabetical order")
    problems += names.problems
    photos = {
        home.folder: VocPhotos(home.path, home.folder, how.images, home.stems) for home in homes
    }
    table = _table(entries, annotations, names.names, photos, problems)
    return replace(table, names_source=names.source)


def _xml_folders(path: Path) -> list[tuple[str | None, Path, Path]]:
    """Split, folder of the split, and folder with its XML files; the split is None for the folder itself."""
    whole = _with_xml(path)
    if whole is not None:
        return [(None, path, whole)]
    split_folders = ((split, path / split) for split in _SPLIT_FOLDERS)
    found = ((split, home, _with_xml(home)) for split, home in split_folders if is_folder(home))
    return [(split, home, folder) for split, home, folder in found if folder is not None]


def _with_xml(home: Path) -> Path | None:
    """The folder `Annotations`, in capitals or not, or else the folder itself, whichever has XML files."""
    near = [home / name for name in _names_in(home) if name.casefold() == "annotations"]
    return next((folder for folder in (*near, home) if any(folder.glob("*.xml"))), None)


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return []


def _entries(
    path: Path, homes: Sequence[_Home], split: str | None, problems: list[Problem]
) -> list[_Entry]:
    if homes[0].split is not None:
        chosen = [home for home in homes if split in (None, home.split)]
        if not chosen:
            known = ", ".join(home.split or "" for home in homes)
            raise InputError(f"There is no split {split!r}: {path}/{split}.", f"Known: {known}.")
        return [
            _Entry(home, stem, home.split, home.file(stem), None)
            for home in chosen
            for stem in home.stems
        ]
    (home,) = homes
    lists = split_lists(path / "ImageSets" / "Main", split, set(home.stems), problems)
    if not lists:
        if split is not None:
            known = ", ".join(split_names(path / "ImageSets" / "Main", set(home.stems))) or "none"
            raise InputError(
                f"There is no split {split!r}: {path} has no ImageSets/Main/{split}.txt.",
                f"Known splits: {known}.",
            )
        return [_Entry(home, stem, None, home.file(stem), None) for stem in home.stems]
    entries = _listed(lists, home, problems)
    if not entries:
        raise InputError(
            f"{lists[0].file}: names no photo that has an XML file in {home.folder}.",
            "Check the list.",
        )
    unlisted = sorted(set(home.stems) - {entry.stem for entry in entries})
    if unlisted and split is None:
        files = ", ".join(dict.fromkeys(listed.file.name for listed in lists))
        message = (
            f"{len(unlisted):,} XML files are in none of the lists {files}, "
            f"such as {unlisted[0]}.xml: they were skipped."
        )
        problems.append(Problem("warning", "unlisted", message, str(home.folder)))
    return entries


def _listed(lists: Sequence[SplitList], home: _Home, problems: list[Problem]) -> list[_Entry]:
    """The photos that the lists name and that have an XML file."""
    entries, known = [], set(home.stems)
    for listed in lists:
        for line, stem in listed.stems:
            if stem in known:
                entries.append(_Entry(home, stem, listed.split, str(listed.file), line))
            else:
                message = f"There is no {home.file(stem)}. The photo was skipped."
                problems.append(
                    Problem("error", "missing-annotation", message, str(listed.file), line, stem)
                )
    return entries


def _annotations(files: Sequence[str], problems: list[Problem]) -> dict[str, Annotation]:
    """The annotations that can be read, by file; the others become problems."""

    def read(file: str) -> Annotation | Problem:
        try:
            # Not with headlab.files.text: XML says its own encoding, and this is faster than Path's open.
            with opened(file) as xml:
                return parse_annotation(xml.read())
        except NotVoc as error:
            message = f"The file was skipped: {error.reason}."
            return Problem("error", "bad-file", message, file, error.line)
        except OSError as error:
            message = f"The file was skipped: it cannot be read: {error.strerror or error}."
            return Problem("error", "bad-file", message, file)

    with ThreadPoolExecutor(_THREADS) as pool:
        outcomes = list(pool.map(read, files))
    annotations = {}
    for file, outcome in zip(files, outcomes, strict=True):
        if isinstance(outcome, Problem):
            problems.append(outcome)
        else:
            annotations[file] = outcome
    return annotations


def _table(
    entries: Sequence[_Entry],
    annotations: dict[str, Annotation],
    names: tuple[str, ...],
    photos: dict[Path, VocPhotos],
    problems: list[Problem],
) -> BoxTable:
    numbers = {composed(name): number for number, name in enumerate(names)}
    kept = [entry for entry in entries if entry.xml in annotations]
    ids, class_ids, corners, flags, files, lines, shown, places = [], [], [], [], [], [], [], []
    told: set[str] = set()
    chosen = _photos(kept, annotations, photos)
    for image_id, entry in enumerate(kept):
        file = entry.xml
        annotation = annotations[file]
        photo = chosen[file]
        image = photo.name
        shown.append(image)
        places.append(photo.path)
        first_time = file not in told
        told.add(file)
        if first_time:
            problems += _told(annotation, photo, file)
        for annotated in annotation.objects:
            name, line = annotated.name, annotated.line
            if composed(name) not in numbers:
                message = f"The class {name!r} is not among those given. The box was skipped."
                if first_time:
                    problem = Problem("error", "unknown-class", message, file, line, image)
                    problems.append(problem)
                continue
            ids.append(image_id)
            class_ids.append(numbers[composed(name)])
            corners.append(annotated.corners_px)
            flags.append(annotated.difficult)
            files.append(file)
            lines.append(line)
    sizes = [annotations[entry.xml].size_wh_px or (None, None) for entry in kept]
    images = images_frame(
        shown,
        path=places,
        width_px=[width for width, _ in sizes],
        height_px=[height for _, height in sizes],
        split=[entry.split for entry in kept],
        file=[entry.file for entry in kept],
        line=[entry.line for entry in kept],
    )
    boxes = boxes_frame(
        ids,
        class_ids,
        np.array(corners, dtype=np.float64).reshape(-1, 4),
        images,
        file=files,
        line=lines,
        difficult=flags,
    )
    return BoxTable(boxes, images, names, tuple(problems), "voc")


def _photos(
    entries: Sequence[_Entry],
    annotations: dict[str, Annotation],
    photos: dict[Path, VocPhotos],
) -> dict[str, VocPhoto]:
    """The photo of each XML file, by the file.

    A name that several files give and that no photo has came from a template: then each has its own.
    """
    chosen, homes = {}, {}
    for entry in entries:
        near = photos[entry.home.folder]
        chosen[entry.xml] = near.of(entry.stem, annotations[entry.xml].filename)
        homes[entry.xml] = near, entry.stem
    shared = Counter(photo.path for photo in chosen.values())
    for file, photo in chosen.items():
        if shared[photo.path] > 1 and not is_file(photo.path):
            near, stem = homes[file]
            chosen[file] = near.missing(stem, photo.remark)
    return chosen


def _told(annotation: Annotation, photo: VocPhoto, file: str) -> Iterator[Problem]:
    """What is wrong with an XML file, and what was assumed about it."""
    if photo.remark:
        yield Problem("warning", STALE_FILENAME, photo.remark, file, None, photo.name)
    for line, reason in annotation.rejected:
        yield Problem("error", "bad-box", f"{reason} It was skipped.", file, line, photo.name)
    for line, text in annotation.assumed:
        yield Problem("warning", ASSUMED, text, file, line, photo.name)
