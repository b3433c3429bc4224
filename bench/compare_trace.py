"""Tracing against `YOLO.predict`, image by image, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from material import weights
from measure import Row

LIMIT = 1.05


def rows() -> list[Row]:
    child = [sys.executable, str(Path(__file__).with_name("trace_pair.py")), str(weights())]
    done = subprocess.run(child, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    what = f"trace, per image ({figures['images']} on {figures['device']})"
    return [Row(what, "ms", figures["ours_ms"], figures["theirs_ms"], "YOLO.predict", LIMIT)]
