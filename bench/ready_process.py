"""Start a worker process, and wait until it is ready to take its turns."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def ready(command: Sequence[str], packages: Path | None) -> Iterator[tuple[IO[str], IO[str]]]:
    """The stdin and stdout of a process that has said "ready".

    Args:
        command: what to run.
        packages: a folder with packages of its own; None for none.
    """
    environment = dict(os.environ)
    if packages is not None:
        environment["PYTHONPATH"] = str(packages)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "ready\n":
            if not line:
                raise RuntimeError(f"{' '.join(command)} ended before it was ready")
        yield process.stdin, process.stdout
