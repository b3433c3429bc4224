"""Box shapes and box tables for the tests of anchors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headlab.boxes.table import BoxTable, boxes_frame, images_frame


def random_shapes(count: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Widths and heights of three kinds of objects, in pixels."""
    rng = np.random.default_rng(seed)
    middle = np.array([[20.0, 30.0], [90.0, 60.0], [250.0, 200.0]])
    kind = rng.integers(3, size=count)
    return np.asarray(middle[kind] * np.exp(rng.normal(0, 0.4, (count, 2))))


def table_of(
    boxes: Sequence[tuple[int, int, float, float, float, float]],
    sizes: Sequence[tuple[int, int] | None],
    names: tuple[str, ...] = ("cat", "dog"),
    crowd: Sequence[bool] | None = None,
) -> BoxTable:
    """A box table from rows (image, class, x1, y1, x2, y2) and photos' widths and heights."""
    images = images_frame(
        [f"{at}.jpg" for at in range(len(sizes))],
        width_px=[size[0] if size else None for size in sizes],
        height_px=[size[1] if size else None for size in sizes],
    )
    rows = np.array(boxes, np.float64).reshape(-1, 6)
    made = boxes_frame(
        rows[:, 0].astype(np.int64),
        rows[:, 1].astype(np.int64),
        rows[:, 2:],
        images,
        file="boxes.txt",
        crowd=crowd,
    )
    return BoxTable(made, images, names, (), "keras")
