"""Which columns of a CSV file are the photo, the corners and the class."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from headlab.boxes.formats.numbers import NUMBER
from headlab.boxes.photos.search import is_photo

_DELIMITERS = (",", ";", "\t")
_NAMES = {
    "image": ("filename", "file", "image", "imagepath", "imagename", "path", "img", "imageid"),
    "x1": ("xmin", "x1", "left"),
    "y1": ("ymin", "y1", "top"),
    "x2": ("xmax", "x2", "right"),
    "y2": ("ymax", "y2", "bottom"),
    "label": ("class", "label", "classname", "name", "category", "labelname", "classid"),
    "width": ("width", "imagewidth", "imgwidth"),
    "height": ("height", "imageheight", "imgheight"),
}
_NEEDED = ("image", "x1", "y1", "x2", "y2", "label")
_NUMBER = re.compile(NUMBER)


@dataclass(frozen=True)
class Columns:
    """Where a row has what.

    Attributes:
        places: the position of "image", "x1", "y1", "x2", "y2", "label", and of "width" and "height" of the
            photo, if it has these.
        delimiter: between the cells.
        header: whether the first line names the columns.
    """

    places: dict[str, int]
    delimiter: str
    header: bool

    def cells(self, line: str) -> list[str]:
        """A line's cells; no cells if it is not a row."""
        return cells_of(line, self.delimiter)


def columns_of(lines: Sequence[str]) -> Columns | None:
    """The columns of a file, by the names in its first line, or else as keras-retinanet has them.

    Args:
        lines: of the file, or only the first ones.
    """
    first = next((line for line in lines if line.strip()), "")
    for delimiter in _DELIMITERS:
        cells = cells_of(first, delimiter)
        places = _named(cells)
        if places is not None:
            return Columns(places, delimiter, True)
        if _is_row(cells):
            return Columns({name: at for at, name in enumerate(_NEEDED)}, delimiter, False)
    return None


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of a line; no cells if it is not a row."""
    try:
        rows = list(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        return []
    return [cell.strip() for cell in rows[0]] if rows else []


def is_number(text: str) -> bool:
    """Whether a text is a decimal number."""
    return _NUMBER.fullmatch(text) is not None


def _named(cells: Sequence[str]) -> dict[str, int] | None:
    """The positions of the columns that a header names; None if one that is needed is not among them."""
    written = [re.sub(r"[\s_\-]", "", cell).lower() for cell in cells]
    places = {}
    for name, aliases in _NAMES.items():
        at = next((written.index(alias) for alias in aliases if alias in written), None)
        if at is not None:
            places[name] = at
        elif name in _NEEDED:
            return None
    return places


def _is_row(cells: Sequence[str]) -> bool:
    """Whether it is a row of keras-retinanet: path,x1,y1,x2,y2,class, or path,,,,, without a box."""
    if len(cells) != len(_NEEDED) or not is_photo(cells[0]):
        return False
    return not any(cells[1:]) or (all(map(is_number, cells[1:5])) and bool(cells[5]))
