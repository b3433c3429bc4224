"""Loading a YOLOv3 file, in a process of its own; prints one line of JSON.

python yolov3_loading.py time MODEL.weights      loading it and reading it, in turn
python yolov3_loading.py memory MODEL.weights    the peak of loading it and one forward pass
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from pathlib import Path
from statistics import median

import torch

from headlab.families.read import read
from headlab.yolov3.fused import fused
from headlab.yolov3.load import build

SIDE_PX = 416
ROUNDS = 7
_STATUS = Path("/proc/self/status")
_FORGET_PEAK = "5"


def times(weights: Path) -> dict[str, float]:
    milliseconds: dict[str, list[float]] = {"load_ms": [], "read_ms": []}
    for _ in range(ROUNDS):
        for name, work in (
            ("read_ms", lambda: weights.read_bytes()),
            ("load_ms", lambda: build(read(weights))),
        ):
            start = time.perf_counter()
            result = work()
            milliseconds[name].append(1000 * (time.perf_counter() - start))
            del result
    return {name: median(values[1:]) for name, values in milliseconds.items()}


def memory(weights: Path, small: Path) -> dict[str, float]:
    """What loading and predicting add to the process' memory, and what they have to hold."""
    fused(read(small))(torch.rand(1, 3, 64, 64))  # loads the libraries
    checkpoint = read(weights)
    # Memory that is free now would hide what is taken later.
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    before = _megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text(_FORGET_PEAK, encoding="utf-8")
    network = fused(checkpoint)
    loaded = _megabytes("VmHWM") - before
    network(torch.rand(1, 3, SIDE_PX, SIDE_PX))
    peak = _megabytes("VmHWM") - before
    return {
        "loaded_mb": loaded,
        "peak_mb": peak,
        "weights_mb": 4 * checkpoint.description.architecture.floats / 1e6,
        "activations_mb": largest_step_mb(weights),
    }


def largest_step_mb(weights: Path) -> float:
    """The most that one convolution reads and writes: the least that has to be held at once."""
    largest = 0

    def note(
        _module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> None:
        nonlocal largest
        largest = max(largest, inputs[0].numel() + output.numel())

    network = build(read(weights)).to("meta")
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(note)
    network(torch.empty(1, 3, SIDE_PX, SIDE_PX, device="meta"))
    return 4 * largest / 1e6


def _megabytes(key: str) -> float:
    line = next(
        line for line in _STATUS.read_text(encoding="utf-8").splitlines() if line.startswith(key)
    )
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    what, *files = sys.argv[1:]
    print(json.dumps({"time": times, "memory": memory}[what](*map(Path, files))))
