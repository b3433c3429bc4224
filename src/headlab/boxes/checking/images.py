"""What is wrong with images: how they are listed, their photos, and the same photo in several splits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BufferedReader
from itertools import groupby

import polars as pl

from headlab.boxes.photos.decoding import decoding_fault
from headlab.boxes.photos.headers import UPRIGHT, Header
from headlab.boxes.photos.sizes import read_headers, size_fault
from headlab.boxes.repeated import places
from headlab.boxes.table import CORRUPT_IMAGE, DUPLICATE_IMAGE, SIZE_MISMATCH, BoxTable, Problem
from headlab.files.opening import opened
from headlab.files.path_text import path_of

_THREADS = min(8, 2 * (os.cpu_count() or 1))
_BLOCK_BYTES = 1 << 20

_Row = tuple[int, str, "int | None", "int | None", "str | None", str, str, "int | None"]


def listing_findings(table: BoxTable) -> list[Problem]:
    """Images that are listed twice, in two splits, or without boxes; paths with blanks in them."""
    problems: list[Problem] = []
    images = table.images
    keyed = images.with_columns(key=places(table))
    first = keyed.group_by("key", maintain_order=True).agg(
        pl.col("split").first().alias("first_split"),
        pl.col("file").first().alias("first_file"),
        pl.col("line").first().alias("first_line"),
        pl.col("image_id").first().alias("first_id"),
    )
    again = keyed.join(first, on="key", how="inner", maintain_order="left").filter(
        pl.col("image_id") != pl.col("first_id")
    )
    columns = ("image", "file", "line", "split", "first_split", "first_file", "first_line")
    for image, file, line, split, split0, file0, line0 in again.select(columns).iter_rows():
        before = Problem("warning", "", "", file0, line0).where
        if split == split0:
            message = f"The image is listed before, at {before}."
            problems.append(Problem("warning", DUPLICATE_IMAGE, message, file, line, image))
        else:
            message = f"The image is in the split {split}, and in {split0} at {before}."
            problems.append(Problem("error", "leakage", message, file, line, image))
    if table.format == "keras":
        message = "The path has a blank in it, at which keras-yolo3 splits the line."
        blank = images.filter(pl.col("image").str.contains(r"[ \t]"))
        problems += _of_images(blank, "path-with-space", message)
    known = {(problem.kind, problem.image) for problem in table.problems}
    bare = images.join(table.boxes, on="image_id", how="anti", maintain_order="left")
    message = "The image has no box: it counts as one without objects."
    problems += [
        problem
        for problem in _of_images(bare, "no-boxes", message)
        if ("no-labels", problem.image) not in known
    ]
    return problems


def photo_findings(table: BoxTable, *, deep: bool) -> list[Problem]:
    """Photos that are missing, corrupt, of another size than stated, rotated by Exif, or duplicates."""
    columns = ("image_id", "image", "width_px", "height_px", "split", "path", "file", "line")
    rows: list[_Row] = (
        table.images.with_columns(pl.col("path").fill_null(pl.col("image"))).select(columns).rows()
    )
    headers: list[Header | Problem] = list(read_headers([row[5] for row in rows]))
    if deep:
        readable = [at for at, header in enumerate(headers) if isinstance(header, Header)]
        with ThreadPoolExecutor(_THREADS) as pool:
            faults = pool.map(_fault_within, [rows[at][5] for at in readable])
            for at, fault in zip(readable, faults, strict=True):
                headers[at] = fault or headers[at]
    problems = []
    for row, header in zip(rows, headers, strict=True):
        _, image, width, height, _, _, file, line = row
        if isinstance(header, Problem):
            problems.append(replace(header, file=file, line=line, image=image))
            continue
        message = "" if width is None or height is None else size_fault(header, width, height)
        if message:
            problems.append(Problem("error", SIZE_MISMATCH, f"{message}.", file, line, image))
        if header.orientation != UPRIGHT:
            message = (
                f"The photo is rotated by Exif (orientation {header.orientation}): keras-yolo3 reads it as "
                "stored, ultralytics upright, and the boxes fit only one of them."
            )
            problems.append(Problem("warning", "rotated-photo", message, file, line, image))
    present = [row for row, header in zip(rows, headers, strict=True) if isinstance(header, Header)]
    return problems + list(_same_contents(present))


def _of_images(images: pl.DataFrame, kind: str, message: str) -> Iterator[Problem]:
    for image, file, line in images.select("image", "file", "line").iter_rows():
        yield Problem("warning", kind, message, file, line, image)


def _fault_within(path: str) -> Problem | None:
    """Decode a photo; what is wrong with it, if anything."""
    reason = decoding_fault(path)
    if not reason:
        return None
    return Problem("error", CORRUPT_IMAGE, f"{path} cannot be decoded: {reason}.")


def _same_contents(rows: Sequence[_Row]) -> Iterator[Problem]:
    """Photos under different paths with the same bytes."""
    unique = {os.path.realpath(row[5]): row for row in reversed(rows)}
    sizes = {path: _size_of(path) for path in unique}
    ordered = sorted(unique, key=lambda path: sizes[path])
    alike = [
        path
        for size, group in groupby(ordered, key=lambda path: sizes[path])
        for path in _several(list(group))
        if size >= 0
    ]
    with ThreadPoolExecutor(_THREADS) as pool:
        digests = dict(zip(alike, pool.map(_digest, alike), strict=True))
    first: dict[bytes, _Row] = {}
    for path in sorted(digests, key=lambda path: unique[path][0]):
        digest, row = digests[path], unique[path]
        before = first.setdefault(digest, row) if digest else row
        if before is not row:
            yield _same(row, before)


def _same(row: _Row, before: _Row) -> Problem:
    _, image, _, _, split, _, file, line = row
    where = Problem("warning", "", "", before[6], before[7]).where
    if split == before[4]:
        message = f"The photo has the same contents as {before[1]}, listed at {where}."
        return Problem("warning", "same-contents", message, file, line, image)
    message = (
        f"The photo, in the split {split}, has the same contents as {before[1]} in {before[4]}, listed at "
        f"{where}."
    )
    return Problem("error", "leakage", message, file, line, image)


def _several(paths: list[str]) -> list[str]:
    return paths if len(paths) > 1 else []


def _size_of(path: str) -> int:
    try:
        return os.path.getsize(path_of(path))  # noqa: PTH202 - several times as fast as Path's
    except OSError:
        return -1


def _digest(path: str) -> bytes:
    """A hash of the contents; empty if they cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with BufferedReader(opened(path)) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError:
        return b""
    return digest.digest()
