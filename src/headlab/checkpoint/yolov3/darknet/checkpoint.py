"""A darknet model as a checkpoint: a `.weights` file with its `.cfg` and class names."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.anchor_list import check_pixels, read_anchors
from headlab.checkpoint.yolov3.architecture import LEVELS
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.companion_files import (
    CompanionFiles,
    find_anchors,
    find_cfg,
    find_names,
    own_cfg,
    rejected_names,
    stems,
)
from headlab.checkpoint.yolov3.darknet.cfg import class_count_of, description_of
from headlab.checkpoint.yolov3.darknet.cfg_text import cfg_text, with_classes
from headlab.checkpoint.yolov3.darknet.other_networks import known_by_size
from headlab.checkpoint.yolov3.darknet.partial import class_count_in, whole
from headlab.checkpoint.yolov3.darknet.sections import Section, repeated, sections_of
from headlab.checkpoint.yolov3.darknet.weights import (
    FLOAT_BYTES,
    Place,
    StoredWeights,
    as_stored,
    laid_out,
    open_weights,
    write_darknet,
)
from headlab.checkpoint.yolov3.data_file import names_file
from headlab.checkpoint.yolov3.description import (
    DARKNET_EPSILON,
    Description,
    default_masks,
    variant_of_anchors,
)
from headlab.checkpoint.yolov3.layer_graphs import recognised
from headlab.checkpoint.yolov3.titles import title
from headlab.errors import CheckpointError, InputError
from headlab.files.class_names import class_names_of, class_names_text
from headlab.files.text import SMALL_BYTES, as_ascii_extending, read_bytes
from headlab.plain_text import counted


@dataclass(frozen=True)
class Cfg:
    """A `.cfg` as the user wrote it."""

    data: bytes
    sections: tuple[Section, ...]

    @property
    def path(self) -> Path:
        """The file."""
        return self.sections[0].path


@dataclass(frozen=True)
class NamesFile:
    """A file of class names: as the user wrote it, as it was read, and what is uncertain about that."""

    data: bytes
    names: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DarknetCheckpoint(Yolov3Checkpoint):
    """A `.weights` file; making one reads its header and its companion files, not the numbers.

    Attributes:
        weights: the file.
        cfg: the network's description as text; None if names and anchors identified the network.
        names: the file of class names as it was read; None if there is none.
    """

    weights: StoredWeights
    cfg: Cfg | None
    names: bytes | None

    @property
    def format(self) -> str:
        """See `Yolov3Checkpoint.format`."""
        return "darknet"

    def stored(self, name: str) -> NDArray[np.generic]:
        """A tensor's numbers, read from its part of the file; see `Checkpoint.stored`."""
        tensor = self.tensor(name)
        return self.weights.read(tensor.numel, self._places[name].first).reshape(tensor.shape)

    @cached_property
    def _places(self) -> dict[str, Place]:
        return laid_out(self.described.architecture.convolutions)[0]

    def read_all(self) -> dict[str, NDArray[np.float32]]:
        """All tensors as stored, read in one go: views of one block of memory, by name.

        Raises:
            CheckpointError: the file cannot be read.
        """
        return self.weights.read_all(self.described.architecture.convolutions)

    def write(self, file: BinaryIO) -> None:
        """Write a `.weights` file; see `Checkpoint.write`.

        Where no shape changes, it is the file that was read, but for the changed numbers.
        """
        if not self.keeps_shapes:
            write_darknet(self, file)
            return
        try:
            source = self.file.open("rb")
        except OSError as error:
            reason = error.strerror or str(error)
            raise CheckpointError(f"{self.file}: cannot be read: {reason}.") from error
        with source:  # from here on, what fails is the writing
            shutil.copyfileobj(source, file, _COPIED_BYTES)
        for name, numbers in self.replaced.items():
            place = self._places[name]
            file.seek(self.weights.header.size_bytes + FLOAT_BYTES * place.first)
            file.write(as_stored(place.tensor, numbers))

    def companions(self) -> dict[str, bytes]:
        """The cfg and the class names, as edited; see `Checkpoint.companions`.

        Both are the user's own; in the cfg, only the number of classes and what follows from it change.
        """
        described = self.description
        if self.cfg is None:
            cfg = cfg_text(described).encode("utf-8")
        elif len(described.class_names) == len(self.described.class_names):
            cfg = self.cfg.data
        else:
            data = as_ascii_extending(self.cfg.data, self.cfg.path)
            cfg = with_classes(data, self.cfg.sections, described)
        names = self.names if self.renamed is None else None
        if names is None:
            names = class_names_text(described.class_names).encode("utf-8")
        return {".cfg": cfg, ".names": names}


_COPIED_BYTES = 1 << 24


