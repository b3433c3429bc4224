"""Start a training from any file: load what fits into a network, and report what does not.

A file fits in part if it has other classes or anchors (the last convolution of each level then differs),
or if it holds only the backbone, as `darknet53.conv.74` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from headlab.checkpoint.first_bytes import first_bytes
from headlab.checkpoint.yolov3.architecture import Convolution
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.description import DARKNET_EPSILON, KERAS_EPSILON
from headlab.checkpoint.yolov3.epsilon import shifted
from headlab.checkpoint.yolov3.formats import recognised
from headlab.checkpoint.yolov3.read import read_yolov3
from headlab.errors import CheckpointError
from headlab.yolov3.network import YOLOv3

_PARTIAL_NAME = re.compile(r".*\.conv\.\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Skipped:
    """A convolution that kept the weights it had.

    Attributes:
        name: of the module, such as "P5.output".
        reason: why.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class LoadReport:
    """What was loaded into a network, and what was not.

    Attributes:
        path: the file.
        loaded: the convolutions that now have the file's weights, in the network's order.
        skipped: the others.
        epsilons: of the file and of the network, if the variances were converted; else None.
        remarks: what is unusual about the file and how it was read, in sentences.
    """

    path: Path
    loaded: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    epsilons: tuple[float, float] | None
    remarks: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The report in words."""
        total = len(self.loaded) + len(self.skipped)
        lines = [f"{self.path}: {len(self.loaded)} of {total} convolutions loaded."]
        if self.epsilons is not None:
            old, new = self.epsilons
            lines.append(
                f"Batch-norm variances converted from epsilon {old:g} to {new:g}: same outputs."
            )
        lines += self.remarks
        lines += [f"Not loaded: {each.name}: {each.reason}." for each in self.skipped]
        return lines


@dataclass(frozen=True)
class _Source:
    """Arrays of a file by name, the epsilon that their variances belong to, and what is unusual."""

    arrays: Mapping[str, NDArray[np.generic]]
    epsilon: float
    remarks: tuple[str, ...] = ()


def load_weights(
    network: YOLOv3, path: str | Path, companions: CompanionFiles | None = None
) -> LoadReport:
    """Load those weights of a file into a network that fit, in place.

    A convolution is loaded with its batch normalisation or not at all. Running variances are converted to
    the network's epsilon, so that the layer computes what it computes with the file's.

    Args:
        network: the network to load into; what is not loaded stays as it is.
        path: a darknet file (whole, or a backbone such as `darknet53.conv.74`), a Keras file, or a
            `.safetensors` of headlab.
        companions: the files that say what the weights do not; by default they are looked for.

    Raises:
        CheckpointError: the file is missing or damaged, is not a YOLOv3 model, holds NaN or infinite values,
            or nothing of it fits.
    """
    where = Path(path)
    source = _source(network, where, companions)
    epsilon = network.description.batch_norm_epsilon
    state = network.state_dict()
    loaded: list[str] = []
    skipped: list[Skipped] = []
    for convolution in network.description.architecture.convolutions:
        reason = _misfit(convolution, source.arrays)
        if reason:
            skipped.append(Skipped(convolution.name, reason))
            continue
        for name, array in _converted(convolution, source, epsilon):
            if not np.isfinite(array).all():
                raise CheckpointError(
                    f"{where}: {name} holds NaN or infinite values.",
                    "The training diverged or the file is damaged; use an earlier checkpoint.",
                )
            state[name].copy_(torch.from_numpy(np.ascontiguousarray(array, np.float32)))
        loaded.append(convolution.name)
    if not loaded:
        raise CheckpointError(
            f"{where}: nothing of it fits {network.description.variant}: "
            f"{skipped[0].name}: {skipped[0].reason}.",
            "It may belong to another network; YOLOv3 and YOLOv3-tiny share no weights.",
        )
    converted = None if source.epsilon == epsilon else (source.epsilon, epsilon)
    return LoadReport(where, tuple(loaded), tuple(skipped), converted, source.remarks)


def _source(network: YOLOv3, path: Path, companions: CompanionFiles | None) -> _Source:
    """Read a file's arrays, whatever its format.

    Raises:
        CheckpointError: see `load_weights`.
    """
    wanted = network.description.architecture
    if recognised(path, first_bytes(path)) == "keras":
        from headlab.checkpoint.yolov3.keras.start import arrays_to_start_from

        return _Source(arrays_to_start_from(path, wanted), KERAS_EPSILON)
    if _PARTIAL_NAME.fullmatch(path.name):
        from headlab.checkpoint.yolov3.darknet.partial import read_partial

        part = read_partial(path, wanted)
        return _Source(part.arrays, DARKNET_EPSILON, part.remarks)
    model = read_yolov3(path, companions, as_start=True)
    return _Source(_Lazy(model), model.description.batch_norm_epsilon, model.file_remarks)


class _Lazy(Mapping[str, "NDArray[np.generic]"]):
    """A checkpoint's arrays, each read when it is used."""

    def __init__(self, model: Yolov3Checkpoint) -> None:
        self._model = model

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        if name not in self._model.tensors:
            raise KeyError(name)
        return self._model.array(name)

    def __contains__(self, name: object) -> bool:
        return name in self._model.tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._model.tensors)

    def __len__(self) -> int:
        return len(self._model.tensors)


def _misfit(convolution: Convolution, arrays: Mapping[str, NDArray[np.generic]]) -> str:
    """Why a convolution cannot be loaded; empty if it can."""
    missing = [tensor.name for tensor in convolution.tensors if tensor.name not in arrays]
    if len(missing) == len(convolution.tensors):
        return "the file has no weights for it that fit"
    if missing:
        return f"the file lacks {missing[0]}"
    for tensor in convolution.tensors:
        shape = arrays[tensor.name].shape
        if shape != tensor.shape:
            return f"{tensor.name} is {shape} in the file, {tensor.shape} in the network"
    return ""


def _converted(
    convolution: Convolution, source: _Source, epsilon: float
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """A convolution's arrays by name, the variance for the network's epsilon."""
    for tensor in convolution.tensors:
        array = source.arrays[tensor.name]
        if convolution.batch_norm and tensor.name == convolution.variance:
            array = shifted(np.asarray(array, np.float32), source.epsilon, epsilon)
        yield tensor.name, array
