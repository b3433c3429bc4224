"""Which files are photos, and where those are that annotations name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import polars as pl

from headlab.files.existing import is_file

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


def resolved(
    names: pl.Series, folder: Path, images: Path | None = None, near: Sequence[Path] = ()
) -> pl.Series:
    """The paths of images, whose names may be relative to several folders.

    The folder in which most images of a sample exist is taken for all. These are tried: `images`, if it is
    given, with the whole name or only its last part; else the folder of the annotations, the two above it,
    the working directory, and `near`.

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
    sample = _sample(names)
    best, count = tried[0], 0
    for base, bare in tried:
        found = sum(is_file(base / (bare_name(name) if bare else name)) for name in sample)
        if found > count:
            best, count = (base, bare), found
    return _within(names, *best)


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


def _within(names: pl.Series, base: Path, bare: bool) -> pl.Series:
    name = names.str.replace(r"^.*[/\\]", "") if bare else names
    prefix = "" if base == Path() else f"{base}/"
    frame = pl.DataFrame({"name": name})
    absolute = pl.col("name").str.starts_with("/") | pl.col("name").str.contains(r"^[A-Za-z]:[/\\]")
    inside = pl.lit(prefix) + pl.col("name").str.strip_prefix("./")
    return frame.select(path=pl.when(absolute).then("name").otherwise(inside))["path"]


def _sample(values: pl.Series) -> list[str]:
    return values.gather_every(max(1, len(values) // _TRIED)).head(_TRIED).to_list()
