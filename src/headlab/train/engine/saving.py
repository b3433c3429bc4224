"""What a training writes into its folder: configuration, state, best and last weights."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headlab.files.atomic import TEMPORARY_SUFFIX, write_bytes
from headlab.files.folder import make_folder
from headlab.train.engine.state import Progress, State, save_state
from headlab.train.engine.weight_files import write_weights
from headlab.train.planning import Plan, config_text
from headlab.train.run_folder import CONFIG_NAME, METRICS, STATE_NAME, STEPS, WEIGHT_SUFFIXES
from headlab.yolov3.network import YOLOv3


class Keeper:
    """Writes a training's folder; in the first process only.

    Args:
        plan: the training.
        first: whether this is the first process.
    """

    def __init__(self, plan: Plan, first: bool) -> None:
        self._plan, self._first = plan, first
        self._config = config_text(plan)
        self._fingerprint = ""

    def begin(self) -> None:
        """Make the folder and write the configuration; remove the half-written files of a killed training.

        Raises:
            OutputError: this fails.
        """
        if not self._first:
            return
        folder = self._plan.folder
        make_folder(folder, "Give another with -o.")
        _clear(folder)
        self._fingerprint = self._plan.fingerprint  # of the photos as they are now
        write_bytes(folder / CONFIG_NAME, self._config.encode("utf-8"))

    def keep(
        self, network: YOLOv3, progress: Progress, parts: Mapping[str, Any], *, best: bool
    ) -> None:
        """Write the results of an epoch: the weights if they are the best so far, then the state.

        Whatever happens in between, the state on disk is that of a complete epoch, and resuming from it
        writes the same best weights again.

        Raises:
            OutputError: a file cannot be written; the previous one is unchanged.
        """
        if not self._first:
            return
        if best:
            self._write(network, "best", progress)
        self._save(network, progress, parts)

    def end(self, network: YOLOv3, progress: Progress) -> tuple[Path, ...]:
        """Write the last weights, and record that the training is finished.

        Returns:
            The files of the best and the last weights.
        """
        folder, formats = self._plan.folder, self._plan.config.formats
        if self._first:
            self._write(network, "last", progress)
            self._save(network, replace(progress, finished=True), {})
        return tuple(
            folder / f"{name}{WEIGHT_SUFFIXES[each]}"
            for name in ("best", "last")
            for each in formats
        )

    def _write(self, network: YOLOv3, name: str, progress: Progress) -> None:
        write_weights(network, self._plan.folder, name, self._plan.config.formats, progress.images)

    def _save(self, network: YOLOv3, progress: Progress, parts: Mapping[str, Any]) -> None:
        epsilon = network.description.batch_norm_epsilon
        weights = network.state_dict()
        state = State(self._config, self._fingerprint, epsilon, progress, weights, parts)
        save_state(self._plan.folder, state)


def _clear(folder: Path) -> None:
    """Remove what a killed training left half written, of a training's own files only."""
    for name in (STATE_NAME, CONFIG_NAME, METRICS, STEPS, "best", "last"):
        for path in folder.glob(f".{name}*{TEMPORARY_SUFFIX}"):
            with contextlib.suppress(OSError):
                path.unlink()
