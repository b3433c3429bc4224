"""A checkpoint: tensors by name, with metadata, read from a file without running anything in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.tensors import Tensor
from headlab.errors import UnknownName

_Kind = TypeVar("_Kind", bound="Checkpoint")


@dataclass(frozen=True, kw_only=True)
class Checkpoint(ABC):
    """A model file's contents, in whatever format; `headlab.families.read.read` makes one.

    `replaced` and `renamed` are what an edit changed: the file itself stays as it was until the
    checkpoint is written.

    Attributes:
        replaced: arrays that replace the file's, by tensor name.
        renamed: class names that replace the file's; None if they are the file's.
        names_remarks: what is uncertain about the class names, such as a guessed encoding, in sentences.
    """

    replaced: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    renamed: tuple[str, ...] | None = None
    names_remarks: tuple[str, ...] = ()

    @property
    @abstractmethod
    def path(self) -> Path:
        """The file it was read from."""

    @property
    @abstractmethod
    def format(self) -> str:
        """The name of its file format, such as "pt" or "darknet"; see `headlab.families.table`."""

    @property
    @abstractmethod
    def tensors(self) -> Mapping[str, Tensor]:
        """The network's tensors as stored, by the names and in the order of its `state_dict`.

        Raises:
            CheckpointError: the file is damaged.
        """

    @property
    @abstractmethod
    def input_hw_px(self) -> tuple[int, int] | None:
        """The input's height and width that the model was made for; None if the file does not say."""

    @property
    @abstractmethod
    def metadata(self) -> dict[str, Any]:
        """What the file says about itself: plain values by key, without tensors."""

    @property
    @abstractmethod
    def about(self) -> dict[str, Any]:
        """The part of the metadata that `headlab inspect` shows, under keys of its own."""

    @abstractmethod
    def stored(self, name: str) -> NDArray[np.generic]:
        """A tensor's numbers as stored; bfloat16 comes as float32.

        Raises:
            UnknownName: there is no such tensor.
            CheckpointError: its bytes are damaged.
        """

    @abstractmethod
    def stored_class_names(self) -> tuple[str, ...]:
        """The class names by class number, as the file has them; empty if it has none.

        Raises:
            CheckpointError: they are damaged.
        """

    @abstractmethod
    def write(self, file: BinaryIO) -> None:
        """Write the file as edited, in its own format, to an open, empty, seekable file.

        Raises:
            CheckpointError: the input is damaged, or a value does not fit its dtype.
        """

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names by class number, as edited; empty if the file has none."""
        return self.stored_class_names() if self.renamed is None else self.renamed

    def tensor(self, name: str) -> Tensor:
        """Find a tensor by name.

        Raises:
            UnknownName: there is none.
        """
        if name not in self.tensors:
            raise UnknownName("tensor", name, self.tensors)
        return self.tensors[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape, as edited.

        Raises:
            UnknownName: there is no such tensor.
        """
        tensor = self.tensor(name)
        return self.replaced[name].shape if name in self.replaced else tensor.shape

    def array(self, name: str) -> NDArray[np.generic]:
        """A tensor's numbers, as edited; bfloat16 comes as float32.

        Raises:
            UnknownName: there is no such tensor.
            CheckpointError: its bytes are damaged.
        """
        return self.replaced[name] if name in self.replaced else self.stored(name)

    def edited(
        self: _Kind,
        arrays: Mapping[str, NDArray[np.generic]],
        class_names: tuple[str, ...] | None = None,
    ) -> _Kind:
        """A new checkpoint with some tensors and, if given, the class names replaced.

        Raises:
            UnknownName: a name is not one of the model's tensors.
        """
        for name in arrays:
            self.tensor(name)
        made = replace(
            self,
            replaced={**self.replaced, **arrays},
            renamed=self.renamed if class_names is None else class_names,
        )
        made.__dict__["tensors"] = self.tensors  # of the file, which is the same
        return made

    def check_edit(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:  # noqa: B027
        """Refuse replacements that would change other tensors as well; most formats have no such tensors.

        Raises:
            CheckpointError: a tensor shares its memory with one that is not changed in the same way.
        """

    @property
    def keeps_shapes(self) -> bool:
        """Whether every replaced tensor has the shape that it has in the file."""
        return all(self.shape(name) == self.tensor(name).shape for name in self.replaced)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What modules compute with besides tensors: dotted name -> value; empty if there is nothing."""
        return {}

    def companions(self) -> dict[str, bytes]:
        """The companion files of the model file, as edited: suffix, such as ".cfg" -> contents."""
        return {}
