"""Batches from worker processes, which read photos, augment them and make targets while the network computes.

On Linux the workers are forked: they start within a few hundredths of a second, share the boxes with their
parent, and a script needs no `if __name__ == "__main__"`. Spawned processes would import torch again, which
takes seconds for each. A fork has none of its parent's threads, so that a worker uses a single thread and
nothing that waits for other threads: neither CUDA, nor polars, nor OpenCV's pool. On other systems the
workers start in Python's default way.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from headlab.errors import HeadlabError, InputError
from headlab.extras import ultralytics
from headlab.train.configuration.config import TrainConfig
from headlab.train.data.batch import Batch, Collate, Draw
from headlab.train.data.dataset import Augment, PhotoDataset
from headlab.train.data.photos import Photos
from headlab.train.data.sampling import Sizes, TrainSampler, ValSampler
from headlab.yolov3.targets.assigner import Assigner

_Failure = tuple[str, str]
"""Message and hint of an error in a worker; torch would hand on an exception as its traceback's text."""


def train_loader(
    photos: Photos,
    config: TrainConfig,
    augmenter: Augment,
    assigner: Assigner,
    *,
    pin_memory: bool = False,
    rank: int = 0,
    world: int = 1,
) -> Loader:
    """The batches to train on.

    Args:
        photos: the photos to train on.
        config: gives batch size, input size, multi-scale, seed and number of workers.
        augmenter: augments the photos.
        assigner: makes the targets.
        pin_memory: whether batches go to a GPU.
        rank: the number of this training process.
        world: the number of training processes.

    Raises:
        InputError: the batch is larger than the data set.
    """
    sampler = TrainSampler(len(photos), config.batch, config.seed, Sizes.of(config), rank, world)
    dataset = PhotoDataset(photos, augmenter, config.seed)
    return Loader(dataset, sampler, assigner, workers=config.workers, pin_memory=pin_memory)


def val_loader(
    photos: Photos,
    config: TrainConfig,
    augmenter: Augment,
    assigner: Assigner,
    *,
    pin_memory: bool = False,
    rank: int = 0,
    world: int = 1,
) -> Loader:
    """The batches to validate on: all photos, in order, at `config.imgsz`. See `train_loader`."""
    sampler = ValSampler(len(photos), config.batch, config.imgsz, rank, world)
    dataset = PhotoDataset(photos, augmenter, config.seed)
    return Loader(dataset, sampler, assigner, workers=config.workers, pin_memory=pin_memory)


class Loader:
    """An epoch's batches each time it is iterated; its worker processes live until it is closed.

    Use it as a context: on leaving it, the death of a worker while the network computed is explained.

    Args:
        dataset: makes samples.
        sampler: chooses them.
        assigner: makes targets.
        workers: the number of worker processes; with 0 everything happens in this process.
        pin_memory: whether batches go to a GPU.
    """

    def __init__(
        self,
        dataset: PhotoDataset,
        sampler: TrainSampler | ValSampler,
        assigner: Assigner,
        *,
        workers: int,
        pin_memory: bool = False,
    ) -> None:
        self._batches = _Batches(dataset, Collate(assigner))
        self._sampler = sampler
        self._workers = workers
        self._pin_memory = pin_memory
        self._torch_loader: DataLoader[Batch | _Failure] | None = None

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return len(self._sampler)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, counted over all stages, from 0."""
        self._sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the epoch.

        Raises:
            InputError: no photo can be read, or a box cannot be used.
            HeadlabError: a worker died, or there is too little shared memory.
        """
        if self._torch_loader is None:
            self._torch_loader = self._new()
        try:
            for batch in self._torch_loader:
                if isinstance(batch, tuple):
                    raise InputError(*batch)
                yield batch
        except RuntimeError as error:
            self.close()
            explained = _explained(str(error))
            if explained is None:
                raise
            raise explained from error

    def close(self) -> None:
        """End the workers; iterating again starts new ones."""
        self._torch_loader = None

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        # torch reports the death of a worker wherever its parent happens to be, such as in the network.
        explained = _explained(str(error)) if isinstance(error, RuntimeError) else None
        if explained is not None:
            raise explained from error

    def _new(self) -> DataLoader[Batch | _Failure]:
        options: dict[str, Any] = {}
        if self._workers:
            ultralytics("utils.patches")  # import it once here, rather than in each worker
            options = {
                "num_workers": self._workers,
                "persistent_workers": True,
                "worker_init_fn": _prepare_worker,
                "multiprocessing_context": "fork" if sys.platform == "linux" else None,
            }
        return DataLoader(
            self._batches,
            batch_size=None,
            sampler=self._sampler,
            collate_fn=_unchanged,
            pin_memory=self._pin_memory,
            generator=torch.Generator(),  # else it would draw from the training's generator
            **options,
        )


class _Batches(Dataset["Batch | _Failure"]):
    """Batches by the draws of their samples."""

    def __init__(self, dataset: PhotoDataset, collate: Collate) -> None:
        self._dataset = dataset
        self._collate = collate

    def __getitem__(self, draws: list[Draw]) -> Batch | _Failure:
        try:
            batch = self._collate([self._dataset[draw] for draw in draws])
            if get_worker_info() is not None:
                _share(batch)
        except HeadlabError as error:
            return error.message, error.hint
        return batch


def _unchanged(batch: Batch | _Failure) -> Batch | _Failure:
    return batch


def _share(batch: Batch) -> None:
    """Move the pixels to shared memory now; torch's own thread would do it later, and fail silently."""
    try:
        batch.pixels.share_memory_()
    except RuntimeError as error:
        raise _explained(str(error)) or error from error


def _prepare_worker(worker: int) -> None:
    """Leave Ctrl-C to the parent, and threads to the network."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def _explained(text: str) -> HeadlabError | None:
    """What to say about an error of torch's loader; None if it is not a known one."""
    fewer = "with fewer --workers, or with --workers 0"
    if "Bus error" in text or "shared memory" in text or "No space left" in text:
        return HeadlabError(
            "The processes that load photos ran out of shared memory (/dev/shm).",
            f"Enlarge it (a container's --shm-size), or train {fewer}.",
        )
    if "Too many open files" in text or "received 0 items of ancdata" in text:
        return HeadlabError(
            "The processes that load photos have too many open files.",
            f"Allow more (ulimit -n), or train {fewer}.",
        )
    if "killed by signal: Terminated" in text:
        return HeadlabError(
            "A process that loads photos was terminated from outside.", "Continue with --resume."
        )
    if "DataLoader worker" in text and (
        "killed by signal" in text or "exited unexpectedly" in text
    ):
        return HeadlabError(
            "A process that loads photos died, most likely because the machine ran out of memory.",
            f"Continue with --resume {fewer}, a smaller --batch, or smaller photos.",
        )
    return None
