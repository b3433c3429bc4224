"""The annotation formats that headlab reads and writes: one row each."""

from __future__ import annotations

from pathlib import Path

from headlab.boxes.formats.coco.read import read_coco, recognise_coco
from headlab.boxes.formats.coco.write import write_coco, write_coco_folder
from headlab.boxes.formats.csv.read import read_csv, recognise_csv
from headlab.boxes.formats.csv.write import write_csv, write_csv_folder
from headlab.boxes.formats.format import FORMAT_NAMES, Format
from headlab.boxes.formats.keras_yolo3.read import read_keras, recognise_keras
from headlab.boxes.formats.keras_yolo3.write import write_keras, write_keras_folder
from headlab.boxes.formats.voc.read import read_voc, recognise_voc
from headlab.boxes.formats.voc.write import write_voc
from headlab.boxes.formats.yolo.read import read_yolo, recognise_yolo
from headlab.boxes.formats.yolo.write import write_yolo
from headlab.errors import InputError, UnknownName
from headlab.files.existing import is_file, is_folder

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
        looks_like="a YOLO data.yaml, folder with images/ and labels/, or list of photos",
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
"""In the order in which they are asked whether they recognise a file or folder."""


def format_named(name: str) -> Format:
    """The format of a name.

    Raises:
        UnknownName: there is none.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    raise UnknownName("annotation format", name, FORMAT_NAMES)


def recognised(path: Path) -> Format:
    """The format of a file or folder: the first that is sure, else the first that is possible.

    Raises:
        InputError: there is no such file or folder, or it is of no known format.
    """
    if not is_file(path) and not is_folder(path):
        raise InputError(f"{path}: no such file or folder.", "Check the path.")
    possible = None
    for candidate in FORMATS:
        likeness = candidate.recognise(path)
        if likeness == "sure":
            return candidate
        if likeness == "possible" and possible is None:
            possible = candidate
    if possible is None:
        *others, last = (known.looks_like for known in FORMATS)
        raise InputError(
            f"{path}: not recognised as annotations.", f"Give {', '.join(others)}, or {last}."
        )
    return possible
