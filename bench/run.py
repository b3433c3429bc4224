"""Run every comparison and print one table; the figures also go to build/bench.json.

Ours and theirs run in turn within one run, so that what else the machine does falls on both.
Exit code 1 if a target is missed.
"""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version

import compare_anchors
import compare_boxes
import compare_edit
import compare_start
import compare_trace
import compare_training
import compare_yolov3
from material import ROOT, weights
from measure import Row

COMPARISONS = (
    *(compare_start, compare_edit, compare_trace, compare_yolov3),
    *(compare_anchors, compare_boxes, compare_training),
)
RESULTS = ROOT / "build" / "bench.json"
NOTE = (
    "\n* recorded on another machine; steps are scaled by a plain PyTorch step that was taken on both:\n"
    "  keras-yolo3 = plain step here x 0.97 s / 1.01 s (heads only: x 0.32 s / 1.01 s)."
)
LINE = "{:<29} {:>9} {:>9} {:<12} {:>6}  {:>8} {:>4}"


def main() -> int:
    print(
        f"{weights().name}, {platform.machine()}, Python {platform.python_version()}, "
        f"ultralytics {version('ultralytics')}, torch {version('torch')}\n"
    )
    print(LINE.format("what", "ours", "theirs", "", "ratio", "target", "met"))
    rows: list[Row] = []
    for comparison in COMPARISONS:
        for row in comparison.rows():
            print(line(row), flush=True)
            rows.append(row)
    print(NOTE)
    RESULTS.parent.mkdir(exist_ok=True)
    figures = [{**asdict(row), "ratio": row.ratio, "met": row.met} for row in rows]
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return int(any(row.met is False for row in rows))


def line(row: Row) -> str:
    """A row of the table, 80 columns at most."""
    target = "" if row.limit is None else f"<= {row.limit:g}" + ("" if row.of_ratio else row.unit)
    met = {True: "yes", False: "NO", None: ""}[row.met]
    ours, theirs = (f"{value:.3g} {row.unit}" for value in (row.ours, row.theirs))
    return LINE.format(row.what, ours, theirs, row.rival, f"{row.ratio:.3g}", target, met)


if __name__ == "__main__":
    sys.exit(main())
