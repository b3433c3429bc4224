"""What speaks for a file or folder being a YOLO data set."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from headlab.boxes.formats.format import ENOUGH, SURE, Evidence
from headlab.boxes.formats.yolo.dataset import is_label_file, label_path, labels_of, listed_places
from headlab.boxes.formats.yolo.description import description_in, is_darknet_data, is_yaml
from headlab.boxes.formats.yolo.labels import PLAIN
from headlab.boxes.photos.search import files_in, is_photo
from headlab.errors import InputError
from headlab.files.existing import Spellings, is_file, is_folder
from headlab.files.text import first_lines
from headlab.plain_text import counted

_LINES_LOOKED_AT = 200
_FILES_LOOKED_AT = 5000
_PHOTOS_LOOKED_AT = 200


def recognise_yolo(path: Path) -> Evidence:
    """Score a description by its name, and photos by the share of them that have label files.

    Raises:
        InputError: it is the label file of one photo, not the data set.
    """
    if is_folder(path):
        return _folder(path)
    if is_yaml(path):
        return Evidence(SURE, "a YAML file")
    if path.suffix.lower() in (".json", ".xml"):
        return _NOTHING
    lines = [line.strip() for line in first_lines(path)[:_LINES_LOOKED_AT] if line.strip()]
    if lines and all(re.match(PLAIN, line) for line in lines):
        raise InputError(
            f"{path}: the labels of one photo.",
            "Give the data.yaml of the data set, or the folder with the photos and their label files.",
        )
    if is_darknet_data(path):
        return Evidence(SURE, "lines such as 'train = data/train.txt'")
    return _list(path, lines)


def _folder(path: Path) -> Evidence:
    described = description_in(path)
    if described is not None:
        return Evidence(SURE, described.name)
    files = list(islice(files_in(path), _FILES_LOOKED_AT))
    photos = [file for file in files if is_photo(file)]
    if not photos:
        labels = list(filter(is_label_file, files))
        if labels:
            return Evidence(_score(len(labels), len(files)), counted(len(labels), "label file"))
        return Evidence(0, "no data.yaml, no photo and no label file")
    spelled = Spellings()
    sample = photos[:: max(1, len(photos) // _PHOTOS_LOOKED_AT)]
    expected = [spelled(labels_of(photo)) for photo in sample]
    labelled = [at for at, labels_file in enumerate(expected) if is_file(labels_file)]
    if not labelled:
        reason = f"{counted(len(photos), 'photo')}, but no label file such as {expected[0]}"
        elsewhere = next(filter(is_label_file, files), None)
        if elsewhere is not None:
            reason += (
                f"; there is {elsewhere}: give its folder, and that of the photos with --images"
            )
        return Evidence(0, reason)
    first = labelled[0]
    is_next = Path(expected[first]).parent == Path(sample[first]).parent
    reason = (
        f"{len(labelled):,} of {counted(len(sample), 'photo')} that were looked at have label files "
        f"{'next to them' if is_next else 'in labels'}"
    )
    return Evidence(_score(len(labelled), len(sample)), reason)


def _list(path: Path, lines: list[str]) -> Evidence:
    """A list of photos, judged by how many of them, or of their label files, exist."""
    photos = [line for line in lines if is_photo(line)]
    if not photos or len(photos) < len(lines):
        return _NOTHING
    spelled = Spellings()
    places = listed_places(path, photos)
    labelled = sum(is_file(spelled(labels_of(place))) for place in places)
    if not labelled:
        return Evidence(0, f"a list of photos, but no label file such as {label_path(photos[0])}")
    return Evidence(_score(labelled, len(photos)), "a list of photos that have label files")


def _score(count: int, of: int) -> float:
    return ENOUGH + (SURE - ENOUGH) * 0.9 * count / of


_NOTHING = Evidence(0, "no data.yaml, and no list of photos")
