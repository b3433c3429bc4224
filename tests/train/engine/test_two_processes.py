"""Two processes with half of a batch each learn what one process learns with the whole of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import two_processes

from headlab.train.configuration.config import TrainConfig
from headlab.train.engine.fabric import launched

PROGRAM = Path(two_processes.__file__)
STAGES = ("backbone", "none")


def with_two(folder: Path) -> list[dict[str, Any]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), "2", *STAGES],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def with_one() -> dict[str, Any]:
    torch.set_default_dtype(torch.float64)
    try:
        config = TrainConfig(device="cpu")
        with launched(config) as fabric:
            return two_processes.train(fabric, config, list(STAGES))
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What both processes have in the end, and what one has."""
    return with_two(tmp_path_factory.mktemp("processes")), with_one()


def test_losses_are_those_of_one_process(
    runs: tuple[list[dict[str, Any]], dict[str, Any]],
) -> None:
    # In double precision, 1e-16 per operation; the order of additions differs, and each step goes on
    # from the differences of those before.
    (first, second), one = runs
    assert first["losses"].equal(second["losses"])
    assert len(one["losses"]) == 3 * len(STAGES)
    torch.testing.assert_close(first["losses"], one["losses"], rtol=1e-12, atol=0)
    assert one["losses"].unique().numel() == len(one["losses"])


def test_weights_and_running_statistics_are_those_of_one_process(
    runs: tuple[list[dict[str, Any]], dict[str, Any]],
) -> None:
    # Adam divides a gradient by its own size, so that a small one's rounding counts in full: a weight
    # moves by 1e-3 per step, and may differ by a millionth of that.
    (first, second), one = runs
    assert list(first["state"]) == list(one["state"])
    for name, expected in one["state"].items():
        assert first["state"][name].equal(second["state"][name]), name
        torch.testing.assert_close(first["state"][name], expected, rtol=1e-9, atol=1e-9, msg=name)
