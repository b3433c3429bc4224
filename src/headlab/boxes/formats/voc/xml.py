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
_BOX = f"{_OBJECT}/bndbox"
_OF_OBJECT = {f"{_OBJECT}/name": "name", f"{_OBJECT}/difficult": "difficult"}
_OF_BOX = {f"{_BOX}/{corner}": corner for corner in _CORNERS}
_OF_PHOTO = {
    f"{_ROOT}/filename": "filename",
    f"{_SIZE}/width": "width",
    f"{_SIZE}/height": "height",
}
_WANTED = _OF_OBJECT | _OF_BOX | _OF_PHOTO
_ROTATED = f"{_OBJECT}/robndbox"

_YES = frozenset(("1", "true", "yes", "y", "t"))
_NO = frozenset(("", "0", "false", "no", "n", "f", "none", "null", "unspecified"))


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
    """One box of an object: its class, its corners in pixels as written, its flag, and its line."""

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
        objects: in order; an object with several boxes is one for each.
        rejected: for each object or box that is skipped, its line and the reason.
        assumed: for each object in which something was assumed, its line and what.
    """

    filename: str = ""
    size_wh_px: tuple[int, int] | None = None
    objects: list[VocObject] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    assumed: list[tuple[int, str]] = field(default_factory=list)


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


@dataclass
class _Said:
    """What is said between two tags: for each tag within, its text; and its line.

    Attributes:
        line: of the first tag.
        texts: the first text of each tag.
        contradicted: the first tag that is there twice with different texts, with both.
    """

    line: int
    texts: dict[str, str] = field(default_factory=dict)
    contradicted: tuple[str, str, str] | None = None

    def note(self, tag: str, text: str) -> None:
        before = self.texts.setdefault(tag, text)
        if before != text and self.contradicted is None:
            self.contradicted = (tag, before, text)

    @property
    def contradiction(self) -> str:
        """The tag and both texts, for messages; empty if nothing is contradicted."""
        if self.contradicted is None:
            return ""
        tag, first, second = self.contradicted
        return f"more than one <{tag}>: {first[:_SHOWN]!r} and {second[:_SHOWN]!r}"


class _Reading:
    """Collects what a file says while expat walks through it."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.found = Annotation()
        self._parser = parser
        self._path = ""
        self._outer: list[str] = []
        self._text: list[str] = []
        self._photo = _Said(0)
        self._object = _Said(0)
        self._boxes: list[_Said] = []
        self._rotated = False
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    def _start(self, tag: str, _: object) -> None:
        self._outer.append(self._path)
        self._path = here = f"{self._path}/{tag}"
        if here in _WANTED:
            self._text.clear()
            self._parser.CharacterDataHandler = self._text.append
        elif here == _BOX:
            self._boxes.append(_Said(self._parser.CurrentLineNumber))
        elif here == _OBJECT:
            self._object = _Said(self._parser.CurrentLineNumber)
            self._boxes = []
            self._rotated = False
        elif here == _ROTATED:
            self._rotated = True
        elif len(self._outer) == 1 and here != _ROOT:
            line = self._parser.CurrentLineNumber
            raise NotVoc(f"its root is <{tag}>, where <annotation> was expected", line)

    def _end(self, tag: str) -> None:
        here, self._path = self._path, self._outer.pop()
        if here in _WANTED:
            self._parser.CharacterDataHandler = None
            noted = self._photo
            if here in _OF_BOX:
                noted = self._boxes[-1]
            elif here in _OF_OBJECT:
                noted = self._object
            noted.note(tag, "".join(self._text).strip())
        elif here == _OBJECT:
            self._end_object()
        elif here == _ROOT:
            self._end_photo()

    def _end_object(self) -> None:
        said, line = self._object, self._object.line
        name = said.texts.get("name", "")
        fault = "" if name else "The object has no <name>."
        if said.contradicted is not None and said.contradicted[0] == "name":
            fault = f"The object has {said.contradiction}."
        elif not self._boxes and not fault:
            fault = "The object has no <bndbox>" + (
                ", only a rotated one, <robndbox>, which is not read." if self._rotated else "."
            )
        if fault:
            self.found.rejected.append((line, fault))
            return
        difficult = self._difficult()
        several = len(self._boxes) > 1
        boxes = 0
        for box in self._boxes:
            at = box.line if several else line
            corners = _corners(box)
            if isinstance(corners, str):
                self.found.rejected.append((at, corners))
                continue
            boxes += 1
            self.found.objects.append(VocObject(name, corners, difficult, at))
        if boxes > 1:
            text = f"The object has {boxes} <bndbox>: each was read as an object {name[:_SHOWN]!r}."
            self.found.assumed.append((line, text))

    def _difficult(self) -> bool:
        """Whether the object is difficult; a word that is neither yes nor no is taken for no."""
        text = self._object.texts.get("difficult", "")
        number = _number(text)
        if number is not None:
            return number != 0
        if text.lower() not in _YES | _NO:
            assumed = f"<difficult> is {text[:_SHOWN]!r}, which was taken for 0."
            self.found.assumed.append((self._object.line, assumed))
        return text.lower() in _YES

    def _end_photo(self) -> None:
        said = self._photo.texts
        self.found.filename = said.get("filename", "")
        if self._photo.contradicted is not None and self._photo.contradicted[0] != "filename":
            return  # two sizes are as good as none: the photo has one
        width, height = (_number(said.get(tag, "")) for tag in ("width", "height"))
        if width and height and min(width, height) >= 1 and max(width, height) < _LARGEST:
            self.found.size_wh_px = int(width), int(height)


def _corners(box: _Said) -> tuple[float, float, float, float] | str:
    """A box's corners, or why there are none."""
    if box.contradiction:
        return f"The <bndbox> has {box.contradiction}."
    corners = []
    for tag in _CORNERS:
        text = box.texts.get(tag)
        if not text:
            return f"The object has no <{tag}>."
        value = _number(text)
        if value is None:
            return f"The object's <{tag}> is {text[:_SHOWN]!r}, which is not a number."
        corners.append(value)
    x1, y1, x2, y2 = corners
    if max(map(abs, corners)) > FARTHEST_PX:
        return "The object is larger than any photo."
    return x1, y1, x2, y2


_SHOWN = 40


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


_LARGEST = 2**31
