"""One XML file of Pascal VOC, with the line of each object.

Source: the VOC2012 development kit, section "Annotations".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from xml.parsers import expat

from headlab.boxes.table import FARTHEST_PX

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_ROOT, _SIZE, _OBJECT = "/annotation", "/annotation/size", "/annotation/object"
_OF_OBJECT = {
    f"{_OBJECT}/name": "name",
    f"{_OBJECT}/difficult": "difficult",
    **{f"{_OBJECT}/bndbox/{corner}": corner for corner in _CORNERS},
}
_OF_PHOTO = {
    f"{_ROOT}/filename": "filename",
    f"{_SIZE}/width": "width",
    f"{_SIZE}/height": "height",
}
_WANTED = _OF_OBJECT | _OF_PHOTO


class NotVoc(Exception):
    """The file is not an annotation of Pascal VOC.

    Args:
        reason: why, without the file's name.
        line: where, from 1; None if it concerns the whole file.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True)
class VocObject:
    """One object: its class, its corners in pixels as written, its flag, and its line."""

    name: str
    corners_px: tuple[float, float, float, float]
    difficult: bool
    line: int


@dataclass
class Annotation:
    """One photo's annotation.

    Attributes:
        filename: the photo's name; empty if the file does not say.
        size_wh_px: width and height in pixels; None where the file does not say, or says zero.
        objects: in order.
        rejected: for each object that is skipped, its line and the reason.
    """

    filename: str = ""
    size_wh_px: tuple[int, int] | None = None
    objects: list[VocObject] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)


def parse_annotation(data: bytes) -> Annotation:
    """Read one file.

    Entities are not expanded, and nothing outside the file is read.

    Raises:
        NotVoc: it is not well-formed, declares entities, or its root is not `annotation`.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.EntityDeclHandler = _no_entities
    reading = _Reading(parser)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise NotVoc(f"not well-formed XML ({reason})", error.lineno) from None
    except (LookupError, ValueError) as error:  # an encoding that Python does not have
        raise NotVoc(f"not well-formed XML ({error})") from None
    return reading.found


def _no_entities(*_: object) -> None:
    raise NotVoc("it declares entities, which annotations do not need")


class _Reading:
    """Collects what a file says while expat walks through it."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.found = Annotation()
        self._parser = parser
        self._path = ""
        self._outer: list[str] = []
        self._text: list[str] = []
        self._object: dict[str, str] = {}
        self._line = 0
        self._photo: dict[str, str] = {}
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    def _start(self, tag: str, _: object) -> None:
        self._outer.append(self._path)
        self._path = here = f"{self._path}/{tag}"
        if here in _WANTED:
            self._text.clear()
            self._parser.CharacterDataHandler = self._text.append
        elif here == _OBJECT:
            self._object, self._line = {}, self._parser.CurrentLineNumber
        elif len(self._outer) == 1 and here != _ROOT:
            line = self._parser.CurrentLineNumber
            raise NotVoc(f"its root is <{tag}>, where <annotation> was expected", line)

    def _end(self, tag: str) -> None:
        here, self._path = self._path, self._outer.pop()
        if here in _WANTED:
            self._parser.CharacterDataHandler = None
            noted = self._object if here in _OF_OBJECT else self._photo
            noted[_WANTED[here]] = "".join(self._text).strip()
        elif here == _OBJECT:
            self._end_object()
        elif here == _ROOT:
            self._end_photo()

    def _end_object(self) -> None:
        values = self._object
        missing = [tag for tag in ("name", *_CORNERS) if not values.get(tag)]
        if missing:
            self.found.rejected.append((self._line, f"The object has no <{missing[0]}>."))
            return
        corners = [_number(values[tag]) for tag in _CORNERS]
        for tag, value in zip(_CORNERS, corners, strict=True):
            if value is None:
                reason = f"The object's <{tag}> is {values[tag][:40]!r}, which is not a number."
                self.found.rejected.append((self._line, reason))
                return
        x1, y1, x2, y2 = (value for value in corners if value is not None)
        if max(map(abs, (x1, y1, x2, y2))) > FARTHEST_PX:
            self.found.rejected.append((self._line, "The object is larger than any photo."))
            return
        difficult = values.get("difficult", "0") not in ("", "0", "false", "False")
        self.found.objects.append(
            VocObject(values["name"], (x1, y1, x2, y2), difficult, self._line)
        )

    def _end_photo(self) -> None:
        self.found.filename = self._photo.get("filename", "")
        width, height = (_number(self._photo.get(tag, "")) for tag in ("width", "height"))
        if width and height and min(width, height) >= 1 and max(width, height) < _LARGEST:
            self.found.size_wh_px = int(width), int(height)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


_LARGEST = 2**31
