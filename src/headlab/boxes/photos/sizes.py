"""The sizes of many photos, from their headers, in parallel."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import polars as pl

from headlab.boxes.photos import size_cache
from headlab.boxes.photos.headers import Header, NotAPhoto, read_header
from headlab.boxes.photos.size_cache import Stamp
from headlab.boxes.table import CORRUPT_IMAGE, MISSING_IMAGE, BoxTable, Problem

T = TypeVar("T")

_THREADS = min(8, 2 * (os.cpu_count() or 1))
_AT_ONCE = 64


def read_headers(paths: Sequence[str], *, cached: bool = True) -> list[Header | Problem]:
    """The header of each photo, or what is wrong with it.

    Args:
        paths: where the photos are; one that occurs twice is read once.
        cached: whether to take headers from the cache, and to store new ones there.
    """
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(_THREADS) as pool:
        stamps = dict(zip(unique, _mapped(pool, _stamp, unique), strict=True))
        present = {_key(path): stamp for path, stamp in stamps.items() if isinstance(stamp, Stamp)}
        known = size_cache.look_up(present) if cached else {}
        wanted = [
            path for path in unique if isinstance(stamps[path], Stamp) and _key(path) not in known
        ]
        read = dict(zip(wanted, _mapped(pool, _header, wanted), strict=True))
    if cached:
        size_cache.keep(
            (_key(path), present[_key(path)], header)
            for path, header in read.items()
            if isinstance(header, Header)
        )
    outcomes: dict[str, Header | Problem] = {}
    for path in unique:
        stamp = stamps[path]
        if isinstance(stamp, Stamp):
            outcomes[path] = read[path] if path in read else known[_key(path)]
        else:
            outcomes[path] = stamp
    return [outcomes[path] for path in paths]


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


def _mapped(pool: ThreadPoolExecutor, action: Callable[[str], T], paths: Sequence[str]) -> list[T]:
    """`action` of each path; a task takes several paths, since one is too little work."""
    portions = [paths[start : start + _AT_ONCE] for start in range(0, len(paths), _AT_ONCE)]
    outcomes = pool.map(lambda portion: [action(path) for path in portion], portions)
    return [outcome for portion in outcomes for outcome in portion]


def _key(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - several times as fast as Path's


def _stamp(path: str) -> Stamp | Problem:
    try:
        status = os.stat(path)  # noqa: PTH116 - several times as fast as Path's
    except (OSError, ValueError) as error:
        return Problem("error", MISSING_IMAGE, f"There is no photo {path}{_why(error)}.")
    if stat.S_ISDIR(status.st_mode):
        return Problem("error", MISSING_IMAGE, f"{path} is a folder, not a photo.")
    return Stamp(status.st_size, status.st_mtime_ns)


def _why(error: Exception) -> str:
    """Nothing for a file that does not exist, else the reason."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return ""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f" that can be opened ({reason})"


def _header(path: str) -> Header | Problem:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - several times as fast as Path's
            return read_header(file)
    except NotAPhoto as error:
        return Problem("error", CORRUPT_IMAGE, f"{path} cannot be read: {error}.")
    except OSError as error:
        return Problem("error", CORRUPT_IMAGE, f"{path} cannot be read: {error.strerror or error}.")
