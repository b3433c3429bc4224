"""The training loop: two stages, their epochs and steps, and a checkpoint after every epoch.

The loop is written out rather than hidden in a trainer, so that a debugger can step from a photo to the
gradient of a single term (docs/debugging.md). Lightning Fabric only places it on devices and processes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from headlab.errors import InputError, TrainingError
from headlab.train.data.batch import Batch
from headlab.train.data.loader import Loader, train_loader, val_loader
from headlab.train.engine.bad_batch import check_finite
from headlab.train.engine.freezing import freeze, frozen_count, train_mode, trainable_count
from headlab.train.engine.interrupts import Interrupts
from headlab.train.engine.saving import Keeper
from headlab.train.engine.stage import RunningStage
from headlab.train.engine.state import Progress
from headlab.train.engine.synced_norm import synced
from headlab.train.engine.totals import EpochSums, EpochTotals, terms_of
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
from headlab.yolov3.augment.pipeline import Augmenter
from headlab.yolov3.loss import Loss, yolo_loss
from headlab.yolov3.targets.assigner import Assigner


class Training:
    """A training in one process, from where it is to its end.

    Args:
        plan: the training.
        fabric: launched; it joins the processes.
        watchers: get every event; those of the first process only.
        interrupts: holds signals back while an epoch is being written; None if none arrive.
        logs: watchers that write into the training's folder; they get an epoch before its state is written,
            so that no epoch is missing from them if the process is killed in between.
    """

    def __init__(
        self,
        plan: Plan,
        fabric: Any,
        watchers: Sequence[Watcher] = (),
        interrupts: Interrupts | None = None,
        logs: Sequence[Watcher] = (),
    ) -> None:
        self._plan, self._fabric = plan, fabric
        self._watchers = watchers if fabric.is_global_zero else ()
        self._logs = logs if fabric.is_global_zero else ()
        self._interrupts = interrupts or Interrupts()
        self._progress = plan.state.progress if plan.state is not None else Progress()
        self._network = plan.network.to(memory_format=torch.channels_last)
        if fabric.world_size > 1:
            self._network = synced(self._network, fabric.device)
        self._options = plan.loss_options()
        self._train, self._val, self._plain_val = _loaders(plan, fabric)
        self._keeper = Keeper(plan, fabric.is_global_zero)
        self._began = time.monotonic()

    def run(self) -> Finished:
        """Train to the end.

        Raises:
            TrainingError: a loss is NaN or infinite, a process that loads photos died, or no epoch had a
                truth.
            InputError: no photo can be read.
            OutputError: a checkpoint cannot be written; the previous one is unchanged.
        """
        with self._train, self._val or nullcontext(), self._plain_val or nullcontext():
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
        if not progress.truths:
            raise _without_truths(plan)
        weights = self._keeper.end(self._network, progress)
        finished = Finished(
            folder=plan.folder,
            written=weights,
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
        """Train one stage: freeze, set up, and go through its epochs."""
        stage, progress = self._plan.stages[number - 1], self._progress
        if not stage.epochs:
            return
        freeze(self._network, stage.freeze)
        running = RunningStage.of(
            number, self._network, self._plan.config, len(self._train), self._fabric
        )
        if self._plan.state is not None and progress.epoch:
            running.restore(self._plan.state.parts)
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
            self._epoch(running)
        progress.stopped_early |= progress.epoch < stage.epochs

    def _epoch(self, running: RunningStage) -> None:
        """Train and validate one epoch, and write its checkpoint."""
        progress, began = self._progress, time.monotonic()
        totals = self._steps(running)
        validation = self._validate(running)
        value = self._value(totals.terms.total, validation)
        progress.epoch += 1
        progress.epochs += 1
        progress.truths += totals.truths["truths"]
        better = _is_better(value, progress.best)
        if better:
            progress.best, progress.best_stage = value, running.number
            progress.best_epoch = progress.epoch
        running.rate.end_epoch(value)
        progress.stopping = running.stopping.end_epoch(value)
        done = Epoch(
            stage=running.number,
            epoch=progress.epoch,
            global_step=progress.global_step,
            train=totals.terms,
            val=validation.terms if validation else None,
            figures=validation.figures if validation else {},
            lr=totals.lr,
            best=better,
            truths=totals.truths,
            skipped=totals.failed | (validation.failed if validation else {}),
            seconds=time.monotonic() - began,
            data_share=totals.data_share,
        )
        with self._interrupts.held_back():  # so that state and logs hold the same epochs
            for log in self._logs:
                log(done)
            self._keeper.keep(self._network, progress, running.parts(), best=better)
            for watcher in self._watchers:
                watcher(done)

    def _steps(self, running: RunningStage) -> EpochTotals:
        """Make the steps of an epoch."""
        sums = EpochSums(self._plan.train.class_names)
        train_mode(self._network)
        self._train.set_epoch(self._progress.epochs)
        for step, (batch, data_s) in enumerate(_timed(self._train), 1):
            began = time.monotonic()
            lr = running.rate.begin_step()
            loss = self._step(running, batch, lr)
            step_s = data_s + time.monotonic() - began
            sums.add(batch, loss, lr=lr, data_s=data_s, step_s=step_s)
            self._progress.global_step += 1
            self._progress.images += len(batch.indices) * self._fabric.world_size
            if self._logs or self._watchers:
                self._tell(
                    Stepped(
                        stage=running.number,
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
        return sums.totals(self._fabric)

    def _step(self, running: RunningStage, batch: Batch, lr: float) -> Loss:
        """Forward, loss, backward, optimizer: the place for a breakpoint."""
        on_device = batch.to(self._fabric.device, non_blocking=True)
        outputs = running.module(on_device.images())
        loss = yolo_loss(outputs, on_device.targets, self._options)
        check_finite(loss, batch, self._network, self._plan, lr)
        self._fabric.backward(loss.total, model=running.module)
        if self._plan.config.clip_norm:
            self._fabric.clip_gradients(
                running.module, running.optimizer, max_norm=self._plan.config.clip_norm
            )
        running.optimizer.step()
        running.optimizer.zero_grad(set_to_none=True)
        return loss

    def _validate(self, running: RunningStage) -> Validation | None:
        if self._val is None or self._plan.val is None:
            return None
        every = self._plan.config.evaluate_every
        due = self._plan.config.monitor != "loss" or (
            every > 0 and (self._progress.epochs + 1) % every == 0
        )
        running.module.eval()
        return validate(
            running.module,
            self._val,
            self._fabric,
            self._options,
            self._network.description,
            self._plan.val,
            figures=due,
            plain=self._plain_val,
        )

    def _monitored(self) -> str:
        if self._val is None:
            return "train loss"
        return f"val {self._plan.config.monitor}"

    def _value(self, train_loss: float, validation: Validation | None) -> float:
        """The monitored value, for which lower is better: average precision gets a minus sign."""
        if validation is None:
            return train_loss
        monitor = self._plan.config.monitor
        return validation.terms.total if monitor == "loss" else -validation.figures[monitor]

    def _tell(self, event: Event) -> None:
        for watcher in (*self._logs, *self._watchers):
            watcher(event)


def _is_better(value: float, best: float | None) -> bool:
    """Whether a value is the best so far; any value is better than none, and any number than NaN."""
    if best is None or math.isnan(best):
        return best is None or not math.isnan(value)
    return value < best


def _timed(loader: Iterable[Batch]) -> Iterator[tuple[Batch, float]]:
    """Each batch, and the seconds spent waiting for it."""
    batches = iter(loader)
    while True:
        began = time.monotonic()
        batch = next(batches, None)
        if batch is None:
            return
        yield batch, time.monotonic() - began


def _without_truths(plan: Plan) -> TrainingError:
    augment = plan.config.augment
    return TrainingError(
        f"None of the {plan.train.box_count:,} boxes was in any of the inputs, so that nothing but "
        "background was learned.",
        f"Augmentation lost them: raise augment.scale_min ({augment.scale_min:g}) or lower "
        f"augment.min_visible ({augment.min_visible:g}), or look at them with --preview."
        if augment.enabled
        else "Look at the photos with --preview.",
    )


def _loaders(plan: Plan, fabric: Any) -> tuple[Loader, Loader | None, Loader | None]:
    """The loaders of this process's photos: those to train on, those to validate on, and these letterboxed.

    The last is None where the validation photos are letterboxed anyway.

    Raises:
        InputError: there are fewer photos than a batch takes, or fewer than there are processes.
    """
    shared = {
        "pin_memory": fabric.device.type == "cuda",
        "rank": fabric.global_rank,
        "world": fabric.world_size,
    }
    assigner = plan.assigner()
    train = train_loader(plan.train, plan.config, plan.augmenter(), assigner, **shared)
    if plan.val is None:
        return train, None, None
    if len(plan.val) < fabric.world_size:
        raise InputError(
            f"There are {len(plan.val)} photos to validate on, and {fabric.world_size} processes.",
            "Each process needs one: validate on more photos, or train with fewer --devices.",
        )
    val = val_loader(plan.val, plan.config, plan.val_augmenter(), assigner, **shared)
    if not plan.config.compat:
        return train, val, None
    unassigned = Assigner(plan.network.description)
    return train, val, val_loader(plan.val, plan.config, Augmenter(None), unassigned, **shared)
