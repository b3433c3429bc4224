"""Pascal VOC: a folder of XML files, one per photo, with lists of photos for the splits.

VOC counts pixels from 1 and includes the last one; many tools that write its format count from 0. A file
does not say which, so that corners are read, and written back, as they are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headlab.boxes.classes import class_names, names_found
from headlab.boxes.formats.format import Likeness, Reading
from headlab.boxes.formats.voc.xml import Annotation, NotVoc, parse_annotation
from headlab.boxes.photos.search import bare_name, is_photo
from headlab.boxes.table import BoxTable, Problem, boxes_frame, encoding_problems, images_frame
from headlab.errors import InputError
from headlab.files.existing import is_folder
from headlab.files.opening import opened
from headlab.files.text import read_text, sound

_USUAL_SPLITS = ("train", "val", "valid", "test")
_THREADS = 4


@dataclass(frozen=True)
class _Entry:
    """One photo of the data set: its XML file, and where it is listed."""

    stem: str
    split: str | None
    file: str
    line: int | None


def recognise_voc(path: Path) -> Likeness:
    """Sure of a folder with XML files in `Annotations`; possible for one with XML files of its own.

    Raises:
        InputError: it is one of the XML files, not the data set.
    """
    if is_folder(path):
        if any((path / "Annotations").glob("*.xml")):
            return "sure"
        return "possible" if any(path.glob("*.xml")) else "no"
    if path.suffix.lower() == ".xml":
        raise InputError(f"{path}: one XML file.", f"Give its folder: {path.parent}.")
    return "no"


def read_voc(path: Path, how: Reading) -> BoxTable:
    """Read a folder with `Annotations`, or a folder of XML files.

    With `ImageSets/Main`, the photos in its lists train, val and test are read, or those in the list that
    `split` names; without it, all that have an XML file. The classes are numbered in the alphabetical order
    of those in all XML files, of whatever split, unless `names` or a `classes.txt` in the folder says
    otherwise.

    Raises:
        InputError: there is no XML file, a list cannot be read, or there is no such split.
    """
    folder = path / "Annotations" if (path / "Annotations").is_dir() else path
    stems = sorted(sound(file.stem) for file in folder.glob("*.xml"))
    if not stems:
        raise InputError(
            f"{folder}: no XML file was found.", "Give the folder of a Pascal VOC set."
        )
    problems: list[Problem] = []
    entries = _entries(path, folder, stems, how.split, problems)
    annotations = _annotations(folder, stems, problems)
    unsure: tuple[Problem, ...] = ()
    if how.names is not None:
        names, unsure = class_names(how.names)
    elif (path / "classes.txt").is_file():
        names, unsure = names_found(path / "classes.txt")
    else:
        found = {
            annotated.name
            for annotation in annotations.values()
            for annotated in annotation.objects
        }
        names = tuple(sorted(found))
    problems += unsure
    places = _photo_places(path, folder, how.images)
    return _table(folder, entries, annotations, names, places, problems)


def _entries(
    path: Path, folder: Path, stems: Sequence[str], split: str | None, problems: list[Problem]
) -> list[_Entry]:
    lists = _lists(path, split)
    if not lists:
        if split is not None:
            known = ", ".join(file.stem for file in _lists(path, None)) or "none"
            raise InputError(
                f"There is no split {split!r}: {path} has no ImageSets/Main/{split}.txt.",
                f"Known splits: {known}.",
            )
        return [_Entry(stem, None, str(folder / f"{stem}.xml"), None) for stem in stems]
    entries = _listed(lists, folder, set(stems), problems)
    if not entries:
        raise InputError(
            f"{lists[0]}: names no photo that has an XML file in {folder}.", "Check the list."
        )
    unlisted = sorted(set(stems) - {entry.stem for entry in entries})
    if unlisted and split is None:
        message = (
            f"{len(unlisted):,} XML files are in none of the lists {', '.join(file.name for file in lists)}, "
            f"such as {unlisted[0]}.xml: they were skipped."
        )
        problems.append(Problem("warning", "unlisted", message, str(folder)))
    return entries


def _listed(
    lists: Sequence[Path], folder: Path, known: set[str], problems: list[Problem]
) -> list[_Entry]:
    """The photos that the lists name and that have an XML file."""
    entries = []
    for file in lists:
        text = read_text(file)
        problems.extend(encoding_problems(text.remarks, file))
        for line, content in enumerate(text.lines, 1):
            words = content.split()
            # "NAME -1" in the list of a class means that the photo has no such object
            if not words or (len(words) == 2 and words[1] == "-1"):
                continue
            stem = content.strip() if content.strip() in known else words[0]
            if stem in known:
                entries.append(_Entry(stem, file.stem, str(file), line))
            else:
                message = f"There is no {folder / stem}.xml. The photo was skipped."
                problems.append(
                    Problem("error", "missing-annotation", message, str(file), line, stem)
                )
    return entries


def _lists(path: Path, split: str | None) -> list[Path]:
    """The lists of the splits; those of single classes (`cat_train.txt`) are left out."""
    sets = path / "ImageSets" / "Main"
    if split is not None:
        return [sets / f"{split}.txt"] if (sets / f"{split}.txt").is_file() else []
    usual = [sets / f"{name}.txt" for name in _USUAL_SPLITS]
    usual = [file for file in usual if file.is_file()]
    return usual or sorted(sets.glob("*.txt"))


def _annotations(
    folder: Path, stems: Sequence[str], problems: list[Problem]
) -> dict[str, Annotation]:
    """The annotations that can be read, by stem; the others become problems."""

    def read(stem: str) -> Annotation | Problem:
        file = f"{folder}{os.sep}{stem}.xml"
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
        outcomes = list(pool.map(read, stems))
    annotations = {}
    for stem, outcome in zip(stems, outcomes, strict=True):
        if isinstance(outcome, Problem):
            problems.append(outcome)
        else:
            annotations[stem] = outcome
    return annotations


def _table(
    folder: Path,
    entries: Sequence[_Entry],
    annotations: dict[str, Annotation],
    names: tuple[str, ...],
    places: dict[str, str],
    problems: list[Problem],
) -> BoxTable:
    numbers = {name: number for number, name in enumerate(names)}
    kept = [entry for entry in entries if entry.stem in annotations]
    ids, class_ids, corners, flags, files, lines, shown = [], [], [], [], [], [], []
    for image_id, entry in enumerate(kept):
        file = str(folder / f"{entry.stem}.xml")
        annotation = annotations[entry.stem]
        image = bare_name(annotation.filename) or entry.stem
        if not is_photo(image):
            image += ".jpg"
        shown.append(image)
        for line, reason in annotation.rejected:
            message = f"{reason} It was skipped."
            problems.append(Problem("error", "bad-box", message, file, line, image))
        for annotated in annotation.objects:
            name, line = annotated.name, annotated.line
            if name not in numbers:
                message = f"The class {name!r} is not among those given. The box was skipped."
                problems.append(Problem("error", "unknown-class", message, file, line, image))
                continue
            ids.append(image_id)
            class_ids.append(numbers[name])
            corners.append(annotated.corners_px)
            flags.append(annotated.difficult)
            files.append(file)
            lines.append(line)
    sizes = [annotations[entry.stem].size_wh_px or (None, None) for entry in kept]
    images = images_frame(
        shown,
        path=[_place(image, entry.stem, places) for image, entry in zip(shown, kept, strict=True)],
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


def _photo_places(path: Path, folder: Path, images: Path | None) -> dict[str, str]:
    """Photos by file name and by stem, and under "" the folder where they should be."""
    near = [path / "JPEGImages", path / "images", folder, folder.parent / "JPEGImages"]
    candidates = [images] if images is not None else [*near, folder.parent / "images"]
    for place in candidates:
        if place.is_dir():
            names = [name for name in map(sound, os.listdir(place)) if is_photo(name)]  # noqa: PTH208
            if names:
                stems = {Path(name).stem: str(place / name) for name in sorted(names)}
                return {"": str(place)} | stems | {name: str(place / name) for name in names}
    return {"": str(candidates[0])}


def _place(image: str, stem: str, places: dict[str, str]) -> str:
    return places.get(image) or places.get(stem) or str(Path(places[""]) / image)
