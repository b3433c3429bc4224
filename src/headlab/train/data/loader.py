"""Batches from processes that read photos, vary them and make targets, while the network computes.

The processes are forked where the system is Linux: they start in a few hundredths of a second, share the
boxes with their parent, and a script needs no `if __name__ == "__main__"`; processes that are spawned
import torch anew, which takes seconds for each. A fork copies none of the parent's threads, so that
the processes use one thread each and nothing that waits for others: neither CUDA, nor polars, nor
OpenCV's pool. Elsewhere they start as the system's Python usually does it.
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

from headlab.detect.offline import ultralytics
from headlab.errors import HeadlabError, InputError
from headlab.train.configuration.config import TrainConfig
from headlab.train.data.batch import Batch, Collate, Draw
from headlab.train.data.dataset import Augment, PhotoDataset
from headlab.train.data.photos import Photos
from headlab.train.data.sampling import Sizes, TrainSampler, ValSampler
from headlab.yolov3.targets.assigner import Assigner

_Failure = tuple[str, str]
"""Message and hint of an error in a process; an exception would come with its traceback as text."""


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
        photos: to train on.
        config: of which it takes the batch, the size, the multi-scale, the seed and the workers.
        augmenter: what varies the photos.
        assigner: what makes the targets.
        pin_memory: whether batches go to a GPU.
        rank: the number of this process of the training.
        world: how many there are.

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
    """The batches to validate on, as `train_loader`: all photos, in order, at `config.imgsz`."""
    sampler = ValSampler(len(photos), config.batch, config.imgsz, rank, world)
    dataset = PhotoDataset(photos, augmenter, config.seed)
    return Loader(dataset, sampler, assigner, workers=config.workers, pin_memory=pin_memory)


class Loader:
    """An epoch's batches whenever it is iterated; its processes live until it is closed.

    Use it as a context: a process that dies while the network computes is explained at its end.

    Args:
        dataset: makes samples.
        sampler: says which.
        assigner: makes targets.
        workers: how many processes; 0 for none, everything happening in this one.
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
        self._made = _Batches(dataset, Collate(assigner))
        self._sampler = sampler
        self._workers = workers
        self._pin_memory = pin_memory
        self._torchs: DataLoader[Batch | _Failure] | None = None

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return len(self._sampler)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, over all stages, from 0."""
        self._sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the epoch.

        Raises:
            InputError: no photo can be read, or a box cannot be used.
            HeadlabError: a process died, or memory to pass batches on is missing.
        """
        if self._torchs is None:
            self._torchs = self._new()
        try:
            for made in self._torchs:
                if isinstance(made, tuple):
                    raise InputError(*made)
                yield made
        except RuntimeError as error:
            self.close()
            known = _explained(str(error))
            if known is None:
                raise
            raise known from error

    def close(self) -> None:
        """End the processes; iterating again starts new ones."""
        self._torchs = None

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        # torch raises the death of a process wherever its parent happens to be, such as in the network.
        known = _explained(str(error)) if isinstance(error, RuntimeError) else None
        if known is not None:
            raise known from error

    def _new(self) -> DataLoader[Batch | _Failure]:
        options: dict[str, Any] = {}
        if self._workers:
            ultralytics("utils.patches")  # once here, rather than in each process
            options = {
                "num_workers": self._workers,
                "persistent_workers": True,
                "worker_init_fn": _begin,
                "multiprocessing_context": "fork" if sys.platform == "linux" else None,
            }
        return DataLoader(
            self._made,
            batch_size=None,
            sampler=self._sampler,
            collate_fn=_as_it_is,
            pin_memory=self._pin_memory,
            generator=torch.Generator(),  # else it would draw from the training's
            **options,
        )


class _Batches(Dataset["Batch | _Failure"]):
    """Batches by their draws."""

    def __init__(self, dataset: PhotoDataset, collate: Collate) -> None:
        self._dataset = dataset
        self._collate = collate

    def __getitem__(self, draws: list[Draw]) -> Batch | _Failure:
        try:
            made = self._collate([self._dataset[draw] for draw in draws])
            if get_worker_info() is not None:
                _share(made)
        except HeadlabError as error:
            return error.message, error.hint
        return made


def _as_it_is(made: Batch | _Failure) -> Batch | _Failure:
    return made


def _share(made: Batch) -> None:
    """Move the pixels to shared memory, where they would be moved later, by a thread that tells no one."""
    try:
        made.pixels.share_memory_()
    except RuntimeError as error:
        raise _explained(str(error)) or error from error


def _begin(worker: int) -> None:
    """Prepare a process: Ctrl-C is for its parent, and threads are for the network."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def _explained(text: str) -> HeadlabError | None:
    """What to say of an error of torch's loader; None if it is none that is known."""
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
            "A process that loads photos was ended from outside.", "Go on with --resume."
        )
    if "DataLoader worker" in text and (
        "killed by signal" in text or "exited unexpectedly" in text
    ):
        return HeadlabError(
            "A process that loads photos died; often the machine's memory is too small for it.",
            f"Go on with --resume {fewer}, a smaller --batch, or smaller photos.",
        )
    return None
