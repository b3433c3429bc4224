"""What differs between two checkpoints, read inertly: tensors, class rows, names, metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.differences.rows import LevelDifference, level_differences
from headlab.errors import InputError
from headlab.families.identify import identify
from headlab.plain_text import counted
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl

_ABSENT = "(absent)"
_TOLD_BY_TENSORS = {
    "in_channels",
    "in_features",
    "nc",
    "no",
    "num_features",
    "out_channels",
    "out_features",
}


@dataclass(frozen=True)
class TensorDifference:
    """Two tensors of one name that do not hold the same bits.

    Attributes:
        name: the dotted name.
        shapes: of both.
        dtypes: of both.
        changed: elements whose values differ; None where the shapes do.
        largest: the largest absolute difference of two finite elements; None where the shapes differ.
    """

    name: str
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    dtypes: tuple[str, str]
    changed: int | None
    largest: float | None


@dataclass(frozen=True, repr=False)
class Differences(Result):
    """All that differs between A and B: the weights that would be loaded, and what the files say.

    Attributes:
        added: tensors that only B has.
        removed: tensors that only A has.
        tensors: tensors of both that differ.
        levels: class rows that differ, where both heads can be described.
        names: (class number, name in A, name in B); None where there is no such class.
        metadata: (key, value in A, value in B), the class names left out.
        settings: (module and attribute, value in A, value in B), such as ("model.2.m.0.add", True, False);
            those of modules that only one of them has are left out.
        unexplained: why class rows were not compared; empty if they were.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    tensors: tuple[TensorDifference, ...]
    levels: tuple[LevelDifference, ...]
    names: tuple[tuple[int, str | None, str | None], ...]
    metadata: tuple[tuple[str, Any, Any], ...]
    unexplained: str = ""
    settings: tuple[tuple[str, Any, Any], ...] = ()

    title: ClassVar[str] = "differences"

    def __bool__(self) -> bool:
        """Whether anything differs."""
        parts = (self.added, self.removed, self.tensors, self.names, self.metadata, self.settings)
        return any(parts)

    @property
    def summary(self) -> str:
        """How many tensors differ."""
        count = len(self.added) + len(self.removed) + len(self.tensors)
        return (
            f"{counted(count, 'tensor')}, {counted(len(self.names), 'class name')}"
            if self
            else "none"
        )

    @property
    def table(self) -> pl.DataFrame:
        """One row per difference: `kind`, `name`, what A and B have, `changed` elements, the `largest`."""
        from headlab.differences.frames import frame

        return frame(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything, and whether it is the `same`."""
        return {"same": not self, **asdict(self)}

    def text(self) -> Iterable[str]:
        """See `Result.text`."""
        from headlab.differences.text import difference_lines

        return difference_lines(self)


def differences(a: Checkpoint, b: Checkpoint) -> Differences:
    """Compare two checkpoints.

    Raises:
        CheckpointError: one of them is damaged.
    """
    shared = [name for name in a.tensors if name in b.tensors]
    unexplained = ""
    levels: tuple[LevelDifference, ...] = ()
    try:
        levels = tuple(level_differences(a, identify(a), b, identify(b)))
    except InputError as error:
        unexplained = error.message
    return Differences(
        added=tuple(name for name in b.tensors if name not in a.tensors),
        removed=tuple(name for name in a.tensors if name not in b.tensors),
        tensors=tuple(found for name in shared if (found := _compare(a, b, name))),
        levels=levels,
        names=tuple(_names(a.class_names, b.class_names)),
        metadata=tuple(_metadata(a, b)),
        unexplained=unexplained,
        settings=tuple(_settings(a.settings, b.settings)),
    )


def _compare(a: Checkpoint, b: Checkpoint, name: str) -> TensorDifference | None:
    dtypes = (a.tensor(name).dtype, b.tensor(name).dtype)
    left, right = a.array(name), b.array(name)
    shapes = (left.shape, right.shape)
    if left.shape != right.shape:
        return TensorDifference(name, shapes, dtypes, None, None)
    if dtypes[0] == dtypes[1] and left.tobytes() == right.tobytes():
        return None
    changed, largest = _distance(left, right)
    return TensorDifference(name, shapes, dtypes, changed, largest)


def _distance(left: NDArray[Any], right: NDArray[Any]) -> tuple[int, float]:
    """How many elements differ, and the largest finite difference; NaN equals NaN here."""
    x, y = left.astype(np.float64), right.astype(np.float64)
    changed = (x != y) & ~(np.isnan(x) & np.isnan(y))
    with np.errstate(invalid="ignore"):
        distance = np.abs(x - y)
    finite = distance[np.isfinite(distance)]
    return int(changed.sum()), float(finite.max(initial=0.0))


def _names(a: tuple[str, ...], b: tuple[str, ...]) -> Iterator[tuple[int, str | None, str | None]]:
    for number in range(max(len(a), len(b))):
        left = a[number] if number < len(a) else None
        right = b[number] if number < len(b) else None
        if left != right:
            yield number, left, right


def _metadata(a: Checkpoint, b: Checkpoint) -> Iterator[tuple[str, Any, Any]]:
    left, right = dict(_flat("", a.metadata)), dict(_flat("", b.metadata))
    for key in {**left, **right}:
        one, other = left.get(key, _ABSENT), right.get(key, _ABSENT)
        if one != other and not (one != one and other != other):
            yield key, one, other


def _settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What differs between modules that both have; the number of channels is told by the tensors."""
    for key in {**a, **b}:
        one, other = a.get(key, _ABSENT), b.get(key, _ABSENT)
        name, _, attribute = key.rpartition(".")
        shared = (key in a and key in b) or (name in a and name in b)
        if shared and attribute not in _TOLD_BY_TENSORS and one != other:
            yield key, _plain(one), _plain(other)


def _plain(value: Any) -> Any:
    """A setting as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    known = value is None or isinstance(value, (bool, int, float, str))
    return value if known else str(value)


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Nested mappings as dotted keys."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), each)
    else:
        yield prefix, value
