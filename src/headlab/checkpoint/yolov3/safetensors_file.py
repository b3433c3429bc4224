"""headlab's own format: a safetensors file with the model's description in its metadata.

The tensors have the names of `headlab.checkpoint.yolov3.architecture` and are float32. Of the metadata,
"format" is "headlab", "headlab" is the description as JSON, and "layout" says for readers without headlab
where each level's anchors and class rows are; headlab itself computes it from the description.

The file is written here, tensor by tensor: the library would need the whole file in memory, and orders
the metadata at random. Reading is the library's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS, STRIDES_PX
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.description import Description
from headlab.checkpoint.yolov3.description_json import from_text, to_text
from headlab.checkpoint.yolov3.shapes import check_shapes
from headlab.errors import CheckpointError, InputError

_FORMAT = "headlab"
_ALIGNMENT = 8
_FLOAT32_BYTES = 4
_FOREIGN = "headlab reads safetensors files that it wrote itself: convert a .weights or .h5 file."


class _Slice(Protocol):
    def get_shape(self) -> list[int]: ...
    def get_dtype(self) -> str: ...


class _Opened(Protocol):
    """What is used of the library's open file, whose own stubs have no types."""

    def keys(self) -> list[str]: ...
    def metadata(self) -> dict[str, str] | None: ...
    def get_slice(self, name: str) -> _Slice: ...
    def get_tensor(self, name: str) -> NDArray[np.generic]: ...


@dataclass(frozen=True, kw_only=True)
class SafetensorsCheckpoint(Yolov3Checkpoint):
    """A model in headlab's own format."""

    @property
    def format(self) -> str:
        """See `Yolov3Checkpoint.format`."""
        return "headlab"

    def stored(self, name: str) -> NDArray[np.generic]:
        """A tensor's numbers; see `Checkpoint.stored`."""
        self.tensor(name)
        with _opened(self.file) as file:
            return file.get_tensor(name)

    def write(self, file: BinaryIO) -> None:
        """Write it as edited; see `Checkpoint.write`."""
        write_safetensors(self, file)


def read_safetensors(path: Path, companions: CompanionFiles) -> SafetensorsCheckpoint:
    """Read a file in headlab's own format; its tensors when they are asked for.

    Raises:
        CheckpointError: the file is damaged, or is not one of headlab's.
        InputError: companion files are named, though this one says everything.
    """
    if companions != CompanionFiles():
        raise InputError(
            f"{path}: the file holds its classes and anchors itself.",
            "Leave --cfg, --names and --anchors out.",
        )
    with _opened(path) as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != _FORMAT or "headlab" not in metadata:
            raise CheckpointError(
                f"{path}: a safetensors file without headlab's description.", _FOREIGN
            )
        described = from_text(metadata["headlab"], str(path))
        _check_tensors(path, file, described)
    return SafetensorsCheckpoint(file=path, described=described)


def write_safetensors(model: Yolov3Checkpoint, file: BinaryIO) -> None:
    """Write a model to an open, empty file; the same model gives the same bytes.

    Raises:
        CheckpointError: the input is damaged, or there are more or fewer class names than class rows.
    """
    described = model.description
    check_shapes(model, described.architecture)
    tensors = described.architecture.tensors
    header: dict[str, Any] = {
        "__metadata__": {
            "format": _FORMAT,
            "headlab": to_text(described),
            "layout": json.dumps(_layout(described)),
        }
    }
    end = 0
    for tensor in tensors.values():
        start, end = end, end + tensor.numel * _FLOAT32_BYTES
        header[tensor.name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % _ALIGNMENT)
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for name in tensors:
        file.write(np.ascontiguousarray(model.array(name), "<f4").data)


def _layout(described: Description) -> list[dict[str, Any]]:
    """Where each level's outputs are: class c of slot a is row a * rows_per_slot + first_class_row + c."""
    return [
        {
            "level": level,
            "stride_px": STRIDES_PX[level],
            "output": described.architecture.output(level).weight,
            "anchors_wh_px": described.anchors_of(level),
            "rows_per_slot": BOX_NUMBERS + len(described.class_names),
            "first_class_row": BOX_NUMBERS,
        }
        for level in described.level_names
    ]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_Opened]:
    """The file through the library; its errors become headlab's."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except SafetensorError as error:
        raise CheckpointError(
            f"{path}: a damaged safetensors file: {str(error)[:200]}.", "Copy or convert it again."
        ) from error
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise CheckpointError(f"{path}: {reason}.", "Give the path of a file.") from error


def _check_tensors(path: Path, file: _Opened, described: Description) -> None:
    """Refuse a file whose tensors are not exactly the network's, float32."""
    wanted = described.architecture.tensors
    present = set(file.keys())
    for name in [*wanted, *sorted(present - set(wanted))]:
        if name not in wanted or name not in present:
            problem = "is missing" if name in wanted else "is not one of the network's"
            raise CheckpointError(
                f"{path}: the tensor {name[:200]!r} {problem}.",
                f"The description says {described.variant} with {len(described.class_names)} classes.",
            )
        part = file.get_slice(name)
        shape, dtype = tuple(part.get_shape()), part.get_dtype()
        if shape != wanted[name].shape or dtype != "F32":
            raise CheckpointError(
                f"{path}: the tensor {name} is {dtype} {shape}; F32 {wanted[name].shape} was expected.",
                f"The description says {described.variant} with {len(described.class_names)} classes.",
            )
