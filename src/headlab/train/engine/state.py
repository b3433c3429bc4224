"""What a training needs to go on as if nothing had happened: one file, replaced after every epoch.

Random numbers need no place in it: every draw is made from the seed and the number of the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from headlab.errors import CheckpointError
from headlab.files.atomic import replacing

NAME = "state.pt"
_VERSION = 1


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        stage: the stage that is going on, 1 or 2.
        epoch: how many epochs of it are done.
        epochs: how many are done over all stages.
        global_step: how many steps are done.
        images: how many photos were seen, each time they were.
        best: the best value of what is monitored; None before the first validation.
        best_stage: the stage of the best epoch.
        best_epoch: the best epoch, from 1.
        stopping: whether the stage ends after this epoch, before its last one.
        stopped_early: whether a stage ended before its last epoch.
        finished: whether there is nothing left to do.
    """

    stage: int = 1
    epoch: int = 0
    epochs: int = 0
    global_step: int = 0
    images: int = 0
    best: float | None = None
    best_stage: int = 0
    best_epoch: int = 0
    stopping: bool = False
    stopped_early: bool = False
    finished: bool = False


@dataclass(frozen=True)
class State:
    """The contents of the file.

    Attributes:
        config: the configuration as YAML.
        fingerprint: of the photos and boxes.
        epsilon: of batch normalisation, which the configuration does not say.
        progress: how far the training is.
        network: its `state_dict`.
        parts: the state of the optimizer and of what goes with it, by name; empty between two stages.
    """

    config: str
    fingerprint: str
    epsilon: float
    progress: Progress
    network: Mapping[str, Any]
    parts: Mapping[str, Any]


def save_state(folder: Path, state: State) -> None:
    """Replace the state in a folder; the earlier one stays until the new one is on the disk.

    Raises:
        OutputError: it cannot be written, as on a full disk; the earlier one is as it was.
    """
    values = {
        "version": _VERSION,
        "config": state.config,
        "fingerprint": state.fingerprint,
        "epsilon": state.epsilon,
        "progress": asdict(state.progress),
        "network": dict(state.network),
        "parts": dict(state.parts),
    }
    with replacing(folder / NAME) as file:
        try:
            torch.save(values, file)
        except RuntimeError as error:
            # torch's zip writer says so, of a disk that is full or a file that may not grow.
            raise OSError(_errno(error), "the state could not be written whole") from error


def load_state(folder: Path) -> State:
    """Read the state in a folder.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    path = folder / NAME
    if not path.is_file():
        raise CheckpointError(
            f"{folder}: there is no training to go on with: {NAME} is missing.",
            "Name the folder that `headlab train` wrote to; it is there after the first epoch.",
        )
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        if values["version"] != _VERSION:
            raise CheckpointError(
                f"{path}: written by another version of headlab (state {values['version']}).",
                f"Go on with that version, or start anew with --start {folder / 'best.safetensors'}.",
            )
        return State(
            values["config"],
            values["fingerprint"],
            values["epsilon"],
            Progress(**values["progress"]),
            values["network"],
            values["parts"],
        )
    except CheckpointError:
        raise
    except Exception as error:
        raise _damaged(folder) from error


def load_network(network: torch.nn.Module, state: State, folder: Path) -> None:
    """Put the weights of a state into a network.

    Args:
        network: of the state's configuration.
        state: to take them from.
        folder: that it is of.

    Raises:
        CheckpointError: they are not this network's.
    """
    try:
        network.load_state_dict(state.network)
    except (RuntimeError, TypeError) as error:
        raise _damaged(folder) from error


def _damaged(folder: Path) -> CheckpointError:
    return CheckpointError(
        f"{folder / NAME}: this is no state of a training, or it is damaged.",
        f"Start anew from the weights beside it, such as --start {folder / 'best.safetensors'}.",
    )


def _errno(error: BaseException) -> int:
    """The number of the failure behind an error of torch's writer, if it is known."""
    import errno

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return cause.errno
        cause = cause.__cause__ or cause.__context__
    return errno.EIO
