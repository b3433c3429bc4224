"""The zip archive around a checkpoint: where each entry's bytes are in the file.

torch.save stores every entry uncompressed and starts its bytes at a multiple of 64, so that a storage
can be mapped into memory in place. headlab therefore addresses entries by their place in the file,
and refuses archives that compress them.
"""

from __future__ import annotations

import itertools
import os
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from headlab.checkpoint.model_path import check_model_path
from headlab.errors import CheckpointError

LOCAL_HEADER_BYTES = 30
_ZIP_MAGIC = b"PK\x03\x04"
_LEGACY_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
_ENCRYPTED = 0x1
_BROKEN = (NotImplementedError, ValueError, OverflowError, OSError, struct.error)
"""What zipfile raises on a damaged directory, in addition to its own error."""


@dataclass(frozen=True)
class Entry:
    """One entry of the archive; `start` and `size` are bytes in the file, `crc` is its CRC-32."""

    name: str
    start: int
    size: int
    crc: int
    header: int


@dataclass(frozen=True)
class Archive:
    """A zip archive of uncompressed entries.

    Attributes:
        path: the file.
        entries: by name without the archive's top folder, such as "data.pkl" or "data/17".
        folder: the name of the top folder.
    """

    path: Path
    entries: dict[str, Entry]
    folder: str

    @cached_property
    def size(self) -> int:
        """The file's size in bytes."""
        return self.path.stat().st_size

    def entry(self, name: str) -> Entry:
        """Find an entry.

        Raises:
            CheckpointError: the archive has none of that name.
        """
        if name not in self.entries:
            raise CheckpointError(
                f"{self.path}: the archive has no entry {self.folder}/{name}.",
                "The file is incomplete, or was not written by torch.save; copy or download it again.",
            )
        return self.entries[name]

    def read(self, name: str, *, most_bytes: int | None = None) -> bytes:
        """Read an entry whole, and check it against its CRC-32.

        Args:
            name: the entry.
            most_bytes: how large it may be; None for as large as the file.

        Raises:
            CheckpointError: there is no such entry, it is larger, or its bytes are damaged.
        """
        entry = self.entry(name)
        if most_bytes is not None and entry.size > most_bytes:
            raise CheckpointError(
                f"{self.path}: {self.folder}/{name} has {entry.size:,} bytes; at most {most_bytes:,} "
                "were expected.",
                "No checkpoint of a network has so many there: do not use the file.",
            )
        with self.path.open("rb") as file:
            file.seek(entry.start)
            data = file.read(entry.size)
        if len(data) != entry.size or zlib.crc32(data) != entry.crc:
            raise CheckpointError(
                f"{self.path}: the bytes of {self.folder}/{name} do not match their checksum.",
                "The file is damaged; copy or download it again.",
            )
        return data


def open_archive(path: Path) -> Archive:
    """Read a zip file's directory.

    Raises:
        CheckpointError: the file is missing, not a zip, truncated, or of a kind that is not read.
    """
    _check_is_zip(path)
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            _check_is_no_script(path, archive.namelist())
            listed = [_located(path, file, info) for info in archive.infolist()]
        _check_apart(listed)
    except (zipfile.BadZipFile, *_BROKEN) as error:
        raise CheckpointError(
            f"{path}: the zip archive cannot be read: {error}.",
            "The file is truncated or damaged; copy or download it again.",
        ) from error
    folders = {entry.name.partition("/")[0] for entry in listed}
    if len(folders) != 1:
        raise CheckpointError(
            f"{path}: a checkpoint keeps all entries in one folder; this archive has "
            f"{len(folders)} at its top.",
            "It is a zip file, but torch.save did not write it.",
        )
    entries: dict[str, Entry] = {}
    for entry in listed:
        name = entry.name.partition("/")[2]
        if name in entries:
            raise CheckpointError(
                f"{path}: the archive has two entries {entry.name!r}; which one is meant is unknown.",
                "torch.save never writes that: do not use the file.",
            )
        entries[name] = entry
    return Archive(path, entries, folders.pop())


def _check_is_no_script(path: Path, names: list[str]) -> None:
    if any(name.endswith("/constants.pkl") for name in names):
        raise CheckpointError(
            f"{path}: this zip archive is a TorchScript export.",
            "Give the .pt file that the training wrote, such as best.pt.",
        )


def _located(path: Path, file: BinaryIO, info: zipfile.ZipInfo) -> Entry:
    if info.flag_bits & _ENCRYPTED or info.compress_type != zipfile.ZIP_STORED:
        how = "encrypted" if info.flag_bits & _ENCRYPTED else "compressed"
        raise CheckpointError(
            f"{path}: the entry {info.orig_filename!r} is {how}; torch.save stores entries as they are.",
            "Load it with PyTorch and save it again, if you trust the file.",
        )
    file.seek(info.header_offset)
    header = file.read(LOCAL_HEADER_BYTES)
    if len(header) != LOCAL_HEADER_BYTES or header[:4] != _ZIP_MAGIC:
        raise zipfile.BadZipFile(f"no local header for {info.orig_filename!r}")
    name_bytes, extra_bytes = struct.unpack_from("<HH", header, 26)
    start = info.header_offset + LOCAL_HEADER_BYTES + name_bytes + extra_bytes
    if info.compress_size != info.file_size:
        raise zipfile.BadZipFile(f"{info.orig_filename!r} has two sizes")
    if start + info.file_size > os.fstat(file.fileno()).st_size:
        raise zipfile.BadZipFile(f"{info.orig_filename!r} reaches past the end of the file")
    return Entry(info.orig_filename, start, info.file_size, info.CRC, info.header_offset)


def _check_apart(entries: list[Entry]) -> None:
    """Refuse entries that share bytes: patching one would damage the other."""
    ordered = sorted(entries, key=lambda entry: entry.header)
    for first, second in itertools.pairwise(ordered):
        if first.start + first.size > second.header:
            raise zipfile.BadZipFile(f"{first.name!r} and {second.name!r} overlap")


def _check_is_zip(path: Path) -> None:
    check_model_path(path)
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from None
    if head.startswith(_ZIP_MAGIC):
        return
    if head[257:262] == b"ustar" or _LEGACY_MAGIC in head[:32]:
        raise CheckpointError(
            f"{path}: this is a checkpoint in the format of PyTorch before 1.6.",
            "If you trust the file, load it with torch.load and save it again with torch.save.",
        )
    raise CheckpointError(
        f"{path}: not a zip archive, so not a checkpoint that torch.save wrote"
        + (" (the file is empty)." if not head else "."),
        "headlab reads ultralytics .pt files (YOLOv8 and later), and YOLOv3's .weights, .h5 and "
        ".safetensors.",
    )
