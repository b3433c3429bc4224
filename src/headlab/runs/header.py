"""run.json: how a run was made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from headlab._version import __version__
from headlab.checkpoint.checkpoint import Checkpoint
from headlab.errors import InputError
from headlab.files.atomic import write_bytes
from headlab.files.json_text import read_json, to_json
from headlab.heads.detection import DetectionRules, Refusal
from headlab.heads.layout import ClassRows, Layout, Level
from headlab.runs.schema import HEADER, VERSION

_AGAIN = "Make the run again."


@dataclass(frozen=True)
class Header:
    """How a run was made.

    Attributes:
        model: the model's file, as the user named it.
        fingerprint: of the model's tensors and class names.
        layout: the head's description.
        floor: candidates are stored that score above this.
        forward: the settings that decide what the network makes of an image: `imgsz`, `end2end`,
            `vid_stride`, `resize`.
        sources: a fingerprint of the images' names and their order, and how many sources there are.
        data: of annotated photos the annotations' file, class names, format, and a fingerprint of the boxes;
            None where there are none.
        complete: every source has been seen.
        headlab: the version that made it.
    """

    model: str
    fingerprint: str
    layout: Layout
    floor: float
    forward: Mapping[str, Any]
    sources: Mapping[str, Any]
    data: Mapping[str, Any] | None = None
    complete: bool = False
    headlab: str = __version__

    def to_dict(self) -> dict[str, Any]:
        """As it is written."""
        return {"run": VERSION, **asdict(replace(self, forward=dict(self.forward)))}

    def write(self, folder: Path) -> None:
        """Write it into the run's folder.

        Raises:
            OutputError: it cannot be written.
        """
        write_bytes(folder / HEADER, to_json(self.to_dict()).encode("utf-8"))

    def difference(self, other: Header) -> str:
        """In what another run differs, in a few words; empty if it is this run, begun before."""
        if self.fingerprint != other.fingerprint:
            return f"of another model ({other.model})"
        if self.floor != other.floor:
            return f"with candidates above {other.floor}, not {self.floor}"
        for name, value in self.forward.items():
            if other.forward.get(name) != value:
                return f"with {name} {other.forward.get(name)}, not {value}"
        if self.sources != other.sources:
            return "of other images"
        if (self.data or {}).get("sha256") != (other.data or {}).get("sha256"):
            return "with other annotations"
        return ""


def read_header(folder: Path) -> Header:
    """Read run.json.

    Raises:
        InputError: it is missing or damaged, or a newer version of headlab wrote it.
    """
    file = folder / HEADER
    if not file.is_file():
        raise InputError(
            f"{folder}: not a run: there is no {HEADER}.", "headlab trace --run makes one."
        )
    data = read_json(file, _AGAIN)
    if not isinstance(data, dict) or not isinstance(data.get("run"), int):
        raise InputError(f"{file}: not the description of a run.", _AGAIN)
    if data["run"] > VERSION:
        raise InputError(
            f"{file}: written by headlab {data.get('headlab')}, whose runs this version cannot read.",
            "Update headlab, or make the run again with this version.",
        )
    try:
        return _header(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: damaged: {error!r}.", _AGAIN) from None


def _header(data: Mapping[str, Any]) -> Header:
    fields = {name: value for name, value in data.items() if name not in ("run", "layout")}
    return Header(layout=_layout(data["layout"]), **fields)


def _layout(data: Mapping[str, Any]) -> Layout:
    levels = tuple(
        Level(
            str(level["name"]),
            int(level["stride_px"]),
            int(level["slots"]),
            tuple(ClassRows(**rows) for rows in level["class_rows"]),
            tuple((float(width), float(height)) for width, height in level["anchors_wh_px"]),
        )
        for level in data["levels"]
    )
    rules = data["detection"]
    return Layout(
        str(data["head"]),
        str(data["task"]),
        levels,
        tuple(map(str, data["class_names"])),
        bool(data["end_to_end"]),
        bool(data["rotated"]),
        DetectionRules(
            float(rules["iou"]),
            refusals=tuple(Refusal(**refusal) for refusal in rules["refusals"]),
            resize=rules["resize"],
        ),
    )


def model_fingerprint(checkpoint: Checkpoint) -> str:
    """A sha256 of the model's tensors, by name, and of its class names; nothing else in the file counts."""
    digest = hashlib.sha256()
    for name in checkpoint.tensors:
        array = checkpoint.array(name)
        digest.update(f"{name} {array.dtype} {array.shape}\0".encode())
        digest.update(array.tobytes())
    digest.update("\0".join(checkpoint.class_names).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def names_fingerprint(names: Iterable[str]) -> dict[str, Any]:
    """How many names there are, and a sha256 of them in their order."""
    listed = list(names)
    text = "\0".join(listed).encode("utf-8", "surrogatepass")
    return {"count": len(listed), "sha256": hashlib.sha256(text).hexdigest()}
