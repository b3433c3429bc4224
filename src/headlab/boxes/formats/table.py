"""The annotation formats that headlab reads and writes: one row each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from headlab.boxes.formats.coco.read import read_coco, recognise_coco
from headlab.boxes.formats.coco.write import write_coco, write_coco_folder
from headlab.boxes.formats.csv.read import read_csv, recognise_csv
from headlab.boxes.formats.csv.write import write_csv, write_csv_folder
from headlab.boxes.formats.format import ENOUGH, FORMAT_NAMES, FORMAT_TITLES, Evidence, Format
from headlab.boxes.formats.keras_yolo3.read import read_keras, recognise_keras
from headlab.boxes.formats.keras_yolo3.write import write_keras, write_keras_folder
from headlab.boxes.formats.voc.read import read_voc, recognise_voc
from headlab.boxes.formats.voc.write import write_voc
from headlab.boxes.formats.yolo.read import read_yolo
from headlab.boxes.formats.yolo.recognise import recognise_yolo
from headlab.boxes.formats.yolo.write import write_yolo
from headlab.boxes.photos.search import is_photo
from headlab.errors import InputError, UnknownName
from headlab.files.existing import is_file, is_folder, nothing_at
from headlab.files.text import SMALL_BYTES, read_bytes

FORMATS = (
    Format(
        name="keras",
        looks_like="a text file of keras-yolo3",
        recognise=recognise_keras,
        read=read_keras,
        write_folder=write_keras_folder,
        write_file=write_keras,
        file_suffix=".txt",
    ),
    Format(
        name="voc",
        looks_like="a Pascal VOC folder with Annotations/",
        recognise=recognise_voc,
        read=read_voc,
        write_folder=write_voc,
    ),
    Format(
        name="yolo",
        looks_like="a YOLO data.yaml, folder of photos and label files, or list of photos",
        recognise=recognise_yolo,
        read=read_yolo,
        write_folder=write_yolo,
        boxes_are_shares=True,
    ),
    Format(
        name="coco",
        looks_like="a COCO JSON file",
        recognise=recognise_coco,
        read=read_coco,
        write_folder=write_coco_folder,
        write_file=write_coco,
        file_suffix=".json",
    ),
    Format(
        name="csv",
        looks_like="a CSV file with a row per box",
        recognise=recognise_csv,
        read=read_csv,
        write_folder=write_csv_folder,
        write_file=write_csv,
        file_suffix=".csv",
    ),
)
"""In the order in which they are asked whether they recognise a file or folder; of equals the first wins."""


@dataclass(frozen=True)
class Recognised:
    """The format of a file or folder, and why."""

    format: Format
    evidence: Evidence


def format_named(name: str) -> Format:
    """The format of a name.

    Raises:
        UnknownName: there is none.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    raise UnknownName("annotation format", name, FORMAT_NAMES)


def recognised(path: Path) -> Recognised:
    """The format that most speaks for.

    Raises:
        InputError: there is no such file or folder, or too little speaks for any format; the message says
            what was looked for.
    """
    if not is_file(path) and not is_folder(path):
        raise nothing_at(path)
    if is_photo(path.name) and is_file(path):
        raise InputError(
            f"{path} is a photo, not annotations.",
            "Give the file or folder that says which boxes are on it: " + _LOOKED_FOR,
        )
    candidates = [Recognised(known, known.recognise(path)) for known in FORMATS]
    best = max(candidates, key=lambda candidate: candidate.evidence.score)
    if best.evidence.score < ENOUGH:
        if is_file(path) and _is_blank(path):
            raise InputError(f"{path}: the file is empty.", _LOOKED_FOR)
        reasons = "; ".join(
            f"{FORMAT_TITLES[candidate.format.name]}: {candidate.evidence.reason}"
            for candidate in candidates
        )
        raise InputError(
            f"{path}: not recognised as annotations. {reasons}.",
            f"{_LOOKED_FOR} If it is one of them, name it with --format.",
        )
    rivals = [
        f"{FORMAT_TITLES[other.format.name]} ({other.evidence.reason}; --format {other.format.name})"
        for other in candidates
        if other is not best and other.evidence.score > ENOUGH
    ]
    if rivals:
        reason = f"{best.evidence.reason}, though it looks like {' and '.join(rivals)}, too"
        best = replace(best, evidence=replace(best.evidence, reason=reason))
    return best


def _is_blank(path: Path) -> bool:
    """Whether a file is empty, apart from line ends and spaces."""
    return path.stat().st_size <= SMALL_BYTES and not read_bytes(path).strip()


*_others, _last = (known.looks_like for known in FORMATS)
_LOOKED_FOR = f"Annotations are {', '.join(_others)}, or {_last}."
