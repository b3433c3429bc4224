"""YOLOv3's forward pass against pytorchyolo's and OpenCV's, and loading against reading the file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median
from typing import IO

from measure import Row
from ready_process import ready
from yolov3_material import model_file, packages

ROUNDS = {("yolov3-tiny", 1): 31, ("yolov3-tiny", 8): 9, ("yolov3", 1): 9, ("yolov3", 8): 5}
LIMITS = {"pytorchyolo": 1 / 1.3, "opencv": 1.0}
RIVALS = {"pytorchyolo": "pytorchyolo", "opencv": "OpenCV 4.10"}
LOADING_LIMIT = 1.5
MEMORY_LIMIT = 1.3
HERE = Path(__file__).parent


def rows() -> Iterator[Row]:
    folders = {rival: folder for rival in RIVALS if (folder := packages(rival)) is not None}
    for (variant, batch), rounds in ROUNDS.items():
        taken = forward_ms(model_file(variant), batch, rounds, folders)
        for rival in folders:
            what = f"{variant.replace('yolov', 'YOLOv')}, batch {batch}"
            theirs = taken[rival] / batch
            yield Row(what, "ms/image", taken["ours"] / batch, theirs, RIVALS[rival], LIMITS[rival])
    full, tiny = model_file("yolov3"), model_file("yolov3-tiny")
    found = answer("time", str(full))
    yield Row(
        "YOLOv3, loading 248 MB",
        "ms",
        found["load_ms"],
        found["read_ms"],
        "reading it",
        LOADING_LIMIT,
    )
    if Path("/proc/self/clear_refs").exists():
        found = answer("memory", str(full), str(tiny))
        needed = found["weights_mb"] + found["activations_mb"]
        yield Row(
            "YOLOv3, peak memory", "MB", found["peak_mb"], needed, "weights+act.", MEMORY_LIMIT
        )


def forward_ms(
    weights: Path, batch: int, rounds: int, folders: Mapping[str, Path]
) -> dict[str, float]:
    """The median milliseconds of a forward pass by network, one of each in turn."""
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(worker(name, weights, batch, folders.get(name)))
            for name in ("ours", *folders)
        }
        taken: dict[str, list[float]] = {name: [] for name in workers}
        for round_ in range(rounds):
            for name in list(workers) if round_ % 2 else list(reversed(workers)):
                asked, said = workers[name]
                asked.write("go\n")
                asked.flush()
                taken[name].append(float(said.readline()))
    return {name: median(each) for name, each in taken.items()}


def worker(
    name: str, weights: Path, batch: int, folder: Path | None
) -> AbstractContextManager[tuple[IO[str], IO[str]]]:
    """A process that is ready to compute; its stdin and stdout."""
    command = [sys.executable, str(HERE / "yolov3_worker.py"), name, str(weights), str(batch)]
    return ready(command, folder)


def answer(*arguments: str) -> dict[str, float]:
    """What `yolov3_loading.py` prints."""
    command = [sys.executable, str(HERE / "yolov3_loading.py"), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    from run import line

    for row in rows():
        print(line(row), flush=True)
