"""Too little memory, and processes that are gone, are explained; other errors are left as they are."""

from __future__ import annotations

import pytest
import torch

from headlab.errors import TrainingError
from headlab.train.configuration.config import TrainConfig
from headlab.train.engine.failures import explained_failures

CONFIG = TrainConfig(batch=64, imgsz=(320, 608))


def test_memory_that_is_too_small_for_torch() -> None:
    with pytest.raises(TrainingError) as caught, explained_failures(CONFIG):
        torch.empty(1 << 60, dtype=torch.uint8)
    assert "batches of 64 photos at 320 x 608 px (height x width)" in caught.value.message
    assert "--batch" in caught.value.hint
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no room"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("Caught _ArrayMemoryError in DataLoader worker process 0."),
    ],
)
def test_memory_that_is_too_small_elsewhere(error: Exception) -> None:
    with pytest.raises(TrainingError, match="Out of memory"), explained_failures(CONFIG):
        raise error


@pytest.mark.parametrize("error", [RuntimeError("mine"), ValueError("Broken pipe")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explained_failures(CONFIG):
        raise error
    assert caught.value is error


def test_a_closed_connection_means_a_lost_process_only_where_there_are_several() -> None:
    with pytest.raises(RuntimeError, match="closed by peer"), explained_failures(CONFIG):
        raise RuntimeError("Connection closed by peer [127.0.0.1]:1")
