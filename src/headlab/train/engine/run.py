"""Run a plan: the loop, and what is around it: processes, interruptions, logs, what is said at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import torch

from headlab.errors import HeadlabError, OutputError
from headlab.results.progress import Progress
from headlab.train.engine.fabric import gathered, launched
from headlab.train.engine.failures import explained_failures
from headlab.train.engine.interrupts import Interrupted, interruptible
from headlab.train.engine.loop import Training
from headlab.train.engine.memory import kept_memory
from headlab.train.events import Epoch, Event, StageStarted, Started, Stepped, Watcher
from headlab.train.planning import Plan
from headlab.train.processes import is_first
from headlab.train.result import TrainingRun, read_run
from headlab.train.run_folder import claimed, resume_command
from headlab.train.watching.logs import MetricsLog, StepsLog
from headlab.train.watching.tensorboard import TensorBoardLog


def run_plan(plan: Plan, watchers: Sequence[Watcher], progress: Progress | None) -> TrainingRun:
    """See `headlab.train.run`."""
    if not is_first():
        _run_further_process(plan)
    last_epoch = _LastEpoch(plan)
    logs = [log(plan.folder) for log in (MetricsLog, StepsLog, TensorBoardLog)]
    counter = [_StepCounter(progress)] if progress is not None else []
    try:
        with claimed(plan.folder, new=plan.state is None):
            _train(plan, [last_epoch, *counter, *watchers], logs)
    except Interrupted as stop:
        raise Interrupted(stop.signal, last_epoch.interrupted()) from None
    except OutputError as error:
        how = last_epoch.how_to_continue()
        if how:
            raise OutputError(error.message, f"{error.hint} Then {how}".strip()) from error
        raise
    return read_run(plan.folder)


def _run_further_process(plan: Plan) -> None:
    """Train as a further process, and end: the first process reports what happened.

    An exit code other than 0 would make Fabric kill the first process, perhaps while it is writing.

    Raises:
        SystemExit: always, with exit code 0.
    """
    with suppress(Interrupted, HeadlabError):
        _train(plan, [], [])
    raise SystemExit(0)


def _train(plan: Plan, watchers: Sequence[Watcher], logs: Sequence[Watcher]) -> None:
    failures = explained_failures(plan.config)
    with interruptible() as interrupts, failures, launched(plan.config) as fabric:
        # A further process may have found another folder free, or the first one's not empty.
        folder: Path = gathered(plan.folder, fabric)[0]
        on_cpu = fabric.device.type == "cpu"
        with _debugging(plan.config.debug), kept_memory() if on_cpu else nullcontext():
            Training(replace(plan, folder=folder), fabric, watchers, interrupts, logs).run()


@contextmanager
def _debugging(wanted: bool) -> Iterator[None]:
    """Let torch name the operation behind a NaN gradient, and repeat every run exactly."""
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        with torch.autograd.set_detect_anomaly(True):
            yield
    finally:
        torch.use_deterministic_algorithms(before)


class _LastEpoch:
    """Remembers the last epoch that is on disk, for what is said after an interruption.

    Args:
        plan: the training.
    """

    def __init__(self, plan: Plan) -> None:
        self._folder = plan.folder
        self._stage, self._epoch = 0, 0
        if plan.state is not None:
            self._stage, self._epoch = plan.state.progress.stage, plan.state.progress.epoch

    def __call__(self, event: Event) -> None:
        if isinstance(event, Epoch):
            self._stage, self._epoch = event.stage, event.epoch

    def interrupted(self) -> str:
        """Where the training was interrupted, and how to continue."""
        if not self._stage:
            return (
                "interrupted before the end of the first epoch, so that there is nothing to resume"
            )
        where = (
            f"after epoch {self._epoch} of stage {self._stage}"
            if self._epoch
            else f"at the start of stage {self._stage}"
        )
        return f"interrupted {where}; {self.how_to_continue()}"

    def how_to_continue(self) -> str:
        """How to continue; empty before the end of the first epoch."""
        return f"continue with: {resume_command(self._folder)}" if self._stage else ""


class _StepCounter:
    """Tells a progress callback how many of all stages' steps are done.

    Args:
        progress: the callback.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._epochs = (0, 0)
        self._steps = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._epochs = event.config.stage1.epochs, event.config.stage2.epochs
        elif isinstance(event, StageStarted):
            self._steps = event.steps
        elif isinstance(event, Stepped):
            epochs_before = sum(self._epochs[: event.stage - 1]) + event.epoch - 1
            self._progress(
                epochs_before * self._steps + event.step, sum(self._epochs) * self._steps
            )
