"""Where the photos lie that annotations name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import polars as pl

from headlab.files.existing import is_file

_TRIED = 20


def resolved(
    names: pl.Series, folder: Path, images: Path | None = None, near: Sequence[Path] = ()
) -> pl.Series:
    """The paths of images, whose names may be relative to several folders.

    The folder in which most of the first images exist is taken for all: `images`, if it is given, with
    the whole name or only its last part; else the annotations' own folder, those above it, the working
    directory, and `near`.

    Args:
        names: as the annotations give them.
        folder: of the annotations.
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


def any_exists(paths: pl.Series) -> bool:
    """Whether some of the first paths, spread over all, lead to files."""
    return any(is_file(path) for path in _sample(paths))


def bare_name(name: str) -> str:
    """The last part of a path of either kind of slash."""
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
