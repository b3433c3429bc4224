"""keras-yolo3's weights as a checkpoint: `.h5` of Keras 2, whole models, and Keras 3's `.weights.h5`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.tensors import Tensor, encoded
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.description import Description
from headlab.checkpoint.yolov3.keras.companion_files import described_by_companions, numbered_names
from headlab.checkpoint.yolov3.keras.h5 import Reader, StoredArray, damaged, opened
from headlab.checkpoint.yolov3.keras.headlab_group import (
    Kept,
    kept_variances,
    read_own,
    with_keras_epsilon,
    write_description,
)
from headlab.checkpoint.yolov3.keras.layers import from_keras
from headlab.checkpoint.yolov3.keras.match import Match, matched
from headlab.checkpoint.yolov3.keras.stored import Layout, StoredLayers, stored_layers
from headlab.checkpoint.yolov3.keras.write import for_keras, write_keras
from headlab.checkpoint.yolov3.shapes import check_shapes
from headlab.errors import InputError


@dataclass(frozen=True, kw_only=True)
class KerasCheckpoint(Yolov3Checkpoint):
    """A model in a Keras file.

    Attributes:
        layout: of the file; a file that is written anew gets the same.
        arrays: where each tensor is.
        own: whether the file has headlab's description.
        kept: the original variances, where they are used instead of those for Keras.
    """

    layout: Layout
    arrays: Mapping[str, StoredArray]
    own: bool
    kept: Kept | None

    @property
    def format(self) -> str:
        """See `Yolov3Checkpoint.format`."""
        return "keras"

    def stored(self, name: str) -> NDArray[np.generic]:
        """A tensor's numbers as float32; see `Checkpoint.stored`."""
        self.tensor(name)
        with opened(self.file) as file:
            reader = Reader(self.file, file)
            if self.kept is not None and name in self.kept.parts:
                return reader.float32(self.kept.array)[self.kept.parts[name]]
            return from_keras(reader.float32(self.arrays[name]))

    def as_others_read(self) -> KerasCheckpoint:
        """The model as Keras reads it, which knows no epsilon but its own."""
        return replace(self, kept=None, described=with_keras_epsilon(self.described))

    def write(self, file: BinaryIO) -> None:
        """Write it as edited: a copy with the changed numbers, or a new file if shapes changed.

        See `Checkpoint.write`.
        """
        if not self.keeps_shapes:
            write_keras(self, file, self.layout)
            return
        check_shapes(self, self.description.architecture)
        with self.file.open("rb") as source:
            shutil.copyfileobj(source, file)
        if self.replaced or (self.own and self.renamed is not None):
            self._overwrite(file)

    def companions(self) -> dict[str, bytes]:
        """The class names and anchors, if the file has no place for them; see `Checkpoint.companions`."""
        from headlab.checkpoint.yolov3.anchor_list import anchors_text
        from headlab.files.class_names import class_names_text

        if self.own or not self.keeps_shapes:  # a new file has them
            return {}
        names = class_names_text(self.class_names).encode("utf-8")
        texts = {"_anchors.txt": anchors_text(self.described.anchors_wh_px).encode("utf-8")}
        if self.class_names != numbered_names(len(self.class_names)):
            texts["_classes.txt"] = names
        return texts

    def _overwrite(self, file: BinaryIO) -> None:
        """Replace numbers in a copy of the file, in their place."""
        import h5py

        changed = {name: for_keras(self, name) for name in self.replaced}
        try:
            with h5py.File(file, "r+") as copy:
                for name, numbers in changed.items():
                    dataset = copy[self.arrays[name].path]
                    as_stored = Tensor(name, numbers.shape, dataset.dtype.name, True)
                    dataset[...] = encoded(as_stored, numbers)
                    if self.kept is not None and name in self.kept.parts:
                        copy[self.kept.array.path][self.kept.parts[name]] = self.replaced[name]
                if self.own and self.renamed is not None:
                    write_description(self.description, copy)
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise damaged(self.file, error) from error


def read_keras(path: Path, companions: CompanionFiles) -> KerasCheckpoint:
    """Read a Keras file; its numbers when they are asked for.

    Args:
        path: as saved by keras-yolo3 or Keras 3, or as written by headlab.
        companions: the files of class names and anchors, which only headlab's own files have in
            themselves. By default they are looked for next to the file; without names the classes are
            called by their numbers, and anchors are never guessed.

    Raises:
        CheckpointError: the file is damaged, is of another network, or its anchors are not known.
        InputError: a companion file is named that does not apply to this file, or cannot be read.
    """
    if companions.cfg is not None:
        raise InputError(
            f"{path}: a .cfg describes darknet's weights, not Keras'.",
            "Give --anchors and --names instead.",
        )
    with opened(path) as file:
        reader = Reader(path, file)
        found = stored_layers(reader)
        match = matched(reader, found.layers)
        own = read_own(reader)
        kept = None
        names_remarks: tuple[str, ...] = ()
        if own is None:
            described, names_remarks = described_by_companions(
                path, match.variant, match.output_rows, companions
            )
        else:
            if companions != CompanionFiles():
                raise InputError(
                    f"{path}: the file holds its classes and anchors itself.",
                    "Leave --names and --anchors out.",
                )
            _check_fits(reader, own, match)
            kept = kept_variances(reader, own, match.arrays)
            described = own if kept else with_keras_epsilon(own)
    return KerasCheckpoint(
        file=path,
        described=described,
        layout=found.layout,
        arrays=match.arrays,
        own=own is not None,
        kept=kept,
        names_remarks=names_remarks,
        file_remarks=_remarks(path, found),
    )


def _remarks(path: Path, found: StoredLayers) -> tuple[str, ...]:
    if not found.inside:
        return ()
    return (
        f"{path}: the layers are those of {found.inside!r}, a model within the model, as Keras' "
        "multi_gpu_model saves it.",
    )


def _check_fits(reader: Reader, own: Description, match: Match) -> None:
    """Refuse a file whose description is not that of its layers."""
    outputs = [own.architecture.output(level) for level in own.level_names]
    rows = tuple(output.out_channels for output in outputs)
    if (own.variant, rows) != (match.variant, match.output_rows):
        raise reader.error(
            f"headlab's description says {own.variant} with outputs of {rows} rows; the layers are "
            f"those of {match.variant} with {match.output_rows}.",
            "Convert the model again from its source.",
        )
