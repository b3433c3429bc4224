"""A darknet `.weights` file: a header, then little-endian float32 numbers, convolution by convolution.

Header: major, minor and revision as int32, then `seen`, the number of images of the training: in eight bytes
from version 0.2 on, in four before it and in versions of 1000 or more (darknet's `load_weights_upto`). Other
programs write one and say the other; how many numbers follow then tells which.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.tensors import Tensor, encoded
from headlab.checkpoint.yolov3.architecture import Convolution
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.shapes import check_shapes
from headlab.errors import CheckpointError

FLOAT_BYTES = 4
_VERSION = struct.Struct("<3i")
_LONG, _SHORT = struct.Struct("<Q"), struct.Struct("<I")
_UNLIKELY_VERSION = 100_000
_LONG_VERSION = (0, 2, 0)


_PAGE = ("a web page", "Download the file itself again, not the page that leads to it.")
OTHER_FILES = (
    (b"<!doctype", *_PAGE),
    (b"<html", *_PAGE),
    (b"version https:", "a pointer of Git LFS", "Fetch the file itself again, with git lfs pull."),
    (b"pk\x03\x04", "a zip archive", "Unpack it."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it with gunzip."),
)
"""What is found under the name of a weights file: how it begins in lower case, what it is, what to do."""


@dataclass(frozen=True)
class Header:
    """What a `.weights` file begins with.

    Attributes:
        version: major, minor, revision.
        seen: how many images the training has seen.
        contradicts: whether `seen` has the length that the version does not say.
    """

    version: tuple[int, int, int]
    seen: int
    contradicts: bool = False

    @property
    def _seen(self) -> struct.Struct:
        return _LONG if _has_long_seen(self.version) != self.contradicts else _SHORT

    @property
    def size_bytes(self) -> int:
        """Its length in the file: 20 bytes, 16 in old versions."""
        return _VERSION.size + self._seen.size

    def to_bytes(self) -> bytes:
        """As the file has it.

        Raises:
            CheckpointError: a number does not fit.
        """
        try:
            return _VERSION.pack(*self.version) + self._seen.pack(self.seen)
        except struct.error as error:
            raise CheckpointError(
                f"Version {version_text(self.version)} and seen {self.seen} do not fit the header of a "
                ".weights file."
            ) from error


def version_text(version: tuple[int, int, int]) -> str:
    """Such as "0.2.5"."""
    return ".".join(map(str, version))


def _has_long_seen(version: tuple[int, int, int]) -> bool:
    major, minor, _ = version
    return major * 10 + minor >= 2 and major < 1000 and minor < 1000


@dataclass(frozen=True)
class StoredWeights:
    """A `.weights` file's header, and how many numbers follow it.

    Attributes:
        path: the file.
        header: what it begins with.
        floats: how many numbers follow.
        other: the header read with the length that its version does not say; None if the file is too short.
    """

    path: Path
    header: Header
    floats: int
    other: Header | None = None

    @property
    def readings(self) -> tuple[StoredWeights, ...]:
        """The file as its version says, and as it would be with the header's other length."""
        if self.other is None:
            return (self,)
        floats = self.floats + (self.header.size_bytes - self.other.size_bytes) // FLOAT_BYTES
        return self, StoredWeights(self.path, self.other, floats)

    def holding(self, floats: int) -> StoredWeights | None:
        """The reading that has so many numbers; None: none has."""
        return next((each for each in self.readings if each.floats == floats), None)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is unusual about the header."""
        if not self.header.contradicts:
            return ()
        held = self.header.size_bytes - _VERSION.size
        return (
            f"{self.path}: by its version, {version_text(self.header.version)}, the header has "
            f"{_LONG.size + _SHORT.size - held} bytes for the images seen; it has {held}, "
            "since only then the numbers after it are those of the network. It was read so.",
        )

    def read(self, floats: int, first: int = 0) -> NDArray[np.float32]:
        """Read a range of the numbers into new memory.

        Args:
            floats: how many.
            first: the number of the first one.

        Raises:
            CheckpointError: the file cannot be read, or is shorter than it was.
        """
        numbers = np.empty(floats, np.dtype("<f4"))
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self.header.size_bytes + FLOAT_BYTES * first)
                read = _fill(file, numbers)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if read < numbers.nbytes:
            raise CheckpointError(
                f"{self.path}: the file became shorter while it was read.", "Read it again."
            )
        return numbers

    def read_all(self, convolutions: Iterable[Convolution]) -> dict[str, NDArray[np.float32]]:
        """Read the first convolutions' tensors in one go: views of one block of memory, by name.

        Raises:
            CheckpointError: the file cannot be read, or is shorter than it was.
        """
        places, floats = laid_out(convolutions)
        numbers = self.read(floats)
        return {
            name: numbers[place.first : place.end].reshape(place.tensor.shape)
            for name, place in places.items()
        }


def _fill(file: BinaryIO, numbers: NDArray[np.float32]) -> int:
    """Read until the memory is full or the file ends: one call need not read everything."""
    memory = numbers.data.cast("B") if numbers.size else memoryview(b"")
    done = 0
    while done < len(memory):
        read = file.readinto(memory[done:])  # type: ignore[attr-defined]
        if not read:
            break
        done += read
    return done


@dataclass(frozen=True)
class Place:
    """Where a tensor is among the numbers after the header: from `first` up to `end`."""

    tensor: Tensor
    first: int

    @property
    def end(self) -> int:
        """The number after its last one."""
        return self.first + self.tensor.numel


def laid_out(convolutions: Iterable[Convolution]) -> tuple[dict[str, Place], int]:
    """The places of the tensors in file order, by name, and how many numbers they are."""
    places: dict[str, Place] = {}
    first = 0
    for convolution in convolutions:
        tensors = {tensor.name: tensor for tensor in convolution.tensors}
        for name in convolution.darknet_order:
            places[name] = Place(tensors[name], first)
            first = places[name].end
    return places, first


def open_weights(path: Path) -> StoredWeights:
    """Read a `.weights` file's header and size.

    Raises:
        CheckpointError: the file cannot be read, or does not begin like a `.weights` file.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_VERSION.size + _LONG.size)
            size_bytes = file.seek(0, 2)
    except OSError as error:
        raise _unreadable(path, error) from error
    header, other = _headers(start, path)
    floats, rest = divmod(size_bytes - header.size_bytes, FLOAT_BYTES)
    if rest:
        raise CheckpointError(
            f"{path}: the file ends within a number: {rest} bytes follow the last whole one.",
            "It was cut short, or is not a darknet file. Copy or download it again.",
        )
    return StoredWeights(path, header, floats, other)


