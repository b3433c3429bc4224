"""Run commands as whole processes, in turn, and take medians.

This module and its callers stay small on purpose: Linux counts the memory of the process that starts a
command towards the peak of that command.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"  # would compile headlab, but not its rival, on every run
HEADLAB = str(Path(sys.executable).with_name("headlab"))


@dataclass(frozen=True)
class Cost:
    """What one process took: wall time in seconds, peak resident memory in 10^6 bytes."""

    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: what was measured.
        unit: of `ours` and `theirs`, such as "s" or "MB".
        ours: headlab's figure; less is better.
        theirs: the figure of what it is compared with.
        rival: what that is.
        limit: the target.
        of_ratio: whether the target is for ours / theirs, or for ours.
    """

    what: str
    unit: str
    ours: float
    theirs: float
    rival: str
    limit: float | None = None
    of_ratio: bool = True

    @property
    def ratio(self) -> float:
        """Ours / theirs."""
        return self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is none."""
        if self.limit is None:
            return None
        return (self.ratio if self.of_ratio else self.ours) <= self.limit


def cost_of(command: Sequence[str]) -> Cost:
    """Run a command to its end, on a disk that has nothing left to write.

    A command that waits until its file is on the disk would otherwise also wait for what others wrote.

    Raises:
        RuntimeError: it failed; the message has what it printed.
    """
    os.sync()
    environment = {key: value for key, value in os.environ.items() if key != _NO_BYTECODE}
    with tempfile.TemporaryFile() as printed:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdout=printed, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            printed.seek(0)
            text = printed.read().decode(errors="replace")
            raise RuntimeError(f"exit code {process.returncode}: {' '.join(command)}\n{text}")
    return Cost(seconds, usage.ru_maxrss * _RSS_UNIT_BYTES / 1e6)


def interleaved(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Cost]:
    """The median cost of each command over `runs` rounds, each of which runs all of them once.

    A first round, which fills the caches, does not count.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for round_ in range(runs + 1):
        for name, command in commands.items():
            cost = cost_of(command)
            if round_:
                costs[name].append(cost)
    return {
        name: Cost(median(c.seconds for c in its), median(c.peak_mb for c in its))
        for name, its in costs.items()
    }
