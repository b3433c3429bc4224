"""The random weights of ../shared/data/golden/network_full.json, drawn by its recipe."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

import yolov3_models
from headlab.checkpoint.yolov3.description import KERAS_EPSILON
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint, in_memory

NAMES = tuple(map(str, range(80)))


def recipe_model(variant: str) -> tuple[InMemoryCheckpoint, str]:
    """The model, and the SHA-256 of its numbers in the order in which they are drawn (HWIO kernels)."""
    size = (416, 416)
    described = yolov3_models.description(variant, NAMES, input_hw_px=size, epsilon=KERAS_EPSILON)
    rs, arrays, digest = np.random.RandomState(0), {}, hashlib.sha256()

    def keep(name: str, drawn: np.ndarray[Any, Any]) -> None:
        array = drawn.astype(np.float32)
        digest.update(array.data)
        arrays[name] = array if array.ndim == 1 else array.transpose(3, 2, 0, 1).copy()

    for each in described.architecture.convolutions:
        inputs, outputs, size_ = each.in_channels, each.out_channels, each.size
        kernel = rs.standard_normal((size_, size_, inputs, outputs))
        kernel *= np.sqrt(1.0 / (size_ * size_ * inputs))
        keep(each.weight, kernel)
        if not each.batch_norm:
            keep(each.bias, rs.standard_normal(outputs) * 0.1)
            continue
        keep(each.scale, rs.uniform(0.5, 1.5, outputs))
        keep(each.bias, rs.standard_normal(outputs) * 0.1)
        keep(each.mean, rs.standard_normal(outputs) * 0.1)
        keep(each.variance, rs.uniform(0.5, 1.5, outputs))
    return in_memory(described, arrays), digest.hexdigest()


def recipe_input() -> np.ndarray[Any, Any]:
    """The recipe's picture: (1, 3, 416, 416) float32 from 0 to 1."""
    drawn = np.random.RandomState(1).randint(0, 256, (1, 416, 416, 3)).astype(np.uint8)
    return np.ascontiguousarray((drawn.astype(np.float32) / 255).transpose(0, 3, 1, 2))
