"""What a checkpoint holds besides its network, as data that can be written again.

Where classes are removed, the network is saved anew, and what goes with it has to be data: None, numbers,
text, lists and dictionaries. numpy's numbers, paths and dates become numbers and text. Anything else is
left out, and named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.pt.objects import Instance
from headlab.checkpoint.pt.plain_objects import plain_object
from headlab.errors import CheckpointError
from headlab.families.facts import joined

TRAINING_STATE = {"ema": None, "epoch": -1, "optimizer": None, "scaler": None, "updates": None}
"""What a training that is finished has there, as ultralytics writes it."""

_NOT_METADATA = {"model", *TRAINING_STATE}
_MOST_VALUES = 1_000_000
_DEEPEST = 32
_SHOWN = 5
_MISSING = object()


def kept_metadata(checkpoint: PtCheckpoint) -> dict[str, Any]:
    """What is written next to a network that is saved anew.

    Raises:
        CheckpointError: the file holds a million values or more besides its network.
    """
    kept = _copied(checkpoint)[0]
    kept.setdefault("train_args", training_arguments(checkpoint))
    return kept


def training_arguments(checkpoint: PtCheckpoint) -> dict[str, Any]:
    """The arguments of the training that are data."""
    found = _Copy(str(checkpoint.path)).of(checkpoint.stored_train_args, "train_args", 0)
    return found if isinstance(found, dict) else {}


def losses(checkpoint: PtCheckpoint) -> tuple[str, ...]:
    """What is not written, in sentences."""
    return tuple(_losses(checkpoint))


def _losses(checkpoint: PtCheckpoint) -> Iterator[str]:
    root = checkpoint.pickle.root
    state = [
        f"epoch {root[key]}" if key == "epoch" and isinstance(root[key], int) else key
        for key, none in TRAINING_STATE.items()
        if root.get(key) is not None and root[key] != none and key != checkpoint.live
    ]
    if checkpoint.live == "ema" and root.get("model") is not None:
        state.insert(0, "model")
    if state:
        yield (
            f"Left out: {joined(state)}, the state of an unfinished training, which would not fit. The "
            f"weights are those of `{checkpoint.live}`."
        )
    names = _copied(checkpoint)[1]
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield f"Left out, since they are no plain data: {', '.join(names[:_SHOWN])}{more}."


def _copied(checkpoint: PtCheckpoint) -> tuple[dict[str, Any], list[str]]:
    copy = _Copy(str(checkpoint.path))
    root = {key: value for key, value in checkpoint.pickle.root.items() if key not in _NOT_METADATA}
    return copy.of(root, "", 0), copy.left_out


class _Copy:
    """One copy: how many values are left, and what was left out."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.left = _MOST_VALUES
        self.left_out: list[str] = []

    def of(self, value: Any, name: str, depth: int) -> Any:
        """A copy of a value; `_MISSING` for what is no data."""
        self.left -= 1
        if self.left < 0:
            raise CheckpointError(
                f"{self.where}: holds more than {_MOST_VALUES:,} values besides its network.",
                "No training writes that: do not use the file.",
            )
        if isinstance(value, Instance):
            value = plain_object(value)
            copied = _MISSING if value is None else value
        elif isinstance(value, dict) and depth < _DEEPEST:
            copied = dict(self._entries(value, name, depth))
        elif isinstance(value, (list, tuple)) and depth < _DEEPEST:
            items = [self.of(item, f"{name}[{at}]", depth + 1) for at, item in enumerate(value)]
            copied = type(value)(item for item in items if item is not _MISSING)
        else:
            plain = value is None or isinstance(value, (bool, int, float, str, bytes))
            copied = value if plain else _MISSING
        if copied is _MISSING:
            self.left_out.append(name)
        return copied

    def _entries(self, value: dict[Any, Any], name: str, depth: int) -> Iterator[tuple[Any, Any]]:
        for key, item in value.items():
            label = f"{name}.{key}" if name else str(key)
            if not isinstance(key, (str, int, float)):
                self.left_out.append(f"{name}.…")
                continue
            copied = self.of(item, label[:200], depth + 1)
            if copied is not _MISSING:
                yield key, copied
