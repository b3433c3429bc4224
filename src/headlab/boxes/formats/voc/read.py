"""Pascal VOC: a folder of XML files, one per photo, with lists of photos for the splits.

VOC counts pixels from 1 and includes the last one; many tools that write its format count from 0. The
file does not say which, so that corners are read, and written back, as they are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headlab.boxes.classes import Classes, class_names, names_found
from headlab.boxes.formats.voc.xml import Annotation, NotVoc, parse_annotation
from headlab.boxes.formats.yolo.dataset import is_photo
from headlab.boxes.photos.search import bare_name
from headlab.boxes.table import BoxTable, Problem, boxes_frame, encoding_problems, images_frame
from headlab.errors import InputError
from headlab.files.text import read_text, sound

_USUAL_SPLITS = ("train", "val", "valid", "test")
_THREADS = 4


@dataclass(frozen=True)
class _Entry:
    """One photo of the data set: its XML file and where it is listed."""

    stem: str
    split: str | None
    file: str
    line: int | None


def read_voc(
    path: Path,
    *,
    classes: Classes | None = None,
    images: Path | None = None,
    split: str | None = None,
) -> BoxTable:
    """Read a folder with `Annotations`, or a folder of XML files.

    With `ImageSets/Main` the photos of its lists train, val and test are read, or of the list that
    `split` names; without it all that have an XML file. The classes are numbered in alphabetical order of
    all XML files, of whatever split, unless `classes` or a `classes.txt` in the folder says otherwise.

    Raises:
        InputError: there is no XML file, a list cannot be read, or there is no such split.
    """
    folder = path / "Annotations" if (path / "Annotations").is_dir() else path
    stems = sorted(sound(each.stem) for each in folder.glob("*.xml"))
    if not stems:
        raise InputError(
            f"{folder}: no XML file was found.", "Give the folder of a Pascal VOC set."
        )
    problems: list[Problem] = []
    entries = _entries(path, folder, stems, split, problems)
    annotations = _annotations(folder, stems, problems)
    names: tuple[str, ...] = ()
    if classes is not None:
        names, name_problems = class_names(classes)
        problems += name_problems
    elif (path / "classes.txt").is_file():
        names, name_problems = names_found(path / "classes.txt")
        problems += name_problems
    else:
        names = tuple(sorted({each.name for one in annotations.values() for each in one.objects}))
    places = _photo_places(path, folder, images)
    return _table(folder, entries, annotations, names, places, problems)


def _entries(
    path: Path, folder: Path, stems: Sequence[str], split: str | None, problems: list[Problem]
) -> list[_Entry]:
    lists = _lists(path, split)
    if not lists:
        if split is not None:
            known = ", ".join(each.stem for each in _lists(path, None)) or "none"
            raise InputError(
                f"There is no split {split!r}: {path} has no ImageSets/Main/{split}.txt.",
                f"Known splits: {known}.",
            )
        return [_Entry(stem, None, str(folder / f"{stem}.xml"), None) for stem in stems]
    found = _listed(lists, folder, set(stems), problems)
    if not found:
        raise InputError(
            f"{lists[0]}: names no photo that has an XML file in {folder}.", "Check the list."
        )
    unlisted = sorted(set(stems) - {each.stem for each in found})
    if unlisted and split is None:
        message = (
            f"{len(unlisted):,} XML files are in none of the lists {', '.join(each.name for each in lists)}, "
            f"such as {unlisted[0]}.xml: they were skipped."
        )
        problems.append(Problem("warning", "unlisted", message, str(folder)))
    return found


def _listed(
    lists: Sequence[Path], folder: Path, known: set[str], problems: list[Problem]
) -> list[_Entry]:
    """The photos that the lists name and that have an XML file."""
    found = []
    for file in lists:
        text = read_text(file)
        problems.extend(encoding_problems(text.remarks, file))
        for line, said in enumerate(text.lines, 1):
            words = said.split()
            # "NAME -1" in a class's list means that the photo has no such object
            if not words or (len(words) == 2 and words[1] == "-1"):
                continue
            stem = said.strip() if said.strip() in known else words[0]
            if stem in known:
                found.append(_Entry(stem, file.stem, str(file), line))
            else:
                message = f"There is no {folder / stem}.xml. The photo was skipped."
                problems.append(
                    Problem("error", "missing-annotation", message, str(file), line, stem)
                )
    return found


def _lists(path: Path, split: str | None) -> list[Path]:
    """The lists of the splits; those of single classes (`cat_train.txt`) are left out."""
    sets = path / "ImageSets" / "Main"
    if split is not None:
        return [sets / f"{split}.txt"] if (sets / f"{split}.txt").is_file() else []
    usual = [sets / f"{name}.txt" for name in _USUAL_SPLITS]
    usual = [each for each in usual if each.is_file()]
    return usual or sorted(sets.glob("*.txt"))


def _annotations(
    folder: Path, stems: Sequence[str], problems: list[Problem]
) -> dict[str, Annotation]:
    """The annotations that can be read; the others become problems."""

    def read(stem: str) -> Annotation | Problem:
        file = f"{folder}{os.sep}{stem}.xml"
        try:
            # Not with headlab.files.text: XML says its own encoding, and this is faster than Path's open.
            with open(file, "rb", buffering=0) as opened:  # noqa: PTH123
                return parse_annotation(opened.read())
        except NotVoc as error:
            message = f"The file was skipped: {error.reason}."
            return Problem("error", "bad-file", message, file, error.line)
        except OSError as error:
            message = f"The file was skipped: it cannot be read: {error.strerror or error}."
            return Problem("error", "bad-file", message, file)

    with ThreadPoolExecutor(_THREADS) as pool:
        read_all = list(pool.map(read, stems))
    found = {}
    for stem, each in zip(stems, read_all, strict=True):
        if isinstance(each, Problem):
            problems.append(each)
        else:
            found[stem] = each
    return found


def _table(
    folder: Path,
    entries: Sequence[_Entry],
    annotations: dict[str, Annotation],
    names: tuple[str, ...],
    places: dict[str, str],
    problems: list[Problem],
) -> BoxTable:
    numbers = {name: at for at, name in enumerate(names)}
    kept = [each for each in entries if each.stem in annotations]
    ids, class_ids, corners, flags, files, lines, shown = [], [], [], [], [], [], []
    for at, entry in enumerate(kept):
        file = str(folder / f"{entry.stem}.xml")
        annotation = annotations[entry.stem]
        image = bare_name(annotation.filename) or entry.stem
        if not is_photo(image):
            image += ".jpg"
        shown.append(image)
        for line, reason in annotation.rejected:
            message = f"{reason} It was skipped."
            problems.append(Problem("error", "bad-box", message, file, line, image))
        for each in annotation.objects:
            if each.name not in numbers:
                message = f"The class {each.name!r} is not among those given. The box was skipped."
                problems.append(Problem("error", "unknown-class", message, file, each.line, image))
                continue
            ids.append(at)
            class_ids.append(numbers[each.name])
            corners.append(each.corners_px)
            flags.append(each.difficult)
            files.append(file)
            lines.append(each.line)
    sizes = [annotations[each.stem].size_px or (None, None) for each in kept]
    images = images_frame(
        shown,
        path=[_place(image, entry.stem, places) for image, entry in zip(shown, kept, strict=True)],
        width_px=[width for width, _ in sizes],
        height_px=[height for _, height in sizes],
        split=[each.split for each in kept],
        file=[each.file for each in kept],
        line=[each.line for each in kept],
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
