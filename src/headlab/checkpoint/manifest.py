"""The manifest of an edited file: what was done to it, and how to undo it.

`OUT.headlab.json` has headlab's version, name, size and sha256 of the input and the output, the recipes
that were applied, the reverse delta, and the input's companions (small files without which it cannot be
read). An in-place edit keeps the earlier manifest inside as `previous`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from headlab._version import __version__
from headlab.checkpoint.delta import CHUNK_BYTES, Delta
from headlab.errors import CheckpointError, InputError, OutputError
from headlab.files.json_text import parse_json, to_json

SUFFIX = ".headlab.json"


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
    return to_json(data, indent=1).encode("utf-8")


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
    return _manifest(_describing(data, now), path)


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


def _manifest(data: dict[str, Any], path: Path) -> Manifest:
    try:
        undo, previous = data["undo"], data.get("previous")
        return Manifest(
            _facts(data["input"]),
            _facts(data["output"]),
            tuple(data["recipes"]),
            None if undo is None else Delta.from_json(undo, str(path)),
            str(data.get("no_undo", "")),
            previous if isinstance(previous, dict) else None,
            str(data["headlab"]),
            {str(name): _from_text(held) for name, held in data.get("companions", {}).items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: the manifest is damaged: {error!r}.") from None


def _facts(data: Any) -> FileFacts:
    return FileFacts(str(data["name"]), str(data["sha256"]), int(data["bytes"]))


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
