"""Scripts of this folder as processes of their own: those that answer once, and those that take turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent


def answer(script: str, *arguments: str) -> dict[str, float]:
    """What a script prints last, as JSON."""
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def in_turn(
    script: str,
    arguments: Mapping[str, Sequence[str]],
    rounds: int,
    packages: Mapping[str, Path | None],
) -> dict[str, list[list[float]]]:
    """What each of several workers prints per step, one step of each in turn.

    Args:
        script: what the workers run; it says "ready", then answers every line with numbers.
        arguments: of each worker, by name.
        rounds: how many steps.
        packages: a folder with packages of its own for some workers, by name.
    """
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(
                _ready([sys.executable, str(HERE / script), *its], packages.get(name))
            )
            for name, its in arguments.items()
        }
        numbers: dict[str, list[list[float]]] = {name: [] for name in workers}
        for round_ in range(rounds):
            for name in list(workers) if round_ % 2 else list(reversed(workers)):
                request, reply = workers[name]
                request.write("go\n")
                request.flush()
                numbers[name].append([float(number) for number in reply.readline().split()])
    return numbers


@contextmanager
def _ready(command: Sequence[str], packages: Path | None) -> Iterator[tuple[IO[str], IO[str]]]:
    """The stdin and stdout of a process that has said "ready"."""
    environment = dict(os.environ)
    if packages is not None:
        environment["PYTHONPATH"] = str(packages)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, stdin=pipe, stdout=pipe, encoding="utf-8"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "ready\n":
            if not line:
                raise RuntimeError(f"{' '.join(command)} ended before it was ready")
        yield process.stdin, process.stdout
