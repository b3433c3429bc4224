"""Run the comparisons and print one table; the figures also go to build/bench.json.

    python bench/run.py [NAME...]     all of them, or those named: start, edit, trace, yolov3, ...

Ours and theirs run in turn, so that whatever else the machine does affects both. Exit code 1 if a target is
missed.
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

COMPARISONS = {
    "start": compare_start,
    "edit": compare_edit,
    "trace": compare_trace,
    "yolov3": compare_yolov3,
    "anchors": compare_anchors,
    "boxes": compare_boxes,
    "training": compare_training,
}
RESULTS = ROOT / "build" / "bench.json"
LINE = "{:<29} {:>9} {:>9} {:<12} {:>6}  {:>8} {:>4}"


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in COMPARISONS]
    if unknown:
        print(f"No comparison {', '.join(unknown)}; there are {', '.join(COMPARISONS)}.")
        return 2
    print(
        f"{weights().name}, {platform.machine()}, Python {platform.python_version()}, "
        f"ultralytics {version('ultralytics')}, torch {version('torch')}\n"
    )
    print(LINE.format("what", "ours", "theirs", "", "ratio", "target", "met"))
    rows: list[Row] = []
    for name in names or COMPARISONS:
        for row in COMPARISONS[name].rows():
            print(line(row), flush=True)
            rows.append(row)
    if not names or "training" in names:
        print(f"\n{compare_training.NOTE}")
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
    sys.exit(main(sys.argv[1:]))
