"""Which photo an XML file of Pascal VOC belongs to."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headlab.boxes.photos.search import bare_name, is_photo
from headlab.files.text import sound

_PHOTO_FOLDERS = ("jpegimages", "images")


@dataclass(frozen=True)
class VocPhoto:
    """The photo of an XML file.

    Attributes:
        name: the photo's, without a folder.
        path: where it is, or should be.
        remark: in what the file's <filename> disagrees; empty if it does not.
    """

    name: str
    path: str
    remark: str = ""


class VocPhotos:
    """The photos of a folder of XML files.

    They are in the first of several folders that has photos: `JPEGImages` or `images`, in capitals or not,
    in the data set's folder; the folder of the XML files; the same two names next to that.

    Args:
        home: the folder of the data set, or of a split.
        folder: the folder of the XML files.
        images: where the user says that the photos are; None to look.
        stems: the names of the XML files without their suffix.
    """

    def __init__(self, home: Path, folder: Path, images: Path | None, stems: Sequence[str]) -> None:
        self._xml_stems = {_key(stem) for stem in stems}
        candidates = [images] if images is not None else _candidates(home, folder)
        self._folder = str(candidates[0])
        self._by_name: dict[str, str] = {}
        for candidate in candidates:
            names = sorted(name for name in _names_in(candidate) if is_photo(name))
            if names:
                self._folder = str(candidate)
                self._by_name = {_key(name): str(candidate / name) for name in names}
                break
        self._by_stem: dict[str, str] = {}
        for key, path in self._by_name.items():
            self._by_stem.setdefault(_stem(key), path)

    def of(self, stem: str, filename: str) -> VocPhoto:
        """The photo of an XML file.

        Photos are renamed along with their XML files, whose <filename> then is that of another photo, or of
        none. So the XML file's own name decides, if there is such a photo; and a photo that has an XML file
        of its own belongs to no other one.

        Args:
            stem: the name of the XML file without its suffix.
            filename: what the file says; empty if it does not.
        """
        said = bare_name(filename)
        named = self._by_name.get(_key(said)) or self._by_stem.get(_key(_bare_stem(said)))
        same = _key(_bare_stem(said)).casefold() == _key(stem).casefold()
        own = named if same and named else self._by_stem.get(_key(stem))
        if own:
            name = os.path.basename(own)  # noqa: PTH119
            if not said or same:
                return VocPhoto(name, own)
            remark = (
                f"<filename> is {said}, but there is a photo {name}, which has the XML file's own name: "
                "the boxes are taken to be on that."
            )
            return VocPhoto(name, own, remark)
        name = os.path.basename(named or "")  # noqa: PTH119
        if named and _key(_stem(name)) not in self._xml_stems:
            return VocPhoto(name, named)
        if named:
            remark = (
                f"<filename> is {said}, a photo that has an XML file of its own, and there is no photo "
                f"named {stem}: the photo is missing."
            )
            return self.missing(stem, remark)
        return self.missing(said or stem)

    def missing(self, name: str, remark: str = "") -> VocPhoto:
        """The photo of a name, where it would be."""
        name = name if is_photo(name) else f"{name}.jpg"
        return VocPhoto(name, f"{self._folder}{os.sep}{name}", remark)


def _candidates(home: Path, folder: Path) -> list[Path]:
    usual = [*_named_as_usual(home), home / "JPEGImages"]
    return [*usual, folder, *_named_as_usual(folder.parent), folder.parent / "images"]


def _named_as_usual(folder: Path) -> list[Path]:
    names = [name for name in _names_in(folder) if name.casefold() in _PHOTO_FOLDERS]
    names.sort(key=lambda name: _PHOTO_FOLDERS.index(name.casefold()))
    return [folder / name for name in names]


def _names_in(folder: Path) -> list[str]:
    try:
        return [sound(name) for name in os.listdir(folder)]  # noqa: PTH208
    except OSError:
        return []


def _bare_stem(name: str) -> str:
    """The name without a photo's suffix."""
    return _stem(name) if is_photo(name) else name


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # noqa: PTH122


def _key(name: str) -> str:
    """The name in Unicode's composed form: the same letters may be written in two ways."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
