"""The shift edit as a whole process, against the plain script and against a copy."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from material import weights
from measure import HEADLAB, Row, interleaved

RUNS = 7
SHARE = 1 / 8


def rows() -> list[Row]:
    model = str(weights())
    script = str(Path(__file__).with_name("naive_shift.py"))
    with tempfile.TemporaryDirectory(prefix="headlab-bench-") as folder:
        ours, naive, copy = (f"{folder}/{name}.pt" for name in ("ours", "naive", "copy"))
        shifts = ["--shift", "P4=1", "--shift", "P5=5"]
        costs = interleaved(
            {
                "ours": [HEADLAB, "edit", model, *shifts, "-o", ours, "--force"],
                "script": [sys.executable, script, model, naive],
                "cp": ["cp", model, copy],
            },
            RUNS,
        )
    edit, script_cost, copied = costs["ours"], costs["script"], costs["cp"]
    return [
        Row("shift edit, time", "s", edit.seconds, script_cost.seconds, "YOLO + save", SHARE),
        Row("shift edit, memory", "MB", edit.peak_mb, script_cost.peak_mb, "YOLO + save", SHARE),
        Row("shift edit, time", "s", edit.seconds, copied.seconds, "cp"),
    ]
