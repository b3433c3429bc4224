"""What photos and boxes a training began with, so that it is resumed with the same, wherever they lie now."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BufferedReader
from typing import Any

from headlab.boxes.photos.search import bare_name
from headlab.files.opening import opened
from headlab.train.data.photos import Boxes, Photos

_END_BYTES = 32 * 1024
"""Of a large photo only so much of its beginning and of its end is read: there may be many."""

_THREADS = 8
_SHOWN = 3

_Row = tuple[str, str, str]
"""A photo's name without its folder, and digests of its file and of its boxes."""


def fingerprint(train: Photos, val: Photos | None) -> str:
    """A text that differs if a photo, a box or a class does; not if the data set is moved.

    A photo is recognised by its name, its size, its beginning and its end.
    """
    parts = {"train": _rows(train), "val": None if val is None else _rows(val)}
    return json.dumps({"classes": list(train.class_names), **parts}, separators=(",", ":"))


def changes(before: str, now: str) -> str:
    """What has changed between two fingerprints, such as "3.jpg has other boxes"; empty for nothing."""
    old, new = json.loads(before), json.loads(now)
    said = list(_changes(old, new))
    more = f" and {len(said) - _SHOWN:,} more changes" if len(said) > _SHOWN else ""
    return "; ".join(said[:_SHOWN]) + more


def _changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    if old["classes"] != new["classes"]:
        yield f"the classes were {', '.join(old['classes'])}, and are {', '.join(new['classes'])}"
    for part, what in (("train", "train on"), ("val", "validate on")):
        before, now = ([tuple(row) for row in each[part] or ()] for each in (old, new))
        yield from _changed_rows(before, now, what)


def _changed_rows(before: Sequence[_Row], now: Sequence[_Row], what: str) -> Iterator[str]:
    """What has changed in the photos to train on, or to validate on."""
    names = [Counter(row[0] for row in rows) for rows in (before, now)]
    for name in names[0] - names[1]:
        yield f"{name} is no longer among the photos to {what}"
    for name in names[1] - names[0]:
        yield f"{name} is new among the photos to {what}"
    if [row[0] for row in before] == [row[0] for row in now]:
        pairs = list(zip(before, now, strict=True))
    elif names[0] == names[1]:
        yield f"the photos to {what} are in another order"
        return
    else:
        # Those with a name that no other photo has; the others cannot be told apart.
        single = {row[0]: row for row in now if names[1][row[0]] == 1}
        pairs = [(row, single[row[0]]) for row in before if row[0] in single]
    for old, new in pairs:
        if old[1] != new[1]:
            yield f"{old[0]} is another photo"
        elif old[2] != new[2]:
            yield f"{old[0]} has other boxes"


def _rows(photos: Photos) -> list[_Row]:
    with ThreadPoolExecutor(_THREADS) as pool:
        files = pool.map(_file_digest, photos.paths)
        return [
            (bare_name(path), file, _boxes_digest(boxes))
            for path, file, boxes in zip(photos.paths, files, photos.boxes, strict=True)
        ]


def _file_digest(path: str) -> str:
    """A digest of a photo's file; empty if it cannot be read."""
    try:
        with BufferedReader(opened(path)) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            content = file.read(2 * _END_BYTES if size <= 2 * _END_BYTES else _END_BYTES)
            if size > 2 * _END_BYTES:
                file.seek(-_END_BYTES, os.SEEK_END)
                content += file.read(_END_BYTES)
    except (OSError, ValueError):
        return ""
    return _digest(size.to_bytes(8, "little") + content)


def _boxes_digest(boxes: Boxes) -> str:
    return _digest(boxes.astype("<f4").tobytes())


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()
