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
from headlab.boxes.table import (
    CORRUPT_IMAGE,
    MISPLACED,
    MISSING_IMAGE,
    SIZE_MISMATCH,
    BoxTable,
    Problem,
)
from headlab.files.opening import opened
from headlab.files.path_text import path_of
from headlab.plain_text import counted

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
    """The table with the sizes of the photos.

    keras-yolo3 reads photos as they are stored, all others rotate them as Exif says: sizes that were unknown
    follow the format of the table. A stated size that is neither gives way to the photo's own, and becomes
    a problem. An image without a stated size that is missing or corrupt becomes a problem, too.

    Boxes may have been drawn on a photo of the stated size, and the photo scaled or cut since. Where a box
    shows that, because it lies within the stated size but not within the photo, nobody knows where the boxes
    of photos with a wrong size belong: they are left out.

    Args:
        table: of any format.
        assume_size: height and width in pixels of images whose size remains unknown; it is then not a
            problem that their photos are missing.
    """
    images = table.images
    as_stored = table.format == "keras"
    paths = images["path"].fill_null(images["image"]).to_list()
    sizes: list[tuple[int | None, int | None]] = []
    problems: list[Problem] = []
    wrong: dict[int, tuple[Header, int, int]] = {}
    columns = ("image", "file", "line", "width_px", "height_px")
    rows = images.select(columns).iter_rows()
    for image_id, (row, header) in enumerate(zip(rows, read_headers(paths), strict=True)):
        image, file, line, width, height = row
        stated = width is not None and height is not None
        if isinstance(header, Header):
            own = (header.width_px, header.height_px) if as_stored else header.upright_wh_px
            if stated and not size_fault(header, width, height):
                own = width, height  # perhaps as stored, which says how the boxes were drawn
            elif stated:
                wrong[image_id] = (header, width, height)
            sizes.append(own)
        elif stated:
            sizes.append((width, height))
        else:
            sizes.append((assume_size or (None, None))[::-1])
            if assume_size is None or header.kind != MISSING_IMAGE:
                problems.append(replace(header, file=file, line=line, image=image))
    sized = replace(
        table,
        images=images.with_columns(
            pl.Series("width_px", [width for width, _ in sizes], dtype=pl.Int64),
            pl.Series("height_px", [height for _, height in sizes], dtype=pl.Int64),
        ),
        problems=(*table.problems, *problems),
    )
    return _without_misplaced(sized, wrong) if wrong else sized


def size_fault(header: Header, width: int, height: int) -> str:
    """What is wrong with the size that annotations state; empty if it is that of the photo."""
    stored = (header.width_px, header.height_px)
    if (width, height) in (stored, header.upright_wh_px):
        return ""
    sizes = (
        f"photo is {stored[0]} px wide and {stored[1]} px high, the annotation says {width} px wide and "
        f"{height} px high"
    )
    if (height, width) == stored:
        return f"Width and height are swapped: the {sizes}"
    return f"The {sizes}"


def _without_misplaced(table: BoxTable, wrong: dict[int, tuple[Header, int, int]]) -> BoxTable:
    """The table without boxes that were drawn on a photo of another size, if some were.

    Args:
        table: with the photos' own sizes.
        wrong: by `image_id`, the header and the size that was stated.
    """
    far = [
        image_id
        for image_id, (header, *stated) in wrong.items()
        if any(
            abs(own - said) > max(_CLOSE_PX, _CLOSE * own)
            for own, said in zip(header.upright_wh_px, stated, strict=True)
        )
    ]
    sizes = pl.DataFrame(
        [(image_id, wrong[image_id][1], wrong[image_id][2]) for image_id in far],
        schema={"image_id": pl.Int64, "said_w": pl.Int64, "said_h": pl.Int64},
        orient="row",
    )
    boxes = table.boxes.join(sizes, on="image_id").join(
        table.images.select("image_id", "width_px", "height_px"), on="image_id"
    )
    right, low = pl.max_horizontal("x1", "x2"), pl.max_horizontal("y1", "y2")
    within = (right <= pl.col("said_w") + _CLOSE_PX) & (low <= pl.col("said_h") + _CLOSE_PX)
    beyond = (right > pl.col("width_px") + _CLOSE_PX) | (low > pl.col("height_px") + _CLOSE_PX)
    misplaced = set(far) if boxes.select((within & beyond).any()).item() else set()
    counts = dict(boxes["image_id"].value_counts().iter_rows())
    problems = []
    for image_id, (header, width, height) in wrong.items():
        image, file, line = table.images.select("image", "file", "line").row(image_id)
        fault = size_fault(header, width, height)
        if image_id in misplaced and image_id in counts:
            message = (
                f"{fault}. Boxes of such photos lie within the size that is stated, not within the photo, "
                f"which was scaled, cut or rotated since: its {counted(counts[image_id], 'box', 'boxes')} "
                f"{'was' if counts[image_id] == 1 else 'were'} skipped. Use the photos that were annotated."
            )
            problems.append(Problem("error", MISPLACED, message, file, line, image))
        else:
            message = f"{fault}. The photo's own size is used."
            problems.append(Problem("error", SIZE_MISMATCH, message, file, line, image))
    kept = table.boxes.filter(~pl.col("image_id").is_in(list(misplaced)))
    return replace(table, boxes=kept, problems=(*table.problems, *problems))


_CLOSE_PX, _CLOSE = 1.0, 0.02
"""A stated size that is wrong by no more than this matters little, and tells nothing about the boxes."""


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
