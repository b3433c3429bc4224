"""CSV: a row per box, with the photo's name, two corners in pixels and the class.

    filename,width,height,class,xmin,ymin,xmax,ymax
    path/to/image.jpg,x1,y1,x2,y2,class

The first is that of TensorFlow's object detection scripts and of Roboflow's `_annotations.csv`; any order
and the usual other names of the columns are read, too. The second, without a header, is keras-retinanet's,
where a row with empty cells is a photo without boxes.

Sources: the tutorial of TensorFlow's object detection API; the README of fizyr/keras-retinanet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from headlab.boxes.classes import NamesRead, class_names, names_next_to
from headlab.boxes.formats.csv.columns import Columns, cells_of, columns_of, is_number
from headlab.boxes.formats.format import SURE, Evidence, Reading
from headlab.boxes.formats.keras_yolo3.line import BOX
from headlab.boxes.formats.numbers import MAX_CLASS
from headlab.boxes.photos.search import resolved, with_slashes
from headlab.boxes.table import (
    FARTHEST_PX,
    BoxTable,
    Problem,
    boxes_frame,
    encoding_problems,
    images_frame,
    joined,
)
from headlab.errors import InputError
from headlab.files.existing import is_file, is_folder
from headlab.files.text import first_lines, read_text

_SUFFIXES = (".csv", ".tsv")
_NOT_CSV = (".yaml", ".yml", ".json", ".xml")
_ROBOFLOWS = "_annotations.csv"
_SPLIT_FOLDERS = ("train", "valid", "val", "test")
_MAPPINGS = ("classes.csv", "class_mapping.csv")
_CORNERS = ("x1", "y1", "x2", "y2")
_LONGEST_SIDE = 9  # digits
_EXPECTED = "filename, xmin, ymin, xmax, ymax, class, and perhaps width and height"


def recognise_csv(path: Path) -> Evidence:
    """Sure of a file with the usual columns, and of a folder with `_annotations.csv` in it or in its splits.

    Raises:
        InputError: the file is CSV by its name, but has other columns.
    """
    if is_folder(path):
        files = ", ".join(str(file.relative_to(path)) for file in _files_in(path).values())
        return Evidence(SURE, files) if files else Evidence(0, f"no {_ROBOFLOWS}")
    suffix = path.suffix.lower()
    if not is_file(path) or suffix in _NOT_CSV:
        return Evidence(0, "no CSV file")
    lines = first_lines(path)
    columns = columns_of(lines)
    if columns is not None:
        named = "columns named" if columns.header else "rows of"
        return Evidence(SURE, f"{named} {', '.join(columns.places)}")
    words = (word for line in lines for word in line.split())
    if suffix in _SUFFIXES and lines and not any(re.match(BOX, word) for word in words):
        raise _other_columns(path, lines)
    return Evidence(0, "no columns with a photo, two corners and a class")


def read_csv(path: Path, how: Reading) -> BoxTable:
    """Read a file, or the files of all splits in a folder.

    A class is a name, or the number of one. Names are numbered as in `classes.txt` or `NAME_classes.txt`
    next to the file, or as in keras-retinanet's `classes.csv` (name,number), or else alphabetically.

    Raises:
        InputError: a file cannot be read, or does not have these columns, or there is no such split.
    """
    if not is_folder(path):
        return _read_file(path, how, how.split)
    files = _files_in(path)
    if not files:
        raise InputError(f"{path}: has no {_ROBOFLOWS}.", "Give a CSV file.")
    chosen = {split: file for split, file in files.items() if how.split in (None, split)}
    if not chosen:
        known = ", ".join(split or "none" for split in files)
        raise InputError(f"There is no split {how.split!r}.", f"Known splits: {known}.")
    return joined([_read_file(file, how, split) for split, file in chosen.items()])


def _files_in(folder: Path) -> dict[str | None, Path]:
    """The annotations of a folder by split."""
    if is_file(folder / _ROBOFLOWS):
        return {None: folder / _ROBOFLOWS}
    files = {split: folder / split / _ROBOFLOWS for split in _SPLIT_FOLDERS}
    return {split: file for split, file in files.items() if is_file(file)}


@dataclass
class _Rows:
    """What the rows of a file say: images by name, with line and size; boxes; problems."""

    images: dict[str, int] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    sizes: list[tuple[int | None, int | None]] = field(default_factory=list)
    boxes: list[tuple[int, str, int]] = field(default_factory=list)
    corners: list[tuple[float, ...]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def _read_file(path: Path, how: Reading, split: str | None) -> BoxTable:
    text = read_text(path, how.encoding)
    columns = columns_of(text.lines)
    if columns is None:
        raise _other_columns(path, text.lines)
    rows = _rows(text.lines, columns, str(path))
    if not rows.images:
        raise InputError(f"{path}: no row names an image.", "Give a file with annotations.")
    names, numbers = _classes({label for _, label, _ in rows.boxes}, path, how)
    kept = []
    for at, (_, label, line) in enumerate(rows.boxes):
        if label in numbers:
            kept.append(at)
        else:
            message = f"The class {label[:60]!r} is not among those given. The box was skipped."
            image = list(rows.images)[rows.boxes[at][0]]
            rows.problems.append(Problem("error", "unknown-class", message, str(path), line, image))
    image_column = pl.Series(list(rows.images), dtype=pl.String)
    near = [path.parent / "images", path.parent.parent / "images"]
    images = images_frame(
        image_column,
        path=resolved(with_slashes(image_column), path.parent, how.images, near),
        width_px=[width for width, _ in rows.sizes],
        height_px=[height for _, height in rows.sizes],
        split=split,
        file=str(path),
        line=rows.lines,
    )
    order = sorted(kept, key=lambda at: rows.boxes[at][0])
    boxes = boxes_frame(
        [rows.boxes[at][0] for at in order],
        [numbers[rows.boxes[at][1]] for at in order],
        np.array([rows.corners[at] for at in order], np.float64).reshape(-1, 4),
        images,
        file=str(path),
        line=[rows.boxes[at][2] for at in order],
    )
    problems = (*encoding_problems(text.remarks, path), *names.problems, *rows.problems)
    return BoxTable(boxes, images, names.names, problems, "csv", names_source=names.source)


def _rows(lines: Sequence[str], columns: Columns, file: str) -> _Rows:
    rows, places = _Rows(), columns.places
    needed = max(places.values()) + 1
    is_header = columns.header
    for line, text in enumerate(lines, 1):
        if not text.strip():
            continue
        if is_header:
            is_header = False
            continue
        cells = columns.cells(text)
        name = cells[places["image"]] if len(cells) >= needed else ""
        if not name:
            message = (
                f"The row was skipped: it has {len(cells)} cells, and no image's name among them."
            )
            if len(cells) < needed:
                message = f"The row was skipped: it has {len(cells)} cells of {needed}."
            rows.problems.append(Problem("error", "bad-line", message, file, line))
            continue
        image_id = rows.images.setdefault(name, len(rows.images))
        if image_id == len(rows.lines):
            rows.lines.append(line)
            rows.sizes.append((_side(cells, places, "width"), _side(cells, places, "height")))
        written = [cells[places[corner]] for corner in _CORNERS]
        label = cells[places["label"]]
        if not any(written):
            continue  # a photo without boxes
        fault = _fault(written, label)
        if fault:
            message = f"{fault} The box was skipped."
            rows.problems.append(Problem("error", "bad-box", message, file, line, name))
            continue
        rows.boxes.append((image_id, label, line))
        rows.corners.append(tuple(map(float, written)))
    return rows


def _fault(written: Sequence[str], label: str) -> str:
    """What is wrong with a box; empty if nothing is."""
    shown = ",".join(written)[:60]
    if not all(is_number(text) and math.isfinite(float(text)) for text in written):
        return f"Not all of {shown} are finite numbers."
    if max(abs(float(text)) for text in written) > FARTHEST_PX:
        return f"The box {shown} is larger than any photo."
    return "" if label else f"The box {shown} has no class."


def _side(cells: Sequence[str], places: dict[str, int], name: str) -> int | None:
    text = cells[places[name]] if name in places else ""
    if not is_number(text) or len(text) > _LONGEST_SIDE:
        return None
    return int(float(text)) if 1 <= float(text) < MAX_CLASS else None


def _classes(labels: set[str], path: Path, how: Reading) -> tuple[NamesRead, dict[str, int]]:
    """The class names, and the number of each label."""
    if how.names is not None:
        names = class_names(how.names, how.encoding)
    else:
        names = names_next_to(path, how.encoding)
        if not names.names:
            names = _mapped(path.parent) or names
    by_name = {name: number for number, name in reversed(list(enumerate(names.names)))}
    if names.names and labels <= by_name.keys():
        return names, by_name
    if labels and all(re.fullmatch(r"[0-9]{1,9}", label) for label in labels):
        return names, {label: int(label) for label in labels}
    if how.names is not None:
        return names, by_name
    ordered = tuple(sorted(labels))
    source = "the rows, in alphabetical order" if ordered else ""
    return NamesRead(ordered, (), source), {name: at for at, name in enumerate(ordered)}


def _mapped(folder: Path) -> NamesRead | None:
    """The names in keras-retinanet's list of classes, name,number; None if there is no such list."""
    for file in (folder / name for name in _MAPPINGS):
        if not is_file(file):
            continue
        rows = [cells_of(line, ",") for line in read_text(file).lines if line.strip()]
        names = {row[1]: row[0] for row in rows if len(row) == 2}
        ordered = [names.get(str(number)) for number in range(len(rows))]
        if ordered and all(ordered):
            return NamesRead(tuple(name for name in ordered if name), (), file.name)
    return None


def _other_columns(path: Path, lines: Sequence[str]) -> InputError:
    first = next((line.strip() for line in lines if line.strip()), "")
    return InputError(
        f"{path}: has other columns than annotations have: {first[:120]}",
        f"Its first line should name {_EXPECTED}; or each row be path,x1,y1,x2,y2,class.",
    )
