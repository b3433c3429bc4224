"""What torch raises when memory is too small or another process has gone, as errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from headlab.errors import TrainingError
from headlab.train.configuration.config import TrainConfig

_MEMORY = ("DefaultCPUAllocator", "not enough memory", "out of memory", "MemoryError")
_PEER = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "heartbeat")


@contextmanager
def explained_failures(config: TrainConfig) -> Iterator[None]:
    """Raise failures that come from the machine as `TrainingError`; others stay what they are.

    Args:
        config: of the training.

    Raises:
        TrainingError: a device or this machine has too little memory, or another process ended.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        known = _explained(error, config)
        if known is None:
            raise
        raise known from error


def _explained(error: Exception, config: TrainConfig) -> TrainingError | None:
    text = str(error)
    is_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    if is_memory or any(word in text for word in _MEMORY):
        height, width = config.imgsz
        return TrainingError(
            f"The memory is too small for batches of {config.batch} photos at {width} x {height} px.",
            "Begin with a smaller --batch or --imgsz, with --precision bf16-mixed, or with more of the "
            "network frozen (--stage2.freeze backbone).",
        )
    if torch.distributed.is_initialized() and any(word in text for word in _PEER):
        return TrainingError(
            "Another process of this training ended, so that this one cannot go on.",
            "Its own message, if it had time for one, is above; often its memory was too small. Go on with "
            "--resume.",
        )
    return None
