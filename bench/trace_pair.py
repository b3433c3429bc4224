"""Time `trace` and `YOLO.predict` on the same images, one image of each in turn.

Both read an image, detect, and return the result in one step of a stream, which is what is timed. They take
turns in going first. Prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import cv2
from material import PHOTOS

from headlab.demo.scenes import draw_scene
from headlab.detect.settings import Settings
from headlab.detect.sources import expand
from headlab.extras import ultralytics
from headlab.families.identify import identify
from headlab.families.network import runnable
from headlab.families.read import read
from headlab.trace.stream import trace_stream

SCENES = 128
WARM_UP = 8
SCENE_PX = 320


def main(weights: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="headlab-bench-") as folder:
        source = PHOTOS if PHOTOS.is_dir() else drawn(Path(folder))
        sources = expand(source)
        checkpoint = read(weights)
        ours = trace_stream(runnable(checkpoint), identify(checkpoint), sources, Settings())
        model = ultralytics().YOLO(weights)
        theirs = model.predict(source, stream=True, verbose=False)
        seconds = in_turn({"ours": ours, "theirs": iter(theirs)}, len(sources))
    figures = {f"{name}_ms": 1000 * median(steps[WARM_UP:]) for name, steps in seconds.items()}
    print(json.dumps({**figures, "images": len(sources), "device": str(model.device)}))


def drawn(folder: Path) -> Path:
    """A folder of scenes as the demo draws them."""
    for seed in range(SCENES):
        cv2.imwrite(str(folder / f"{seed}.png"), draw_scene(seed, SCENE_PX).image[..., ::-1])
    return folder


def in_turn(streams: dict[str, Iterator[Any]], count: int) -> dict[str, list[float]]:
    """The seconds that each step of each stream took."""
    seconds: dict[str, list[float]] = {name: [] for name in streams}
    for step in range(count):
        order = list(streams) if step % 2 else list(reversed(streams))
        for name in order:
            start = time.perf_counter()
            next(streams[name])
            seconds[name].append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    main(Path(sys.argv[1]))
