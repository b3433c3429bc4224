"""The manifest of an edited file: what was done to it, and how to undo it.

`OUT.headlab.json` has headlab's version, name, size and sha256 of the input and the output, the recipes
that were applied, the reverse delta, and the input's companions (small files without which it cannot be
read). An in-place edit keeps the earlier manifest inside as `previous`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from headlab._version import __version__
from headlab.checkpoint.delta import CHUNK_BYTES, Delta
from headlab.checkpoint.plain import encodable
from headlab.errors import CheckpointError, InputError, OutputError
from headlab.files.json_text import parse_json, to_json

SUFFIX = ".headlab.json"
_COMPANION = re.compile(r"(?!\.(pt|h5|hdf5|weights|safetensors)$)[._][a-z]{1,20}(\.txt)?")
_LONGEST_SUFFIX = 64
_LONGEST_REASON = 200
_MOST_BYTES = 1 << 47


@dataclass(frozen=True)
class FileFacts:
    """A file's identity; `bytes` is its size."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """What was done to a file.

    Attributes:
        input: the file that was edited.
        output: the file that the edit wrote.
        recipes: what was applied, in this order, as plain values.
        undo: how to restore the input from the output; None if that is impossible.
        no_undo: why it is impossible; empty if it is not.
        previous: the manifest that the file had before, as plain values.
        headlab: the version that wrote it.
        companions: the companion files of the input: what follows its stem -> contents.
    """

    input: FileFacts
    output: FileFacts
    recipes: tuple[Any, ...]
    undo: Delta | None
    no_undo: str = ""
    previous: dict[str, Any] | None = None
    headlab: str = __version__
    companions: Mapping[str, bytes] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The manifest as the content of its file."""
        data: dict[str, Any] = {
            "headlab": self.headlab,
            "input": asdict(self.input),
            "output": asdict(self.output),
            "recipes": list(self.recipes),
            "undo": self.undo.to_json() if self.undo else None,
        }
        if self.no_undo:
            data["no_undo"] = self.no_undo
        if self.companions:
            data["companions"] = {
                name: _as_text(contents) for name, contents in self.companions.items()
            }
        if self.previous is not None:
            data["previous"] = self.previous
        return as_json(data)


def as_json(data: Mapping[str, Any]) -> bytes:
    """A manifest's plain values as the content of its file."""
    return to_json(data, indent=1).encode(
        "utf-8", "backslashreplace"
    )  # half a pair, as JSON escapes it


def path_for(model: Path) -> Path:
    """Where a model file's manifest is; a link's is next to the file that it leads to."""
    target = model.resolve() if model.is_symlink() else model
    return target.with_name(target.name + SUFFIX)


def read_manifest(model: Path, now: FileFacts) -> Manifest:
    """Read the manifest of an edited file: the one that describes it as it is now, if there is one.

    Manifests nest. After a crash in the middle of an edit in place, the outer one describes a file that
    was never finished, and the one inside belongs to the file that is there.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    path = path_for(model)
    data = _read_plain(path)
    if data is None:
        raise CheckpointError(
            f"{model}: there is no manifest {path.name} next to it.",
            "Only a file that headlab edited can be undone, as long as its manifest is there.",
        )
    return _manifest(_describing(data, now), path, now)


def earlier_manifest(model: Path, now: FileFacts | None = None) -> dict[str, Any] | None:
    """The manifest that a file has before it is edited, as plain values; None if it has none.

    Args:
        model: the file that will be replaced.
        now: its facts, to choose among nested manifests; None takes the outer one.

    Raises:
        OutputError: another program's file has the manifest's name, and would be lost.
    """
    path = path_for(model)
    try:
        data = _read_plain(path)
    except CheckpointError:
        data = {}
    if data is not None and not {"headlab", "input", "output"} <= set(data):
        raise OutputError(
            f"{path} is in the place of the manifest, but is not one.",
            "Move it away, or write the model under another name.",
        )
    return _describing(data, now) if data is not None and now else data


def facts(name: str, file: BinaryIO) -> FileFacts:
    """Size and sha256 of an open file."""
    file.seek(0)
    return facts_of(name, iter(lambda: file.read(CHUNK_BYTES), b""))


def facts_of(name: str, chunks: Iterable[bytes]) -> FileFacts:
    """Size and sha256 of bytes that come in chunks."""
    digest, count = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        count += len(chunk)
    return FileFacts(name, digest.hexdigest(), count)


def same_bytes(one: FileFacts, other: FileFacts) -> bool:
    """Whether two files have the same content, whatever their names."""
    return (one.sha256, one.bytes) == (other.sha256, other.bytes)


def _read_plain(path: Path) -> dict[str, Any] | None:
    try:
        data = parse_json(path.read_bytes(), "the manifest is damaged")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}.") from None
    except InputError as error:
        raise CheckpointError(f"{path}: {error.message}") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: the manifest is damaged: it is not a JSON object.")
    return data


def _describing(data: dict[str, Any], now: FileFacts) -> dict[str, Any]:
    """The manifest, among those nested in one another, whose output the file is; else the outer one."""
    inner: Any = data
    while isinstance(inner, dict):
        output = inner.get("output")
        if isinstance(output, dict) and output.get("sha256") == now.sha256:
            return inner
        inner = inner.get("previous")
    return data


def _manifest(data: dict[str, Any], path: Path, now: FileFacts) -> Manifest:
    try:
        undo, previous = data["undo"], data.get("previous")
        before, after = _facts(data["input"]), _facts(data["output"])
        return Manifest(
            before,
            after,
            tuple(data["recipes"]),
            None if undo is None else Delta.from_json(undo, str(path), before.bytes, now.bytes),
            encodable(str(data.get("no_undo", ""))),
            previous if isinstance(previous, dict) else None,
            str(data["headlab"]),
            {_suffix(name): _from_text(held) for name, held in data.get("companions", {}).items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = encodable(f"{error!r}"[:_LONGEST_REASON])
        raise CheckpointError(
            f"{path}: the manifest is damaged: {reason}.",
            "Only the manifest as headlab wrote it can be used.",
        ) from None


def _facts(data: Any) -> FileFacts:
    """A file's facts; the name is only shown, never opened."""
    name, digest, count = data["name"], data["sha256"], data["bytes"]
    if not (isinstance(name, str) and isinstance(digest, str) and type(count) is int):
        raise ValueError("a file's name, sha256 and size were expected")
    if not 0 <= count < _MOST_BYTES:
        raise ValueError("a file's size is out of range")
    return FileFacts(encodable(name), encodable(digest), count)


def _suffix(name: str) -> str:
    """What follows a model's stem in the name of a companion file, which is written next to the model."""
    if not _COMPANION.fullmatch(name):
        raise ValueError(f"{name[:_LONGEST_SUFFIX]!r} is not the ending of a companion file")
    return name


def _as_text(contents: bytes) -> dict[str, str]:
    """Text as it is, so that people can read it; what is not UTF-8, in base64."""
    try:
        return {"text": contents.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(contents).decode("ascii")}


def _from_text(data: Mapping[str, str]) -> bytes:
    if "text" in data:
        return data["text"].encode("utf-8")
    return base64.b64decode(data["base64"], validate=True)
