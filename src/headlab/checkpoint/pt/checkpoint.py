"""An ultralytics checkpoint, `.pt`, read as data: nothing in it is imported or called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.plain import as_plain
from headlab.checkpoint.pt.archive import Archive, open_archive
from headlab.checkpoint.pt.modules import buffers, is_module, parameters, walk
from headlab.checkpoint.pt.objects import Instance, TensorRef
from headlab.checkpoint.pt.patch import write_patched
from headlab.checkpoint.pt.settings import all_settings
from headlab.checkpoint.pt.shared_memory import check_not_shared
from headlab.checkpoint.pt.tensors import StoredTensor, placed, view
from headlab.checkpoint.pt.unpickle import Pickle, unpickle
from headlab.checkpoint.tensors import decoded
from headlab.errors import CheckpointError

_LIVE_KEYS = ("ema", "model")
_METADATA_DEPTH = 8
_LONGEST_CLASS_NAME = 1000
_LARGEST_SIDE_PX = 1 << 14
_LARGEST_PICKLE = 1 << 26
"""Bytes; five hundred times as many as in yolov8n.pt."""

_BYTE_ORDER_BYTES = 16
_MOST_VALUES = 1024


@dataclass(frozen=True, kw_only=True)
class PtCheckpoint(Checkpoint):
    """A `.pt` file's contents; making one reads the directory and the pickle, not the weights.

    Attributes:
        archive: the zip archive it was read from.
        pickle: its pickle, read as data.
        live: the key of the weights that ultralytics would load: "ema" if there, else "model".
    """

    archive: Archive
    pickle: Pickle
    live: str

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self.archive.path

    @property
    def format(self) -> str:
        """See `Checkpoint.format`."""
        return "pt"

    @property
    def network(self) -> Instance:
        """The placeholder of the live network."""
        found: Instance = self.pickle.root[self.live]
        return found

    @cached_property
    def tensors(self) -> dict[str, StoredTensor]:
        """The live network's tensors, by the names and in the order of its `state_dict`.

        Raises:
            CheckpointError: a tensor's storage is missing or too short.
        """
        found: dict[str, StoredTensor] = {}
        for prefix, module in walk(self.network, str(self.path)):
            own = parameters(module, str(self.path))
            for name, ref in {**own, **buffers(module, str(self.path))}.items():
                full = f"{prefix}.{name}" if prefix else name
                found[full] = placed(full, ref, self.archive, is_parameter=name in own)
        if not found:
            raise CheckpointError(
                f"{self.path}: the model in this file has no tensors.",
                "Give a checkpoint that ultralytics saved, such as best.pt or last.pt.",
            )
        return found

    def stored(self, name: str) -> NDArray[np.generic]:
        """A tensor's numbers as stored; see `Checkpoint.stored`."""
        return self._decoded(self._found(name))

    def _found(self, name: str) -> StoredTensor:
        self.tensor(name)
        return self.tensors[name]

    def _decoded(self, tensor: StoredTensor) -> NDArray[np.generic]:
        return decoded(tensor, view(tensor, self.archive.read(f"data/{tensor.storage}")))

    def values(self, ref: TensorRef) -> list[float]:
        """The numbers of a small tensor that is not part of the `state_dict`, such as the strides.

        Raises:
            CheckpointError: it is not a small tensor, or its bytes are damaged.
        """
        tensor = placed("a tensor", ref, self.archive, is_parameter=False)
        if tensor.numel > _MOST_VALUES:
            raise CheckpointError(
                f"{self.path}: a few numbers were expected, but {tensor.numel} are stored."
            )
        return [float(x) for x in self._decoded(tensor).flat]

    def stored_class_names(self) -> tuple[str, ...]:
        """The class names by class number, as the file has them; empty if it has none."""
        names = self.network.attributes.get("names", {})
        numbered = dict(enumerate(names)) if isinstance(names, (list, tuple)) else names
        if not isinstance(numbered, dict) or any(n not in numbered for n in range(len(numbered))):
            raise CheckpointError(
                f"{self.path}: the classes are not numbered 0, 1, 2, … without a gap.",
                "Save the model again with names such as {0: 'cat', 1: 'dog'}.",
            )
        return tuple(self._class_name(number, numbered[number]) for number in range(len(numbered)))

    def _class_name(self, number: int, name: Any) -> str:
        text = as_plain(name, 0) if isinstance(name, (str, int, float)) else None
        if text is None or len(str(text)) > _LONGEST_CLASS_NAME:
            raise CheckpointError(
                f"{self.path}: the name of class {number} is not a text.",
                "Save the model again with names such as {0: 'cat', 1: 'dog'}.",
            )
        return str(text)

    @property
    def yaml(self) -> dict[str, Any]:
        """A copy of the network's description, from which ultralytics built it."""
        found = self.network.attributes.get("yaml")
        if not isinstance(found, dict):
            raise CheckpointError(
                f"{self.path}: the model carries no description of its network (`yaml`).",
                "It was not written by ultralytics 8; headlab cannot rebuild it.",
            )
        plain: dict[str, Any] = as_plain(found, _METADATA_DEPTH)
        return plain

    @cached_property
    def train_args(self) -> dict[str, Any]:
        """The training arguments, plain values only."""
        plain = as_plain(self.stored_train_args, 2)
        return plain if isinstance(plain, dict) else {}

    @property
    def stored_train_args(self) -> dict[Any, Any]:
        """The training arguments as the file has them, in a dictionary or as an object's attributes."""
        found = self.pickle.root.get("train_args") or self.network.attributes.get("args")
        if isinstance(found, Instance):
            found = found.attributes or found.entries
        return found if isinstance(found, dict) else {}

    @property
    def metadata(self) -> dict[str, Any]:
        """What the file says about itself: plain values by key, without tensors and modules."""
        root = self.pickle.root
        kept = {key: value for key, value in root.items() if not is_module(value)}
        plain: dict[str, Any] = as_plain(kept, _METADATA_DEPTH)
        return {
            **plain,
            "live": self.live,
            "task": as_plain(self.network.attributes.get("task"), 1),
            "yaml": as_plain(self.network.attributes.get("yaml"), _METADATA_DEPTH),
            "train_args": self.train_args,
        }

    @property
    def settings(self) -> dict[str, Any]:
        """The class and the plain attributes of every module; see `Checkpoint.settings`."""
        return all_settings(self.network, str(self.path))

    @property
    def input_hw_px(self) -> tuple[int, int] | None:
        """The input's height and width of the training; None if the file does not say, or says no size."""
        match self.train_args.get("imgsz"):
            case [height, width]:
                sides = [_side(height), _side(width)]
            case [size] | (int() | float() as size):
                sides = [_side(size)] * 2
            case _:
                return None
        return (sides[0], sides[1]) if all(sides) else None

    @property
    def said_imgsz(self) -> Any:
        """What the file says in place of a size, where that is none; else None."""
        return None if self.input_hw_px else self.train_args.get("imgsz")

    @property
    def about(self) -> dict[str, Any]:
        """What `headlab inspect` shows of the metadata."""
        metadata, epoch = self.metadata, self.metadata.get("epoch")
        described = metadata["yaml"] if isinstance(metadata["yaml"], dict) else {}
        return {
            "version": metadata.get("version"),
            "date": metadata.get("date"),
            "weights": metadata["live"],
            "train_imgsz": list(self.input_hw_px) if self.input_hw_px else None,
            "train_data": self.train_args.get("data"),
            "epoch": epoch if isinstance(epoch, int) and epoch >= 0 else None,
            "yaml_file": described.get("yaml_file"),
            "scale": described.get("scale"),
            "license": metadata.get("license"),
        }

    def check_edit(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Refuse to change tensors that overlap with others; see `Checkpoint.check_edit`."""
        check_not_shared(str(self.path), self.tensors, arrays)

    def write(self, file: BinaryIO) -> None:
        """Write the archive as edited; the shapes must be those of the file. See `Checkpoint.write`."""
        write_patched(self.archive, self.tensors, self.replaced, self.pickle, self.renamed, file)


def read(path: str | Path) -> PtCheckpoint:
    """Read an ultralytics checkpoint as data: nothing in it is imported or called.

    Args:
        path: a `.pt` file that torch.save wrote (PyTorch 1.6 or later).

    Raises:
        CheckpointError: the file is missing, damaged, in another format, or has no model in it.
    """
    archive = open_archive(Path(path))
    if "data.pkl" not in archive.entries:
        raise CheckpointError(
            f"{path}: this zip archive is not a checkpoint.",
            "Give the .pt file that the training wrote, such as best.pt.",
        )
    order = b"little"
    if "byteorder" in archive.entries:
        order = archive.read("byteorder", most_bytes=_BYTE_ORDER_BYTES)
    if order != b"little":
        raise CheckpointError(
            f"{path}: written on a big-endian machine, which headlab does not read.",
            "Load it with PyTorch on this machine and save it again, if you trust the file.",
        )
    pickle = unpickle(archive.read("data.pkl", most_bytes=_LARGEST_PICKLE), str(path))
    return PtCheckpoint(archive=archive, pickle=pickle, live=_live_key(pickle.root, path))


def _side(value: Any) -> int:
    """A side of an input in pixels; 0 for what is none."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if number and 0 < value <= _LARGEST_SIDE_PX and value == int(value) else 0


def _live_key(root: Any, path: str | Path) -> str:
    if isinstance(root, dict):
        for key in _LIVE_KEYS:
            if is_module(root.get(key)):
                _check_not_wrapped(root[key], f"c[{key!r}]", path)
                return key
        if any(map(_is_state_dict, (root, *root.values()))):
            raise CheckpointError(
                f"{path}: holds a state dict: weights without the network they belong to.",
                "Give a checkpoint that ultralytics saved, such as best.pt or last.pt.",
            )
    if is_module(root):
        raise _whole(root, path)
    raise CheckpointError(
        f"{path}: holds no model (neither `ema` nor `model` is a network).",
        "Give a checkpoint that ultralytics saved, such as best.pt or last.pt.",
    )


def _check_not_wrapped(network: Instance, at: str, path: str | Path) -> None:
    if network.cls.name in _WRAPPERS and network.cls.module.startswith("torch."):
        raise CheckpointError(
            f"{path}: the network is wrapped in a {network.cls.name}, as during a training on several GPUs.",
            f"If you trust the file, unwrap it: {_LOAD}; {at} = {at}.module; torch.save(c, 'model.pt').",
        )


def _whole(root: Instance, path: str | Path) -> CheckpointError:
    """What to say of a file whose root is a module instead of a checkpoint around one."""
    if root.cls.module.startswith("ultralytics.") and not root.cls.name.endswith("Model"):
        return CheckpointError(
            f"{path}: holds a {root.cls.name} object, as torch.save(model) writes it, not a checkpoint.",
            f"If you trust the file, save its checkpoint: {_LOAD}; c.save('model.pt').",
        )
    inner = "c.module" if root.cls.name in _WRAPPERS else "c"
    return CheckpointError(
        f"{path}: holds a {root.cls.name} alone, as torch.save(model) writes it, not a checkpoint.",
        f"If you trust the file, make a checkpoint of it: {_LOAD}; "
        f"torch.save({{'model': {inner}, 'train_args': {{}}}}, 'model.pt').",
    )


_WRAPPERS = {"DataParallel", "DistributedDataParallel"}
_LOAD = "c = torch.load(FILE, weights_only=False)"


def _is_state_dict(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(item, TensorRef) for item in value.values())
