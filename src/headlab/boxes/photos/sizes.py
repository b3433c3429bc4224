"""The sizes of many photos, from their headers."""

from __future__ import annotations

import stat
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import polars as pl

from headlab.boxes.photos.headers import Header, NotAPhoto, read_header
from headlab.boxes.table import CORRUPT_IMAGE, MISSING_IMAGE, BoxTable, Problem
from headlab.files.opening import opened
from headlab.files.path_text import path_of

_TRIAL = 64
_SLOW_S = 5e-4
"""If the first photos take longer than this each, as over a network, several threads read the others. If not,
one thread is the fastest: several would wait longer for each other than for the disk."""

_THREADS = 8


def read_headers(paths: Sequence[str]) -> list[Header | Problem]:
    """The header of each photo, or what is wrong with it.

    Args:
        paths: where the photos are; one that occurs twice is read once.
    """
    unique = list(dict.fromkeys(paths))
    start = time.perf_counter()
    headers = [_header(path) for path in unique[:_TRIAL]]
    rest = unique[_TRIAL:]
    if time.perf_counter() - start > _SLOW_S * _TRIAL:
        with ThreadPoolExecutor(_THREADS) as pool:
            headers += pool.map(_header, rest)
    else:
        headers += map(_header, rest)
    by_path = dict(zip(unique, headers, strict=True))
    return [by_path[path] for path in paths]


def with_sizes(table: BoxTable, assume_size: tuple[int, int] | None = None) -> BoxTable:
    """The table with the sizes that were unknown read from the photos.

    keras-yolo3 reads photos as they are stored, all others rotate them as Exif says: the sizes follow the
    format of the table. An image that is missing or corrupt becomes a problem.

    Args:
        table: of any format.
        assume_size: height and width in pixels of images whose size remains unknown; it is then not a
            problem that their photos are missing.
    """
    images = table.images
    unknown = images.filter(pl.col("width_px").is_null() | pl.col("height_px").is_null())
    if not unknown.height:
        return table
    headers = read_headers(unknown["path"].to_list())
    as_stored = table.format == "keras"
    sizes: list[tuple[int, int | None, int | None]] = []
    problems: list[Problem] = []
    rows = unknown.select("image_id", "image", "file", "line").iter_rows()
    for (image_id, image, file, line), header in zip(rows, headers, strict=True):
        if isinstance(header, Header):
            size_wh = (header.width_px, header.height_px) if as_stored else header.upright_wh_px
            sizes.append((image_id, *size_wh))
            continue
        sizes.append((image_id, *(assume_size or (None, None))[::-1]))
        if assume_size is None or header.kind != MISSING_IMAGE:
            problems.append(replace(header, file=file, line=line, image=image))
    frame = pl.DataFrame(
        sizes,
        schema={"image_id": pl.Int64, "width_px": pl.Int64, "height_px": pl.Int64},
        orient="row",
    )
    return replace(
        table,
        images=images.update(frame, on="image_id"),
        problems=(*table.problems, *problems),
    )


def _header(path: str) -> Header | Problem:
    try:
        with opened(path) as file:
            return read_header(file)
    except NotAPhoto as error:
        return Problem("error", CORRUPT_IMAGE, f"{path} cannot be read: {error}.")
    except (OSError, ValueError) as error:
        return _unopened(path, error)


def _unopened(path: str, error: OSError | ValueError) -> Problem:
    """Why a photo cannot be opened: it is missing, a folder, or not for this user to read."""
    try:
        mode = Path(path_of(path)).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return Problem("error", MISSING_IMAGE, f"There is no photo {path}.")
    except (OSError, ValueError) as why:
        message = f"There is no photo {path} that can be opened ({_reason(why)})."
        return Problem("error", MISSING_IMAGE, message)
    if stat.S_ISDIR(mode):
        return Problem("error", MISSING_IMAGE, f"{path} is a folder, not a photo.")
    return Problem("error", CORRUPT_IMAGE, f"{path} cannot be read: {_reason(error)}.")


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