def read_darknet(
    path: Path, companions: CompanionFiles, *, as_start: bool = False
) -> DarknetCheckpoint:
    """Read a darknet model's header and its companion files.

    The `.cfg` says which network it is. Without one, class names and anchors do, if the file has as many
    numbers as a network with them.

    Args:
        path: the `.weights` file.
        companions: the files that the user names.
        as_start: of a training, which brings its own classes: their names do not count, and if the cfg has
            another number of them than the weights, that of the weights does.

    Raises:
        CheckpointError: a file is missing or damaged, they do not belong together, or the weights are
            only the first part of a network's.
        InputError: a companion file cannot be read.
    """
    weights = open_weights(path)
    cfg = _cfg(path, companions)
    names: NamesFile | None
    remarks: tuple[str, ...] = ()
    if cfg is None:
        described, names = _described_without_cfg(weights, companions)
    elif as_start:
        names = None
        described, remarks = _of_any_classes(
            description_of(cfg.sections, None, cfg.path), weights, cfg
        )
    else:
        described, names = _described_by(cfg, path, companions)
    weights = whole(weights, described.architecture, cfg.sections if cfg else ())
    remarks = (*remarks, *weights.remarks, *(repeated(cfg.sections) if cfg else ()))
    header = weights.header
    return DarknetCheckpoint(
        file=path,
        described=replace(described, darknet_version=header.version, seen=header.seen),
        weights=weights,
        cfg=cfg,
        names=names.data if names else None,
        names_remarks=names.remarks if names else rejected_names(path, len(described.class_names)),
        file_remarks=remarks,
    )


def _of_any_classes(
    described: Description, weights: StoredWeights, cfg: Cfg
) -> tuple[Description, tuple[str, ...]]:
    """The same with as many classes as the weights have, and a remark if these are others."""
    network = described.architecture
    if weights.holding(network.floats) is not None:
        return described, ()
    count = class_count_in(weights, network)
    if count is None:
        return described, ()
    remark = (
        f"{cfg.path} says classes={network.class_count}, but {weights.path} has as many numbers as "
        f"{title(network.variant, count)}: it was read as such."
    )
    return replace(described, class_names=tuple(map(str, range(count)))), (remark,)


def _cfg(path: Path, companions: CompanionFiles) -> Cfg | None:
    """The cfg that is named or found. Where all else is named, only one of the model's name counts."""
    all_else = companions.names is not None and companions.anchors is not None
    found = companions.cfg or (own_cfg(path) if all_else else find_cfg(path))
    if found is None:
        return None
    data = read_bytes(found, SMALL_BYTES)
    return Cfg(data, sections_of(data, found))


def _described_by(
    cfg: Cfg, path: Path, companions: CompanionFiles
) -> tuple[Description, NamesFile | None]:
    """The model that a cfg describes, and the file that names its classes."""
    count = class_count_of(cfg.sections, cfg.path)
    found = companions.names or find_names(path, count)
    names = _read_names(found) if found else None
    if names is not None and len(names.names) != count:
        raise CheckpointError(
            f"{found}: the file has {counted(len(names.names), 'class name')}, but {cfg.path} "
            f"says classes={count}.",
            "Give the class names that belong to this model, one per line.",
        )
    described = description_of(cfg.sections, names.names if names else None, cfg.path)
    if (
        companions.anchors is not None
        and read_anchors(companions.anchors) != described.anchors_wh_px
    ):
        raise CheckpointError(
            f"{companions.anchors}: these anchors are not those of {cfg.path}.",
            "Leave --anchors out, or give the .cfg that belongs to them.",
        )
    return described, names


def _read_names(named: Path) -> NamesFile:
    path = names_file(named)
    data = read_bytes(path, SMALL_BYTES)
    found = class_names_of(data, path)
    return NamesFile(data, found.names, tuple(remark.about(path) for remark in found.remarks))


def _described_without_cfg(
    weights: StoredWeights, companions: CompanionFiles
) -> tuple[Description, NamesFile]:
    """The model of those names and anchors with as many numbers as the file, and its file of names."""
    by_size = [recognised(reading.floats) for reading in weights.readings]
    of_names = companions.names
    for found in by_size:
        if of_names is None and found:
            of_names = find_names(weights.path, found[1])
    of_names = of_names or find_names(weights.path)
    anchors_file = companions.anchors or find_anchors(weights.path)
    if of_names is None or anchors_file is None:
        raise _without_companions(weights)
    names, anchors = _read_names(of_names), read_anchors(anchors_file)
    check_pixels(anchors, str(anchors_file))
    nearest: Description | None = None
    for variant in (variant_of_anchors(anchors), *LEVELS):
        try:
            masks = default_masks(variant, len(anchors))
        except InputError:  # as many anchors cannot be shared out among its levels
            continue
        described = Description(
            variant, anchors, masks, names.names, batch_norm_epsilon=DARKNET_EPSILON
        )
        if weights.holding(described.architecture.floats) is not None:
            return described, names
        nearest = nearest or described
    if nearest is None:
        raise CheckpointError(
            f"{anchors_file}: {len(anchors)} anchors cannot be shared out among the levels of a network.",
            "YOLOv3 has three levels, YOLOv3-tiny two; or give a .cfg with masks.",
        )
    return nearest, names


def _without_companions(weights: StoredWeights) -> CheckpointError:
    found = recognised(weights.floats)
    other = title(*found) if found else known_by_size(weights.floats)
    fits = f"as many as {other or 'no network that headlab knows'}"
    return CheckpointError(
        f"{weights.path}: there is no .cfg next to it that says which network this is. It holds "
        f"{weights.floats:,} numbers, {fits}.",
        f"Put its .cfg next to it as {stems(weights.path)[-1]}.cfg, name it with --cfg, "
        "or name both --names and --anchors.",
    )
