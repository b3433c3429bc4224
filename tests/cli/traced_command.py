"""`headlab trace` run in this process, and pictures to run it on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from one_command import Done, run


def traced(*args: object) -> Done:
    return run("trace", *args)


def document(*args: object) -> dict[str, Any]:
    done = traced(*args, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def save_noise(folder: Path, names: Iterable[str]) -> None:
    """Pictures of blurred noise, 128 x 96 px, each from a seed of its own."""
    for seed, name in enumerate(names):
        noise = np.random.default_rng(seed).integers(0, 256, (96, 128, 3), np.uint8)
        cv2.imwrite(str(folder / name), cv2.GaussianBlur(noise, (0, 0), 3) // 2 * 3)
