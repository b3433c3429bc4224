"""HDF5 files read with care: only what is in the file itself, only plain arrays, no more than fits.

HDF5 can point to other files (external links, external and virtual datasets) and to itself (soft links).
Keras writes none of these, and a model file must not make us read other files: they are refused.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headlab.errors import CheckpointError, HeadlabError

if TYPE_CHECKING:
    import h5py

_MOST_NAMES = 10_000
_LARGEST_ATTRIBUTE_BYTES = 2**24
_SMALL_BYTES = 2**26
_MOST_UNPACKED = 1100
"""Deflate, HDF5's usual compression, packs by at most this factor."""
_COPY_AGAIN = "Copy the file again, or save the model again with Keras."


@dataclass(frozen=True)
class StoredArray:
    """One dataset of floating-point numbers.

    Attributes:
        path: in the file, such as "/conv2d_1/conv2d_1/kernel:0".
        shape: as stored.
    """

    path: str
    shape: tuple[int, ...]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """A file for reading; whatever HDF5 finds wrong with it becomes headlab's error.

    Raises:
        CheckpointError: the file cannot be read, or is damaged.
    """
    import h5py

    try:
        path.open("rb").close()  # says why it cannot be read better than HDF5 does
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise CheckpointError(f"{path}: {reason}.", "Give the path of a file.") from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except HeadlabError:
        raise
    except Exception as error:  # h5py raises nearly every built-in error for damaged files
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> CheckpointError:
    """What to say where HDF5 itself fails."""
    reason = " ".join(str(error).split())[:200]
    return CheckpointError(f"{path}: a damaged HDF5 file: {ascii(reason)[1:-1]}.", _COPY_AGAIN)


class Reader:
    """An open file's groups, names and arrays; every error names the file and the place in it."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self.file = file

    def error(self, problem: str, hint: str = _COPY_AGAIN) -> CheckpointError:
        """An error about the file."""
        return CheckpointError(f"{self.path}: {problem}", hint)

    def group(self, place: str) -> h5py.Group:
        """The group of that path.

        Raises:
            CheckpointError: there is none.
        """
        import h5py

        found = self._object(place)
        if not isinstance(found, h5py.Group):
            raise self.error(f"{place!r} is an array; a group of arrays was expected.")
        return found

    def has_group(self, place: str) -> bool:
        """Whether there is a group of that path."""
        import h5py

        return self.has(place) and isinstance(self._object(place), h5py.Group)

    def has(self, place: str) -> bool:
        """Whether there is an object of that path, whose last part is not followed if it is a link."""
        outer, _, name = place.strip("/").rpartition("/")
        return (not outer or self.has(outer)) and name in (self.group(outer))

    def children(self, place: str) -> list[str]:
        """The names in a group, sorted by HDF5.

        Raises:
            CheckpointError: there are too many.
        """
        found = self.group(place)
        if len(found) > _MOST_NAMES:
            raise self.error(f"{place!r} holds {len(found)} objects.", "It is not a YOLOv3 model.")
        return [str(name) for name in found]

    def array(self, place: str) -> StoredArray:
        """The dataset of that path, without its numbers.

        Raises:
            CheckpointError: there is none, or it is not a plain array of floating-point numbers.
        """
        dataset = self.dataset(place)
        self._check_size(place, dataset)
        if dataset.dtype.kind != "f" or dataset.dtype.itemsize > 8:
            raise self.error(
                f"{place!r} holds {dataset.dtype}; floating-point numbers were expected."
            )
        return StoredArray(place, tuple(int(length) for length in dataset.shape))

    def _check_size(self, place: str, dataset: h5py.Dataset) -> None:
        """Refuse an array that would unpack to far more than the file can hold."""
        claimed = math.prod(dataset.shape) * dataset.dtype.itemsize
        held = self.path.stat().st_size * (1 if dataset.chunks is None else _MOST_UNPACKED)
        if claimed > max(_SMALL_BYTES, held):
            raise self.error(
                f"{place!r} claims {claimed:,} bytes with its shape {dataset.shape}; the file "
                "cannot hold them."
            )

    def dataset(self, place: str) -> h5py.Dataset:
        """The dataset of that path, if its bytes are in this file.

        Raises:
            CheckpointError: there is none, or it is in another file.
        """
        import h5py

        found = self._object(place)
        if not isinstance(found, h5py.Dataset):
            raise self.error(f"{place!r} is a group; an array was expected.")
        if found.external or found.is_virtual:
            raise self.error(f"{place!r} is in another file, which headlab does not read.")
        if found.shape is None:
            raise self.error(f"{place!r} is empty.")
        return found

    def float32(self, array: StoredArray) -> NDArray[np.float32]:
        """An array's numbers; float16 and float64 are converted.

        Raises:
            CheckpointError: a number is too large for float32.
        """
        stored = np.asarray(self.dataset(array.path)[...])
        if stored.dtype == np.float32:
            return stored.astype("=f4", copy=False)
        with np.errstate(over="ignore"):
            numbers = stored.astype(np.float32)
        if np.any(np.isfinite(stored) & ~np.isfinite(numbers)):
            raise self.error(f"{array.path!r} holds numbers too large for float32.")
        return numbers

    def names(self, place: str, key: str) -> list[str] | None:
        """A list of names in a group's attribute, which Keras splits into KEY0, KEY1, … when it is long.

        Returns:
            The names; None if there is no such attribute.

        Raises:
            CheckpointError: it is not a list of names.
        """
        attributes = self.group(place).attrs
        if key in attributes:
            return self._texts(place, key)
        found: list[str] = []
        part = 0
        while f"{key}{part}" in attributes:
            found += self._texts(place, f"{key}{part}")
            part += 1
        return found if part else None

    def _texts(self, place: str, key: str) -> list[str]:
        attributes = self.group(place).attrs
        stored = attributes.get_id(key)
        count = math.prod(stored.shape or ())
        if count > _MOST_NAMES or count * stored.dtype.itemsize > _LARGEST_ATTRIBUTE_BYTES:
            raise self.error(f"the attribute {key!r} of {place!r} is too long.")
        value: Any = attributes[key]
        texts = []
        for item in np.asarray(value).ravel().tolist():
            text = item.decode("utf-8", "surrogateescape") if isinstance(item, bytes) else item
            if not isinstance(text, str):
                raise self.error(f"the attribute {key!r} of {place!r} does not hold names.")
            texts.append(text)
        return texts

    def _object(self, place: str) -> object:
        """The object of a path, reached without following soft or external links."""
        import h5py

        found: Any = self.file
        parts = [part for part in place.split("/") if part]
        for depth, part in enumerate(parts):
            here = "/" + "/".join(parts[:depth])
            if not isinstance(found, h5py.Group):
                raise self.error(f"{here!r} is an array; a group of arrays was expected.")
            if part == "." or part not in found:
                raise self.error(f"{here!r} lacks {part!r}.")
            if not isinstance(found.get(part, getlink=True), h5py.HardLink):
                raise self.error(
                    f"{part!r} in {here!r} is a link to another place or file.",
                    "Keras writes no links: headlab follows none.",
                )
            found = found[part]
        return found
