"""Write an edited archive whose tensors keep their shapes: copy the file, patch what was touched.

Storages are overwritten in place, so the copy differs from the file only in the touched elements and
their checksums. Only new class names change the pickle's length; then the archive is laid out
anew, with every other entry copied as it is and kept at a multiple of 64 bytes.
"""

from __future__ import annotations

import pickletools
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.pt.archive import LOCAL_HEADER_BYTES, Archive, Entry
from headlab.checkpoint.pt.objects import Instance
from headlab.checkpoint.pt.tensors import StoredTensor, view
from headlab.checkpoint.pt.unpickle import Pickle
from headlab.checkpoint.tensors import encoded
from headlab.errors import CheckpointError

ALIGNMENT_BYTES = 64
_FRAME_BYTES = 9
_PADDING_FIELD = b"FB"
_CENTRAL_MAGIC = b"PK\x01\x02"
_DESCRIPTOR_MAGIC = b"PK\x07\x08"
_HAS_DESCRIPTOR = 0x8
_NAME_KEYS = ("ema", "model")


def write_patched(
    archive: Archive,
    tensors: Mapping[str, StoredTensor],
    arrays: Mapping[str, NDArray[np.generic]],
    pickle: Pickle,
    class_names: tuple[str, ...] | None,
    file: BinaryIO,
) -> None:
    """Write an edited archive to an open, empty, seekable file.

    Args:
        archive: as it was read.
        tensors: of the network, by name.
        arrays: what some of them become, in the shapes that they have.
        pickle: of the archive.
        class_names: what the classes become; None if they keep their names.
        file: to write to.

    Raises:
        CheckpointError: the input is damaged, or a value does not fit its dtype.
    """
    changed = _changed_storages(archive, tensors, arrays)
    if class_names is not None:
        changed["data.pkl"] = _renamed_pickle(archive, pickle, class_names)
    lengths_kept = all(len(data) == archive.entry(name).size for name, data in changed.items())
    if lengths_kept:
        with archive.path.open("rb") as source:
            shutil.copyfileobj(source, file, 1 << 20)
        _overwrite(archive, changed, file)
    else:
        _lay_out(archive, changed, file)


def _changed_storages(
    archive: Archive,
    tensors: Mapping[str, StoredTensor],
    arrays: Mapping[str, NDArray[np.generic]],
) -> dict[str, bytes]:
    """The new bytes of every storage that the edit touches, by entry name."""
    storages: dict[str, bytearray] = {}
    written: list[tuple[StoredTensor, NDArray[np.generic]]] = []
    for name, array in arrays.items():
        tensor = tensors[name]
        if array.shape != tensor.shape:
            raise CheckpointError(
                f"{archive.path}: {name} has shape {tensor.shape}; an array of shape "
                f"{array.shape} cannot be written in its place."
            )
        entry = f"data/{tensor.storage}"
        if entry not in storages:
            storages[entry] = bytearray(archive.read(entry))
        stored = encoded(tensor, array)
        view(tensor, storages[entry])[...] = stored
        written.append((tensor, stored))
    for tensor, stored in written:
        kept = view(tensor, storages[f"data/{tensor.storage}"])
        if kept.tobytes() != stored.tobytes():
            raise CheckpointError(
                f"{archive.path}: {tensor.name} shares its storage with another tensor that is "
                "given other values.",
                "Give tensors that share memory the same values.",
            )
    return {name: bytes(data) for name, data in storages.items()}


def _renamed_pickle(archive: Archive, pickle: Pickle, names: tuple[str, ...]) -> bytes:
    """The pickle with new class names, in the live network and in the other one of the file.

    Each name is replaced where it is: the old text stays for look-ups of the pickle's memo, is
    popped, and the new text is pushed. Frames (protocol 4), whose lengths would no longer be true, are
    left out: a reader does not need them.
    """
    stream = archive.read("data.pkl")
    inserts: dict[int, bytes] = {}
    for key in _NAME_KEYS:
        network = pickle.root.get(key)
        if not isinstance(network, Instance):
            continue
        held = network.attributes.get("names")
        if not isinstance(held, (dict, list, tuple)) or len(held) != len(names):
            raise CheckpointError(
                f"{archive.path}: {len(names)} class names were given; `{key}` has "
                f"{len(held) if isinstance(held, (dict, list, tuple)) else 'none'}.",
                "Give as many names as the model has classes.",
            )
        ends = pickle.text_ends.get(id(held), {})
        for number, name in enumerate(names):
            if _held(held, number) == name:
                continue
            if number not in ends:
                raise CheckpointError(
                    f"{archive.path}: class {number} has no name in the file to replace.",
                    "Save the model again with names such as {0: 'cat', 1: 'dog'}.",
                )
            text = name.encode("utf-8", "surrogatepass")
            inserts[ends[number]] = b"0X" + struct.pack("<I", len(text)) + text
    return _with_inserts(stream, inserts)


