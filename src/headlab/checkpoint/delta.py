"""A reverse delta: what turns an edited file back into the one it was made from, byte by byte.

The original is described as a list of pieces: a range of bytes to copy from the edited file, or bytes
given literally. Files of the same size are compared byte by byte at the same position. Zip archives of
different sizes have the same entries: each entry is compared with the one of the same name, wherever the edit
has put it, and the bytes between entries with those before the next one. Other files of different sizes have
grown or shrunk at their end (HDF5) or in the header before their numbers (safetensors): each part is compared
with the bytes at the same distance from the beginning and from the end, and the better match counts.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from headlab.checkpoint.pt.archive import LOCAL_HEADER_BYTES
from headlab.errors import CheckpointError

CHUNK_BYTES = 1 << 20
_COMPARED_BYTES = 1 << 16
_SHORTEST_COPY = 32
_MOST_BYTES = 1 << 47
_MOST_GROWTH = 2
_SPARE_BYTES = 1 << 24
"""An edit that can be undone keeps the shapes, so that both files have about the same size."""

_ZIP_MAGIC = b"PK\3\4"


@dataclass(frozen=True)
class Delta:
    """How to restore a file.

    Attributes:
        pieces: (start, length) copies that range of the edited file; start -1 takes the next `length`
            bytes of `literals`.
        literals: the bytes that the edited file no longer has.
    """

    pieces: tuple[tuple[int, int], ...]
    literals: bytes

    def to_json(self) -> dict[str, Any]:
        """Plain values; the literals compressed (zlib) and in base64."""
        packed = base64.b64encode(zlib.compress(self.literals, 9)).decode("ascii")
        return {"pieces": [list(piece) for piece in self.pieces], "literals": packed}

    @staticmethod
    def from_json(data: Any, where: str, restored: int, edited: int) -> Delta:
        """The delta in plain values.

        Args:
            data: the values.
            where: the manifest, for messages.
            restored: how many bytes the original has.
            edited: how many bytes the edited file has.

        Raises:
            CheckpointError: that is not what they are, or not what restores so many bytes.
        """
        try:
            pieces = tuple((_whole(start, -1), _whole(n, 0)) for start, n in data["pieces"])
            _check_lengths(pieces, restored, edited)
            packed = base64.b64decode(data["literals"], validate=True)
            wanted = sum(length for start, length in pieces if start < 0)
            unpacker = zlib.decompressobj()
            literals = unpacker.decompress(packed, wanted + 1)
        except (IndexError, KeyError, TypeError, ValueError, binascii.Error, zlib.error) as error:
            raise CheckpointError(f"{where}: the undo data are damaged: {error}.") from None
        if len(literals) != wanted:
            raise CheckpointError(f"{where}: the undo data are damaged: literal bytes are missing.")
        return Delta(pieces, literals)

    def restored(self, edited: BinaryIO, where: str) -> Iterator[bytes]:
        """The original's bytes, in chunks.

        Raises:
            CheckpointError: a piece reaches past the end of the edited file.
        """
        used = 0
        for start, length in self.pieces:
            if start < 0:
                yield self.literals[used : used + length]
                used += length
                continue
            edited.seek(start)
            left = length
            while left:
                data = edited.read(min(left, CHUNK_BYTES))
                if not data:
                    raise CheckpointError(f"{where}: the edited file is shorter than it was.")
                left -= len(data)
                yield data


def reverse_delta(original: BinaryIO, edited: BinaryIO) -> Delta:
    """Find the delta from an edited file back to the original; both are open for reading."""
    writer = _Writer(original, edited)
    end, edited_end = (file.seek(0, os.SEEK_END) for file in (original, edited))
    if end == edited_end:
        writer.compare(0, end, 0)
    elif _is_archive(original) and _is_archive(edited):
        _compare_entries(writer, original, edited)
    else:
        writer.compare_moved(end, edited_end - end)
    return Delta(tuple(writer.pieces), b"".join(writer.literals))


def _is_archive(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC and zipfile.is_zipfile(file)


def _compare_entries(writer: _Writer, original: BinaryIO, edited: BinaryIO) -> None:
    places = _entry_places(edited)
    edited_end, at = edited.seek(0, os.SEEK_END), 0
    for name, (start, size) in sorted(_entry_places(original).items(), key=lambda item: item[1]):
        if start < at:
            continue
        there, size_there = places.get(name, (start, 0))
        writer.compare(at, start - at, there - (start - at))
        writer.compare(start, min(size, size_there), there)
        writer.literal(start + min(size, size_there), size - min(size, size_there))
        at = start + size
    end = original.seek(0, os.SEEK_END)
    writer.compare(at, end - at, edited_end - (end - at))


class _Writer:
    """Collects pieces, joining those that follow each other."""

    def __init__(self, original: BinaryIO, edited: BinaryIO) -> None:
        self._original = original
        self._edited = edited
        self.pieces: list[tuple[int, int]] = []
        self.literals: list[bytes] = []

    def compare(self, start: int, length: int, there: int) -> None:
        """Describe a range of the original by the bytes at `there` in the edited file."""
        outside = min(max(-there, 0), length)
        self.literal(start, outside)
        for at in range(outside, length, _COMPARED_BYTES):
            self._compare_chunk(start + at, min(_COMPARED_BYTES, length - at), there + at)

    def compare_moved(self, length: int, by: int) -> None:
        """Describe the whole original, some parts of which stayed in place and others moved by some bytes."""
        for at in range(0, length, _COMPARED_BYTES):
            here = min(_COMPARED_BYTES, length - at)
            self.compare(
                at, here, min((at, at + by), key=lambda there: self._apart(at, here, there))
            )

    def _apart(self, start: int, length: int, there: int) -> int:
        """How many bytes of a range of the original differ from those at `there`."""
        outside = min(max(-there, 0), length)
        self._original.seek(start + outside)
        self._edited.seek(there + outside)
        wanted = length - outside
        old_bytes, new_bytes = self._original.read(wanted), self._edited.read(wanted)
        if old_bytes == new_bytes:
            return outside
        both = len(new_bytes)
        old, new = (np.frombuffer(part, np.uint8, both) for part in (old_bytes, new_bytes))
        return length - both + int(np.count_nonzero(old != new))

    def literal(self, start: int, length: int) -> None:
        """Describe a range of the original by its own bytes."""
        if length:
            self._original.seek(start)
            self.literals.append(self._original.read(length))
            self._add(-1, length)

    def _compare_chunk(self, start: int, length: int, there: int) -> None:
        self._original.seek(start)
        self._edited.seek(there)
        old_bytes, new_bytes = self._original.read(length), self._edited.read(length)
        if old_bytes == new_bytes:
            self._copy(there, length)
            return
        old, new = (np.frombuffer(part, np.uint8) for part in (old_bytes, new_bytes))
        both = min(len(old), len(new))
        differs = np.flatnonzero(old[:both] != new[:both])
        at = 0
        for first, last in _runs(differs):
            self._copy(there + at, first - at)
            self.literal(start + first, last - first)
            at = last
        self._copy(there + at, both - at)
        self.literal(start + both, length - both)

    def _copy(self, there: int, length: int) -> None:
        if length > 0:
            self._add(there, length)

    def _add(self, there: int, length: int) -> None:
        if self.pieces:
            last, had = self.pieces[-1]
            follows = last < 0 if there < 0 else (last >= 0 and last + had == there)
            if follows:
                self.pieces[-1] = (last, had + length)
                return
        self.pieces.append((there, length))


def _runs(places: np.ndarray[Any, np.dtype[np.intp]]) -> list[tuple[int, int]]:
    """(first, one past last) of the runs of ascending places, bridging gaps not worth a copy."""
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > _SHORTEST_COPY)
    firsts = places[np.concatenate(([0], breaks + 1))]
    lasts = places[np.concatenate((breaks, [len(places) - 1]))] + 1
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def _entry_places(file: BinaryIO) -> dict[str, tuple[int, int]]:
    """Where each entry's bytes start, and how many they are."""
    found: dict[str, tuple[int, int]] = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            file.seek(info.header_offset + 26)
            name_bytes, extra_bytes = struct.unpack("<HH", file.read(4))
            start = info.header_offset + LOCAL_HEADER_BYTES + name_bytes + extra_bytes
            found[info.filename] = (start, info.file_size)
    return found


def _check_lengths(pieces: tuple[tuple[int, int], ...], restored: int, edited: int) -> None:
    """Check that the pieces make the original, and that it is no larger than it can have been."""
    if restored > _MOST_GROWTH * edited + _SPARE_BYTES:
        raise ValueError(f"{restored:,} bytes cannot come from {edited:,}")
    together = sum(length for _, length in pieces)
    if together != restored:
        raise ValueError(f"the pieces have {together:,} bytes, the original {restored:,}")


def _whole(number: Any, least: int) -> int:
    if type(number) is not int or not least <= number < _MOST_BYTES:
        raise ValueError(f"{str(number)[:40]!r} is not a place in a file")
    return number
