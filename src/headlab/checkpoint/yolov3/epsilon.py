"""Batch normalisation with another epsilon, and the same outputs.

The layer computes gamma * (x - mean) / sqrt(variance + epsilon) + beta. Darknet's weights were trained with
an epsilon of about 1e-6, Keras' with 1e-3. Only the sum counts, so with

    variance' = variance + old - new

the layer with epsilon `new` computes what it did with `old`. The sum is taken in float64 and rounded once
to float32, whose unit roundoff is u = 2^-24. The rounding changes variance' by at most u * |variance'|,
hence the factor 1 / sqrt(variance' + new) by a fraction of about

    u / 2 * |variance'| / (variance + old)

which is below 3e-8 unless variance' is negative. That happens where variance < new - old: the layer still
works, because it takes the root of the sum only; for a dead channel (variance 0, old 1e-6, new 1e-3) it is
3e-5. Ioffe and Szegedy, "Batch Normalization" (2015), algorithm 1, has the formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint
from headlab.errors import CheckpointError


def with_epsilon(model: Yolov3Checkpoint, epsilon: float) -> Yolov3Checkpoint:
    """A model with the same outputs whose batch normalisation adds another epsilon.

    Args:
        model: any YOLOv3 model.
        epsilon: the new one, above 0.

    Raises:
        CheckpointError: a variance is not finite, or negative by more than its own epsilon.
    """
    described = model.description
    if described.batch_norm_epsilon == epsilon:
        return model
    variances = {
        layer.variance: converted_variance(model, layer.variance, epsilon)
        for layer in described.architecture.convolutions
        if layer.batch_norm
    }
    return InMemoryCheckpoint(
        file=model.path,
        described=replace(described, batch_norm_epsilon=epsilon),
        arrays=_Changed(model, variances),
    )


def converted_variance(model: Yolov3Checkpoint, name: str, epsilon: float) -> NDArray[np.float32]:
    """A running variance converted for another epsilon, float32.

    Raises:
        CheckpointError: it is not finite, or negative by more than the model's own epsilon.
    """
    old = model.description.batch_norm_epsilon
    stored = np.asarray(model.array(name), np.float32)
    added = stored.astype(np.float64) + old
    wrong = np.flatnonzero(~(np.isfinite(added) & (added > 0)))
    if wrong.size:
        raise CheckpointError(
            f"{model.path}: {name}: channel {wrong[0]} has the variance {stored[wrong[0]]:.3g}; "
            f"with the epsilon {old:g} added it must be above 0.",
            "The file is damaged, or its numbers are not those of a trained network.",
        )
    return stored if old == epsilon else shifted(stored, old, epsilon)


def shifted(variance: NDArray[np.float32], old: float, new: float) -> NDArray[np.float32]:
    """The variance that fits the epsilon `new`: variance + old - new, in float64 and rounded once."""
    return (variance.astype(np.float64) + old - new).astype(np.float32)


@dataclass(frozen=True)
class _Changed(Mapping[str, NDArray[np.generic]]):
    """A model's arrays with some replaced; the others are read when they are asked for."""

    model: Yolov3Checkpoint
    replaced: Mapping[str, NDArray[np.float32]]

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        if name in self.replaced:
            return self.replaced[name]
        return self.model.array(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.model.tensors)

    def __len__(self) -> int:
        return len(self.model.tensors)
