"""The photos of written annotations: names without folders, and links or copies."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from headlab.boxes.formats.format import Photos
from headlab.boxes.formats.losses import Losses
from headlab.boxes.photos.search import bare_name, is_photo
from headlab.files.existing import is_file
from headlab.files.path_text import path_of


def plain_names(images: pl.DataFrame) -> pl.Series:
    """A file name for each image, without folders; entries of the same image get the same name.

    It is the last part of the image's path, or, where two images share that, the whole path with
    underscores for slashes. Two images never get names that differ only in their suffixes, since they
    would share one label file.
    """
    written = dict.fromkeys(images["image"].to_list())
    bare = {image: _safe(bare_name(image)) for image in written}
    shared = Counter(_stem(name) for name in bare.values())
    taken: set[str] = set()
    names: dict[str, str] = {}
    for image, name in bare.items():
        if shared[_stem(name)] > 1:
            name = _safe(image.replace("\\", "/").strip("/").replace("/", "_"))
        stem, suffix = os.path.splitext(name)  # noqa: PTH122
        unique, number = name, 1
        while _stem(unique) in taken:
            number += 1
            unique = f"{stem}_{number}{suffix}"
        taken.add(_stem(unique))
        names[image] = unique
    by_row: pl.Series = images["image"].replace_strict(names, return_dtype=pl.String)
    return by_row


def place_photos(
    folder: Path,
    sources: Sequence[str | None],
    targets: Sequence[str],
    photos: Photos,
    losses: Losses,
) -> None:
    """Link or copy the photos that exist.

    Args:
        folder: the folder that `targets` are relative to.
        sources: where each photo is; None if unknown.
        targets: where each photo is to be.
        photos: "link" for symbolic links, "copy", or "none".
        losses: gets a warning about photos that do not exist.
    """
    missing = 0
    for source, target in zip(sources, targets, strict=True):
        if source is None or not is_file(source):
            missing += 1
        elif photos == "link":
            (folder / target).symlink_to(os.path.realpath(path_of(source)))
        elif photos == "copy":
            shutil.copyfile(path_of(source), folder / target)
    if photos != "none":
        losses.note("missing-image", missing, "{} no photo to link or copy", of="images")


_REFUSED = '\0\r\n<>:"|?*'


def _stem(name: str) -> str:
    return os.path.splitext(name)[0].casefold()  # noqa: PTH122


def _safe(name: str) -> str:
    """The name with a suffix of photos, and without characters that file systems refuse."""
    cleaned = "".join("_" if char in _REFUSED else char for char in name) or "image"
    return cleaned if is_photo(cleaned) else f"{cleaned}.jpg"
