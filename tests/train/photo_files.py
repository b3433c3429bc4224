"""Small real photos and annotations of them, written by the tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from headlab.boxes.reading import read
from headlab.train.data.photos import Photos, photos_of


def write_photo(path: Path, width: int = 60, height: int = 40, seed: int = 0) -> Path:
    """A JPEG of large coloured tiles, different for every seed."""
    tiles = np.random.default_rng(seed).integers(0, 255, (4, 6, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(tiles).resize((width, height), Image.Resampling.NEAREST)
    image.save(path, quality=95)
    return path


def write_set(
    folder: Path, count: int, boxes: str = "5,5,30,30,0", names: Sequence[str] = ("ant", "bee")
) -> Path:
    """keras-yolo3's text with photos p0.jpg, p1.jpg ..., each with the same boxes."""
    folder.mkdir(parents=True, exist_ok=True)
    for at in range(count):
        write_photo(folder / f"p{at}.jpg", seed=at)
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in names))
    text = folder / "train.txt"
    text.write_text("".join(f"p{at}.jpg {boxes}\n" for at in range(count)))
    return text


def photo_set(folder: Path, count: int) -> Photos:
    """Photos and boxes as a training has them."""
    return photos_of(read(write_set(folder, count)))[0]