def begins_like_darknet(start: bytes) -> bool:
    """Whether a file's first bytes are three small numbers, as a version is."""
    if len(start) < _VERSION.size:
        return False
    return all(0 <= number < _UNLIKELY_VERSION for number in _VERSION.unpack_from(start))


def _headers(start: bytes, path: Path) -> tuple[Header, Header | None]:
    """The header as its version says, and with the other length."""
    hint = "Give the .weights file that darknet wrote; download it again if it was cut short."
    for beginning, what, remedy in OTHER_FILES:
        if start.lower().startswith(beginning):
            raise CheckpointError(f"{path}: this is {what}, not a darknet file.", remedy)
    if len(start) < _VERSION.size:
        raise CheckpointError(
            f"{path}: {len(start)} bytes are too few for the header of a .weights file.", hint
        )
    major, minor, revision = _VERSION.unpack_from(start)
    if not begins_like_darknet(start):
        raise CheckpointError(
            f"{path}: this is not a darknet file: it begins with {start[:12]!r} instead of a version.",
            hint,
        )
    version = (major, minor, revision)
    readings = []
    for contradicts in (False, True):
        empty = Header(version, 0, contradicts)
        if len(start) >= empty.size_bytes:
            seen = int.from_bytes(start[_VERSION.size : empty.size_bytes], "little")
            readings.append(Header(version, seen, contradicts))
    if not readings or readings[0].contradicts:
        raise CheckpointError(f"{path}: the file ends within its header.", hint)
    return readings[0], readings[1] if len(readings) > 1 else None


def write_darknet(model: Yolov3Checkpoint, file: BinaryIO) -> None:
    """Write a model of any format, as edited, as a `.weights` file.

    The numbers are written as they are. darknet adds 1e-6 to a variance, whatever the description says:
    `headlab.checkpoint.yolov3.epsilon` prepares models that were made for another epsilon.

    Raises:
        CheckpointError: the input is damaged, or a number does not fit float32 or the header.
    """
    described = model.description
    version = described.darknet_version
    if described.seen >> (8 * _SHORT.size) and not _has_long_seen(version):
        version = _LONG_VERSION  # what read it had eight bytes, against its version
    file.write(Header(version, described.seen).to_bytes())
    check_shapes(model, described.architecture)
    places, _ = laid_out(described.architecture.convolutions)
    for name, place in places.items():
        file.write(as_stored(place.tensor, model.array(name)))


def as_stored(tensor: Tensor, numbers: NDArray[np.generic]) -> memoryview:
    """Numbers as the bytes of the file.

    Raises:
        CheckpointError: a finite number does not fit float32.
    """
    if numbers.dtype != np.float32:
        numbers = encoded(tensor, numbers)
    flat = np.ascontiguousarray(numbers, np.dtype("<f4")).reshape(-1)
    return flat.data.cast("B")


def _unreadable(path: Path, error: OSError) -> CheckpointError:
    reason = error.strerror or str(error)
    return CheckpointError(f"{path}: cannot be read: {reason}.", "Check the path.")
