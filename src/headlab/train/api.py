"""Train from Python: `plan` or `resume`, then `run`; `preview` shows what the network would be fed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice

import torch

from headlab.train.data.batch import Batch
from headlab.train.data.loader import train_loader
from headlab.train.engine.fabric import launched
from headlab.train.engine.failures import explained_failures
from headlab.train.engine.interrupts import interruptible
from headlab.train.engine.loop import Training
from headlab.train.engine.memory import kept_memory
from headlab.train.events import Finished, Watcher
from headlab.train.planning import Plan, plan, resume

__all__ = ["plan", "preview", "resume", "run"]


def run(planned: Plan, watchers: Sequence[Watcher] = ()) -> Finished:
    """Train, from where the plan begins to the end.

    With several processes, each runs the whole command, and they meet here.

    Args:
        planned: what to do.
        watchers: told of every event, in the first process.

    Raises:
        Interrupted: by Ctrl-C or SIGTERM; the state of the last epoch is on the disk.
        InputError: a device is not there, or no photo can be read.
        TrainingError: a loss is not finite, the memory is too small, or another process ended.
        OutputError: a checkpoint cannot be written; the one before is as it was.
    """
    failures = explained_failures(planned.config)
    with interruptible() as interrupts, failures, launched(planned.config) as fabric:
        on_cpu = fabric.device.type == "cpu"
        with _debugging(planned.config.debug), kept_memory() if on_cpu else nullcontext():
            return Training(planned, fabric, watchers, interrupts).run()


def preview(planned: Plan, batches: int = 1) -> list[Batch]:
    """The first batches that the network will be fed.

    Args:
        planned: what to do.
        batches: how many.

    Raises:
        InputError: no photo can be read.
    """
    with train_loader(
        planned.train, planned.config, planned.augmenter(), planned.assigner()
    ) as loader:
        return list(islice(loader, batches))


@contextmanager
def _debugging(wanted: bool) -> Iterator[None]:
    """Let torch name the operation behind a gradient that is not finite, and repeat every run exactly."""
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
