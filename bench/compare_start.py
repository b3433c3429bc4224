"""How fast the light commands answer, against an interpreter that does nothing."""

from __future__ import annotations

import sys

from material import weights
from measure import HEADLAB, Row, interleaved

RUNS = 11
BARE = "bare python"


def rows() -> list[Row]:
    costs = interleaved(
        {
            "help": [HEADLAB, "--help"],
            "inspect": [HEADLAB, "inspect", str(weights())],
            "bare": [sys.executable, "-c", "pass"],
        },
        RUNS,
    )
    help_, inspect, bare = costs["help"], costs["inspect"], costs["bare"]
    return [
        Row("--help, time", "s", help_.seconds, bare.seconds, BARE, 0.25, of_ratio=False),
        Row("inspect, time", "s", inspect.seconds, bare.seconds, BARE, 0.5, of_ratio=False),
        Row("inspect, memory", "MB", inspect.peak_mb, bare.peak_mb, BARE, 100, of_ratio=False),
    ]
