"""Small annotated data sets: a few pictures of noise, with whatever boxes a test asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from headlab.boxes.reading import read
from headlab.boxes.table import BoxTable


def save_noise(folder: Path, names: Sequence[str]) -> None:
    """Pictures of blurred noise, 128 x 96 px, each from a seed of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        noise = np.random.default_rng(seed).integers(0, 256, (96, 128, 3), np.uint8)
        cv2.imwrite(str(folder / name), cv2.GaussianBlur(noise, (0, 0), 3) // 2 * 3)


def annotated(
    folder: Path, lines: Sequence[str], classes: Sequence[str] | None = None, **options: Any
) -> BoxTable:
    """A table from lines of keras-yolo3: `a.png x1,y1,x2,y2,class …`."""
    file = folder / "train.txt"
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return read(file, names=classes, **options)