def _held(names: Any, number: int) -> Any:
    try:
        return names[number]
    except (KeyError, IndexError, TypeError):
        return None


def _with_inserts(stream: bytes, inserts: Mapping[int, bytes]) -> bytes:
    if not inserts:
        return stream
    frames = [at or 0 for op, _, at in pickletools.genops(stream) if op.name == "FRAME"]
    skips = dict.fromkeys(frames, _FRAME_BYTES)
    parts, start = [], 0
    for at in sorted({*inserts, *frames}):
        parts += [stream[start:at], inserts.get(at, b"")]
        start = at + skips.get(at, 0)
    return b"".join([*parts, stream[start:]])


def _overwrite(archive: Archive, changed: Mapping[str, bytes], file: BinaryIO) -> None:
    """Put new bytes of the same length into a copy of the archive, and correct the checksums."""
    central = _central_headers(archive)
    for name, data in changed.items():
        entry = archive.entry(name)
        file.seek(entry.start)
        file.write(data)
        crc = struct.pack("<I", zlib.crc32(data))
        for at in _crc_positions(archive, entry, central[entry.name]):
            file.seek(at)
            file.write(crc)
    file.seek(0, 2)


def _crc_positions(archive: Archive, entry: Entry, central: int) -> Iterator[int]:
    """Where an entry's checksum is: central directory, local header, data descriptor after it."""
    yield central + 16
    known = struct.pack("<I", entry.crc)
    end = entry.start + entry.size
    with archive.path.open("rb") as file:
        file.seek(entry.header)
        header = file.read(LOCAL_HEADER_BYTES)
        if header[14:18] == known:
            yield entry.header + 14
        if not struct.unpack_from("<H", header, 6)[0] & _HAS_DESCRIPTOR:
            return
        file.seek(end)
        tail = file.read(8)
    if tail == _DESCRIPTOR_MAGIC + known:
        yield end + 4
    elif tail[:4] == known:  # the signature is optional
        yield end


def _central_headers(archive: Archive) -> dict[str, int]:
    """Where each entry's header in the central directory begins."""
    with zipfile.ZipFile(archive.path) as listed:
        at = listed.start_dir
        count = len(listed.infolist())
    found: dict[str, int] = {}
    with archive.path.open("rb") as file:
        for _ in range(count):
            file.seek(at)
            header = file.read(46)
            if header[:4] != _CENTRAL_MAGIC:
                raise CheckpointError(f"{archive.path}: the zip directory is damaged.")
            flags = struct.unpack_from("<H", header, 8)[0]
            name_bytes, extra_bytes, comment_bytes = struct.unpack_from("<HHH", header, 28)
            encoding = "utf-8" if flags & 0x800 else "cp437"
            found[file.read(name_bytes).decode(encoding)] = at
            at += 46 + name_bytes + extra_bytes + comment_bytes
    return found


def _lay_out(archive: Archive, changed: Mapping[str, bytes], file: BinaryIO) -> None:
    """Write the archive anew, every entry uncompressed and aligned as torch.save does it."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as out:
        for name, entry in archive.entries.items():
            data = changed[name] if name in changed else archive.read(name)
            info = zipfile.ZipInfo(entry.name)
            header = LOCAL_HEADER_BYTES + len(entry.name.encode("utf-8"))
            padding = -(file.tell() + header + 4) % ALIGNMENT_BYTES
            info.extra = _PADDING_FIELD + struct.pack("<H", padding) + b"Z" * padding
            out.writestr(info, data)
