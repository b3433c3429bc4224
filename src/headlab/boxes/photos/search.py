"""Which files are photos, and where those are that annotations name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import polars as pl

from headlab.files.existing import Spellings, is_file
from headlab.files.path_text import path_text
from headlab.files.text import sound
from headlab.plain_text import composed

IMAGE_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("avif", "bmp", "dng", "gif", "heic", "heif", "jp2", "jpeg", "jpeg2000", "jpg", "mpo"),
        *("png", "pfm", "ppm", "pgm", "tif", "tiff", "webp"),
    )
)

_TRIED = 20


def is_photo(name: str) -> bool:
    """Whether a file's name is that of a photo."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - Path's is slow


def files_in(folder: str | Path) -> Iterator[str]:
    """The paths of all files in a folder and its subfolders, links to folders included.

    A folder that links lead to twice, or that lies within itself, is looked into once. Names that are not
    text are made such, since they go into tables.
    """
    seen: set[str] = set()
    for base, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(base)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (sound(os.path.join(base, name)) for name in sorted(names))  # noqa: PTH118


def resolved(
    names: pl.Series, folder: Path, images: Path | None = None, near: Sequence[Path] = ()
) -> pl.Series:
    """The paths of images, whose names may be relative to several folders.

    The folder in which most images of a sample exist is taken for all. These are tried: `images`, if it is
    given, with the whole name or only its last part; else the folder of the annotations, the two above it,
    the working directory, and `near`. A name may be spelled in another form of Unicode than the file's.

    Args:
        names: as the annotations give them.
        folder: the folder of the annotations.
        images: where the user says that the images are.
        near: more folders to try.
    """
    if images is None:
        bases = [folder, *list(folder.resolve().parents)[:2], Path(), *near]
        tried = [(base, False) for base in bases]
    else:
        tried = [(images, False), (images, True)]
    spelled = Spellings()
    sample = _sample(names)
    best, count = tried[0], 0
    for base, bare in tried:
        found = sum(
            is_file(spelled(str(base / (bare_name(name) if bare else name)))) for name in sample
        )
        if found > count:
            best, count = (base, bare), found
    paths = _within(names, *best)
    plain = paths.str.len_bytes() == paths.str.len_chars()
    if plain.all():
        return paths
    return pl.Series(paths.name, [spelled(path) for path in paths], dtype=pl.String)


def with_slashes(names: pl.Series) -> pl.Series:
    """The paths of other computers, with their backslashes as slashes, unless such a file exists."""
    odd = names.str.contains("\\", literal=True)
    if not odd.any() or any_exists(names.filter(odd)):
        return names
    return names.str.replace_all("\\", "/", literal=True)


def any_exists(paths: pl.Series) -> bool:
    """Whether a sample of the paths, spread over all of them, has one that leads to a file."""
    return any(is_file(path) for path in _sample(paths))


def bare_name(name: str) -> str:
    """The last part of a path with slashes or backslashes."""
    return PurePosixPath(name.replace("\\", "/")).name


class PhotoFinder:
    """Finds the photos that names mean in a folder and its subfolders.

    Of a name such as "data/train/a.jpg", the longest end that is there counts: "train/a.jpg" before
    "a.jpg"; and where there is none, the same with any suffix of photos. An end that several photos have
    counts only if it is the whole path of one.

    Args:
        folder: where the photos are.
    """

    def __init__(self, folder: Path) -> None:
        self._by_end: dict[str, str] = {}
        self._whole: dict[str, str] = {}
        for path in files_in(folder):
            if not is_photo(path):
                continue
            within = composed(os.path.relpath(path, folder)).replace(os.sep, "/")
            for name in (within, _stem(within)):
                self._whole[name] = path
                for end in _ends(name):
                    taken = self._by_end.get(end, path)
                    self._by_end[end] = path if taken == path else _SEVERAL

    def find(self, name: str) -> str | None:
        """The photo's path; None if there is none, or if it could be one of several."""
        written = composed(name).replace("\\", "/").removeprefix("./")
        for text in (written, _stem(written)):
            for end in _ends(text):
                if end in self._by_end:
                    return self._whole.get(end) or self._by_end[end] or None
        return None


_SEVERAL = ""


def _stem(name: str) -> str:
    """The name without its suffix, with a dot to tell it from a name that has none."""
    return os.path.splitext(name)[0] + "."  # noqa: PTH122


def _ends(name: str) -> Iterator[str]:
    """The name, and what is left of it without its first folder, its first two, ..."""
    parts = name.split("/")
    return ("/".join(parts[at:]) for at in range(len(parts)))


class PhotoKeys:
    """Tells whether two paths are the same place, however they are spelled: "./a.jpg" and "a.jpg"."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def __call__(self, path: str) -> str:
        """The same text for the same place; links to files stay what they are."""
        folder, name = os.path.split(path)
        real = self._folders.get(folder)
        if real is None:
            real = self._folders[folder] = composed(_real(folder))
        if name in ("", ".", ".."):
            return os.path.normpath(f"{real}/{name}")
        return f"{real}/{composed(name)}"


def _real(folder: str) -> str:
    try:
        return os.path.realpath(folder)
    except (OSError, ValueError):  # a link to itself, or a name that no file can have
        return folder


def _within(names: pl.Series, base: Path, bare: bool) -> pl.Series:
    name = names.str.replace(r"^.*[/\\]", "") if bare else names
    prefix = "" if base == Path() else f"{path_text(base)}/"
    frame = pl.DataFrame({"name": name})
    absolute = pl.col("name").str.starts_with("/") | pl.col("name").str.contains(r"^[A-Za-z]:[/\\]")
    inside = pl.lit(prefix) + pl.col("name").str.strip_prefix("./")
    return frame.select(path=pl.when(absolute).then("name").otherwise(inside))["path"]


def _sample(values: pl.Series) -> list[str]:
    return values.gather_every(max(1, len(values) // _TRIED)).head(_TRIED).to_list()
