"""Errors that say what to do when memory runs out or another process is gone, instead of torch's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from headlab.errors import TrainingError
from headlab.plain_text import size_text
from headlab.train.configuration.config import TrainConfig

_MEMORY = ("DefaultCPUAllocator", "not enough memory", "out of memory", "MemoryError")
_PEER = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "heartbeat")


@contextmanager
def explained_failures(config: TrainConfig) -> Iterator[None]:
    """Raise failures of the machine as `TrainingError`; let all others through.

    Args:
        config: the training's configuration.

    Raises:
        TrainingError: a device or this machine ran out of memory, or another process ended.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        explained = _explained(error, config)
        if explained is None:
            raise
        raise explained from error


def _explained(error: Exception, config: TrainConfig) -> TrainingError | None:
    text = str(error)
    is_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    if is_memory or any(word in text for word in _MEMORY):
        return TrainingError(
            f"Out of memory with batches of {config.batch} photos at {size_text(config.imgsz)}.",
            "Start again with a smaller --batch or --imgsz, with --precision bf16-mixed, or with more of "
            "the network frozen (--stage2.freeze backbone).",
        )
    if torch.distributed.is_initialized() and any(word in text for word in _PEER):
        return TrainingError(
            "Another process of this training ended, so that this one cannot continue.",
            "Its own message, if there is one, is above; often it ran out of memory. Continue with "
            "--resume.",
        )
    return None
