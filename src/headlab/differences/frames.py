"""What differs between two model files, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from headlab.differences.differences import Differences

_SCHEMA = {
    "kind": pl.String,
    "name": pl.String,
    "a": pl.String,
    "b": pl.String,
    "changed": pl.Int64,
    "largest": pl.Float64,
}


def frame(found: Differences) -> pl.DataFrame:
    """One row per difference; `kind` is "class rows", "tensor", "class name", "module" or "metadata"."""
    return pl.DataFrame(list(_rows(found)), schema=_SCHEMA, orient="row")


def _rows(found: Differences) -> Iterator[tuple[Any, ...]]:
    for level in found.levels:
        yield "class rows", level.place, None, level.words, None, None
    for name in found.added:
        yield "tensor", name, None, "present", None, None
    for name in found.removed:
        yield "tensor", name, "present", None, None, None
    for tensor in found.tensors:
        sides = [
            f"{'x'.join(map(str, shape))} {dtype}"
            for shape, dtype in zip(tensor.shapes, tensor.dtypes, strict=True)
        ]
        yield "tensor", tensor.name, *sides, tensor.changed, tensor.largest
    for number, old, new in found.names:
        yield "class name", str(number), old, new, None, None
    for key, old, new in found.settings:
        yield "module", key, str(old), str(new), None, None
    for key, old, new in found.metadata:
        yield "metadata", key, str(old), str(new), None, None
