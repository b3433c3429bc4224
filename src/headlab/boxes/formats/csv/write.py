"""Write CSV with the columns of TensorFlow's object detection scripts."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from headlab.boxes.classes import names_text
from headlab.boxes.formats.format import Photos
from headlab.boxes.formats.losses import Losses
from headlab.boxes.table import BoxTable
from headlab.errors import InputError
from headlab.plain_text import printable

_DIGITS = 6  # of a pixel
_HEADER = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")


def write_csv_folder(table: BoxTable, folder: Path, photos: Photos, losses: Losses) -> None:
    """Write a file per split, and `classes.txt`. The format has no place for photos."""
    for split, part in table.by_split():
        _write_rows(part, folder / f"{split or 'annotations'}.csv", losses)
    _write_names(table, folder / "classes.txt")


def write_csv(table: BoxTable, file: Path, losses: Losses) -> None:
    """Write one file, and the class names as `NAME_classes.txt`."""
    _write_rows(table, file, losses)
    _write_names(table, file.with_name(f"{file.stem}_classes.txt"))


def _write_rows(table: BoxTable, file: Path, losses: Losses) -> None:
    """Write a row per box; an image without boxes has one with empty cells, as in keras-retinanet.

    Raises:
        InputError: the path of an image has a line break in it, or two classes have the same name.
    """
    boxes = losses.without_crowds(table.boxes)
    of_image: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
    columns = ("image_id", "class_id", "x1", "y1", "x2", "y2")
    for image_id, class_id, *box in boxes.select(columns).iter_rows():
        of_image.setdefault(image_id, []).append((class_id, tuple(box)))
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(_HEADER)
        listed = table.images.select("image_id", "image", "path", "width_px", "height_px")
        for image_id, image, path, width, height in listed.iter_rows():
            name = image if table.format == "csv" else os.path.abspath(path or image)  # noqa: PTH100
            if "\n" in name or "\r" in name:
                raise InputError("The path of an image has a line break in it.", "Rename the file.")
            for class_id, corners in of_image.get(image_id, []):
                label = printable(table.class_name(class_id)) if table.class_names else class_id
                rows.writerow([name, width, height, label, *map(_number, corners)])
            if image_id not in of_image:
                rows.writerow([name, width, height, "", "", "", "", ""])


def _write_names(table: BoxTable, file: Path) -> None:
    if table.class_names:
        file.write_text(names_text(table), "utf-8")


def _number(value: float) -> str:
    rounded = round(value, _DIGITS)
    return str(int(rounded)) if rounded.is_integer() else repr(rounded)
