"""The state of a training, with which it can be resumed: one file, replaced after every epoch.

It needs no state of random number generators: every draw is made from the seed and the epoch's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from headlab.errors import CheckpointError
from headlab.files.atomic import replacing
from headlab.train.run_folder import STATE_NAME

_VERSION = 2


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        stage: the current stage, 1 or 2.
        epoch: the number of its epochs that are done.
        epochs: the number of epochs that are done over all stages.
        global_step: the number of steps that are done.
        images: the number of photos seen, counted every time.
        truths: the number of truths seen, counted every time.
        best: the best monitored value; None before the first validation.
        best_stage: the stage of the best epoch.
        best_epoch: the best epoch, from 1.
        stopping: whether the stage stops early, after this epoch.
        stopped_early: whether a stage ended before its last epoch.
        finished: whether nothing is left to do.
    """

    stage: int = 1
    epoch: int = 0
    epochs: int = 0
    global_step: int = 0
    images: int = 0
    truths: int = 0
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
        fingerprint: of the photos and boxes, see `headlab.train.data.fingerprint`.
        epsilon: of batch normalisation, which the configuration does not contain.
        progress: how far the training has come.
        network: the network's `state_dict`.
        parts: the states of the optimizer and of what belongs to it, by name; empty between two stages.
    """

    config: str
    fingerprint: str
    epsilon: float
    progress: Progress
    network: Mapping[str, Any]
    parts: Mapping[str, Any]


def save_state(folder: Path, state: State) -> None:
    """Replace the state in a folder; the previous one stays until the new one is on disk.

    Raises:
        OutputError: it cannot be written, for example on a full disk; the previous one is unchanged.
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
    with replacing(folder / STATE_NAME) as file:
        try:
            torch.save(values, file)
        except RuntimeError as error:
            # torch's zip writer raises this if the disk is full or the file must not grow.
            raise OSError(_errno(error), "the state could not be written completely") from error


def load_state(folder: Path) -> State:
    """Read the state in a folder.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    path = folder / STATE_NAME
    if not path.is_file():
        raise CheckpointError(
            f"{folder}: there is no training to resume: {STATE_NAME} is missing.",
            "Name the folder that `headlab train` wrote to; the file is there after the first epoch.",
        )
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        if values["version"] != _VERSION:
            raise CheckpointError(
                f"{path}: written by another version of headlab (state {values['version']}).",
                f"Continue with that version, or start again with --start {folder / 'best.safetensors'}.",
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
    """Load the weights of a state into a network.

    Args:
        network: a network of the state's configuration.
        state: the state.
        folder: the state's folder, for messages.

    Raises:
        CheckpointError: the weights do not fit the network.
    """
    try:
        network.load_state_dict(state.network)
    except (RuntimeError, TypeError) as error:
        raise _damaged(folder) from error


def _damaged(folder: Path) -> CheckpointError:
    return CheckpointError(
        f"{folder / STATE_NAME}: this is not the state of a training, or it is damaged.",
        f"Start again from the weights in this folder, such as --start {folder / 'best.safetensors'}.",
    )


def _errno(error: BaseException) -> int:
    """The number of the system error behind an error of torch's writer; EIO if it is unknown."""
    import errno

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return cause.errno
        cause = cause.__cause__ or cause.__context__
    return errno.EIO
