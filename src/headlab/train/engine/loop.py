"""The training loop: two stages, their epochs, their steps, and a checkpoint after every epoch.

The loop is written out instead of hidden in a trainer, so that a debugger can step from a photo to the
gradient of a single term (docs/debugging.md). Lightning Fabric places it on devices and processes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from headlab.errors import InputError
from headlab.train.data.batch import Batch
from headlab.train.data.loader import Loader, train_loader, val_loader
from headlab.train.engine.bad_batch import check_finite
from headlab.train.engine.freezing import freeze, frozen_count, train_mode, trainable_count
from headlab.train.engine.interrupts import Interrupts
from headlab.train.engine.saving import Keeper
from headlab.train.engine.stage import RunningStage
from headlab.train.engine.state import Progress
from headlab.train.engine.synced_norm import synced
from headlab.train.engine.tally import Tally, Trained
from headlab.train.engine.terms import terms_of
from headlab.train.engine.validation import Validation, validate
from headlab.train.events import (
    Epoch,
    Event,
    Finished,
    StageStarted,
    Started,
    Stepped,
    Watcher,
)
from headlab.train.planning import Plan
from headlab.yolov3.loss import Loss, yolo_loss


class Training:
    """One training in one process, from where it is to its end.

    Args:
        plan: what to do.
        fabric: launched; it joins the processes.
        watchers: told of everything; of the first process only.
        interrupts: what puts signals off while an epoch is written down; None where none arrive.
    """

    def __init__(
        self,
        plan: Plan,
        fabric: Any,
        watchers: Sequence[Watcher] = (),
        interrupts: Interrupts | None = None,
    ) -> None:
        self._plan, self._fabric = plan, fabric
        self._watchers = watchers if fabric.is_global_zero else ()
        self._interrupts = interrupts or Interrupts()
        self._progress = plan.state.progress if plan.state is not None else Progress()
        self._network = plan.network.to(memory_format=torch.channels_last)
        if fabric.world_size > 1:
            self._network = synced(self._network, fabric.device)
        self._options = plan.loss_options()
        self._train, self._val = _loaders(plan, fabric)
        self._keeper = Keeper(plan, fabric.is_global_zero)
        self._began = time.monotonic()

    def run(self) -> Finished:
        """Train to the end.

        Raises:
            TrainingError: a loss is not finite, or a process that loads photos died.
            InputError: no photo can be read.
            OutputError: a checkpoint cannot be written; the one before is as it was.
        """
        with self._train, self._val or nullcontext():
            return self._run()

    def _run(self) -> Finished:
        plan, progress = self._plan, self._progress
        self._tell(
            Started(
                plan.config,
                plan.folder,
                len(plan.train),
                len(plan.val) if plan.val is not None else 0,
                plan.train.class_names,
                plan.notes,
                progress.epochs,
            )
        )
        self._keeper.begin()
        for number, _ in enumerate(plan.stages, 1):
            if progress.stage == number:
                self._stage(number)
                progress.stage, progress.epoch, progress.stopping = number + 1, 0, False
        written = self._keeper.end(self._network, progress)
        finished = Finished(
            folder=plan.folder,
            written=written,
            best_stage=progress.best_stage,
            best_epoch=progress.best_epoch,
            monitor=self._monitored(),
            best=abs(progress.best) if progress.best is not None else math.nan,
            stopped_early=progress.stopped_early,
            seconds=time.monotonic() - self._began,
        )
        self._tell(finished)
        return finished

    def _stage(self, number: int) -> None:
        """Train one stage: freeze, set up afresh, and go through its epochs."""
        stage, progress = self._plan.stages[number - 1], self._progress
        if not stage.epochs:
            return
        freeze(self._network, stage.freeze)
        at = RunningStage.of(
            number, self._network, self._plan.config, len(self._train), self._fabric
        )
        if self._plan.state is not None and progress.epoch:
            at.restore(self._plan.state.parts)
        self._tell(
            StageStarted(
                number=number,
                stage=stage,
                trainable=trainable_count(self._network),
                frozen=frozen_count(self._network),
                steps=len(self._train),
                done_epochs=progress.epoch,
            )
        )
        while progress.epoch < stage.epochs and not progress.stopping:
            self._epoch(at)
        progress.stopped_early |= progress.epoch < stage.epochs

    def _epoch(self, at: RunningStage) -> None:
        """One epoch, its validation, its checkpoint."""
        progress, began = self._progress, time.monotonic()
        trained = self._trained(at)
        validation = self._validated(at)
        value = self._value(trained.terms.total, validation)
        progress.epoch += 1
        progress.epochs += 1
        better = _is_better(value, progress.best)
        if better:
            progress.best, progress.best_stage = value, at.number
            progress.best_epoch = progress.epoch
        at.rate.end_epoch(value)
        progress.stopping = at.stopping.end_epoch(value)
        with self._interrupts.in_memory():  # state and logs tell of the same epochs
            self._keeper.keep(self._network, progress, at.parts(), best=better)
            self._tell(
                Epoch(
                    stage=at.number,
                    epoch=progress.epoch,
                    global_step=progress.global_step,
                    train=trained.terms,
                    val=validation.terms if validation else None,
                    figures=validation.figures if validation else {},
                    lr=trained.lr,
                    best=better,
                    truths=trained.truths,
                    skipped=trained.failed | (validation.failed if validation else {}),
                    seconds=time.monotonic() - began,
                    data_share=trained.data_share,
                )
            )

    def _trained(self, at: RunningStage) -> Trained:
        """The steps of an epoch."""
        tally = Tally(self._plan.train.class_names)
        train_mode(self._network)
        self._train.set_epoch(self._progress.epochs)
        for step, (batch, data_s) in enumerate(_timed(self._train), 1):
            began = time.monotonic()
            lr = at.rate.begin_step()
            loss = self._step(at, batch, lr)
            step_s = data_s + time.monotonic() - began
            tally.add(batch, loss, lr=lr, data_s=data_s, step_s=step_s)
            self._progress.global_step += 1
            self._progress.images += len(batch.indices) * self._fabric.world_size
            if self._watchers:
                self._tell(
                    Stepped(
                        stage=at.number,
                        epoch=self._progress.epoch + 1,
                        step=step,
                        global_step=self._progress.global_step,
                        terms=terms_of(loss, self._plan.train.class_names),
                        lr=lr,
                        input_hw_px=(batch.pixels.shape[2], batch.pixels.shape[3]),
                        data_s=data_s,
                        step_s=step_s,
                    )
                )
        return tally.trained(self._fabric)

    def _step(self, at: RunningStage, batch: Batch, lr: float) -> Loss:
        """Forward, loss, backward, optimizer: the place for a breakpoint."""
        there = batch.to(self._fabric.device, non_blocking=True)
        outputs = at.module(there.images())
        loss = yolo_loss(outputs, there.targets, self._options)
        check_finite(loss, batch, self._network, self._plan, lr)
        self._fabric.backward(loss.total, model=at.module)
        if self._plan.config.clip_norm:
            self._fabric.clip_gradients(
                at.module, at.optimizer, max_norm=self._plan.config.clip_norm
            )
        at.optimizer.step()
        at.optimizer.zero_grad(set_to_none=True)
        return loss

    def _validated(self, at: RunningStage) -> Validation | None:
        if self._val is None:
            return None
        every = self._plan.config.evaluate_every
        due = self._plan.config.monitor != "loss" or (
            every > 0 and (self._progress.epochs + 1) % every == 0
        )
        at.module.eval()
        return validate(
            at.module,
            self._val,
            self._fabric,
            self._options,
            self._network.description,
            figures=due,
        )

    def _monitored(self) -> str:
        if self._val is None:
            return "train loss"
        return f"val {self._plan.config.monitor}"

    def _value(self, trained: float, validation: Validation | None) -> float:
        """What is monitored: lower is better, so that average precision counts negatively."""
        if validation is None:
            return trained
        monitor = self._plan.config.monitor
        return validation.terms.total if monitor == "loss" else -validation.figures[monitor]

    def _tell(self, event: Event) -> None:
        for watcher in self._watchers:
            watcher(event)


def _is_better(value: float, best: float | None) -> bool:
    """Whether a value is the best so far; any is better than none, and any number than NaN."""
    if best is None or math.isnan(best):
        return best is None or not math.isnan(value)
    return value < best


def _timed(loader: Iterable[Batch]) -> Iterator[tuple[Batch, float]]:
    """Each batch, and the seconds that were spent waiting for it."""
    batches = iter(loader)
    while True:
        asked = time.monotonic()
        batch = next(batches, None)
        if batch is None:
            return
        yield batch, time.monotonic() - asked


def _loaders(plan: Plan, fabric: Any) -> tuple[Loader, Loader | None]:
    """What gives this process its photos to train on, and those to validate on.

    Raises:
        InputError: there are fewer photos than a batch takes, or than there are processes.
    """
    shared = {
        "pin_memory": fabric.device.type == "cuda",
        "rank": fabric.global_rank,
        "world": fabric.world_size,
    }
    assigner = plan.assigner()
    train = train_loader(plan.train, plan.config, plan.augmenter(), assigner, **shared)
    if plan.val is None:
        return train, None
    if len(plan.val) < fabric.world_size:
        raise InputError(
            f"There are {len(plan.val)} photos to validate on, and {fabric.world_size} processes.",
            "Each process needs one: validate on more photos, or train with fewer --devices.",
        )
    return train, val_loader(plan.val, plan.config, plan.val_augmenter(), assigner, **shared)
