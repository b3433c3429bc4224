"""Draw stained blood-smear fields with exact boxes: the data set of the demonstration detector.

Three classes whose sizes differ by design, so that a detector has reason to use different levels for
different classes: platelets are small, red cells medium, white cells large (`SIZE_BANDS_PX`).

Every cell is painted within a closed curve (`outline`, `stain`), and its box is read from the same
curve, so box and drawing agree to a fraction of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from headlab.demo.outline import HARMONICS, FloatArray, Outline
from headlab.demo.stain import (
    PLATELET,
    RED_CELL,
    WHITE_CELL,
    Cell,
    add_blotches,
    add_specks,
    paint_cell,
    smooth_noise,
)

CLASS_NAMES = ("platelet", "red cell", "white cell")

# Longer side of the box, in pixels, before the image's border cuts it.
SIZE_BANDS_PX = ((8.0, 18.0), (34.0, 60.0), (95.0, 170.0))

# In placing order: class, fewest and most cells in a field of 320 px, spacing (see `_Crowd`).
_FIELD_PX = 320
_CROWDS = ((WHITE_CELL, 0, 2, 1.0), (RED_CELL, 8, 26, 0.86), (PLATELET, 3, 14, 0.98))
_KEPT_VISIBLE_SHARE = 0.3


@dataclass(frozen=True)
class Scene:
    """One drawn field. M is the number of cells that are visible enough to be labelled.

    image: (H, W, 3) uint8, RGB. boxes_xyxy_px: (M, 4) float64, within the image.
    classes: (M,) int64, indices into `CLASS_NAMES`.
    """

    image: NDArray[np.uint8]
    boxes_xyxy_px: FloatArray
    classes: NDArray[np.int64]


def draw_scene(seed: int, size_px: int = 320) -> Scene:
    """Draw one field of `size_px` by `size_px` pixels; the same seed always gives the same scene.

    Cells keep their size in pixels whatever the field's size: a larger field holds more cells.
    A cell is labelled if at least 30 % of its area is inside the image and not under a later cell.
    Its box is tight around the part inside the image, hidden parts included.
    """
    rng = np.random.default_rng(seed)
    background = _background(rng, size_px)
    light = background.copy()
    add_blotches(rng, light)
    owner = np.full((size_px, size_px), -1, dtype=np.int64)
    cells = _place_cells(rng, size_px)
    density = rng.uniform(0.8, 1.2)
    for index, cell in enumerate(cells):
        paint_cell(light, cell, background, density, owner, index)
    add_specks(rng, light)
    kept = [
        cell
        for index, cell in enumerate(cells)
        if _visible_share(cell, owner, index) >= _KEPT_VISIBLE_SHARE
    ]
    boxes = [tight_box_xyxy_px(cell.outline.points_xy_px(), size_px) for cell in kept]
    return Scene(
        image=_expose(rng, light),
        boxes_xyxy_px=np.array(boxes, dtype=np.float64).reshape(-1, 4),
        classes=np.array([cell.class_index for cell in kept], dtype=np.int64),
    )


def tight_box_xyxy_px(points_xy_px: FloatArray, size_px: int) -> FloatArray:
    """Box (x1, y1, x2, y2) of the part of a densely sampled curve that lies within the image."""
    inside = points_xy_px[((points_xy_px >= 0) & (points_xy_px <= size_px)).all(axis=1)]
    return np.concatenate([inside.min(axis=0), inside.max(axis=0)])


@dataclass(frozen=True)
class _Crowd:
    """How many cells of one class to place.

    spacing: least distance of centres over the sum of both radii; magnification: 0..1, where in its
    size band the class lies in this field.
    """

    class_index: int
    count: int
    spacing: float
    magnification: float


def _place_cells(rng: np.random.Generator, size_px: int) -> list[Cell]:
    """Cells in drawing order: red ones, the white ones that push them aside, then platelets."""
    area = (size_px / _FIELD_PX) ** 2
    magnification = rng.uniform(0.0, 1.0)
    placed: dict[int, list[Cell]] = {}
    for class_index, fewest, most, spacing in _CROWDS:
        others = [cell for cells in placed.values() for cell in cells]
        count = round(area * rng.choice(range(fewest, most + 1)))
        crowd = _Crowd(class_index, count, spacing, magnification)
        placed[class_index] = _scatter(rng, crowd, size_px, others)
    return placed[RED_CELL] + placed[WHITE_CELL] + placed[PLATELET]


def _scatter(
    rng: np.random.Generator, crowd: _Crowd, size_px: int, others: list[Cell]
) -> list[Cell]:
    """Place a crowd of one class; a cell that finds no room in 30 trials is left out.

    Red cells and platelets tend to lie next to one of their own kind.
    """
    placed: list[Cell] = []
    for _ in range(crowd.count):
        for _ in range(30):
            cell = _random_cell(rng, crowd.class_index, size_px, crowd.magnification)
            if placed and crowd.class_index != WHITE_CELL and rng.random() < 0.3:
                cell = _next_to(rng, cell, placed[rng.integers(len(placed))])
            if all(_gap(cell, other) >= crowd.spacing for other in (*placed, *others)):
                placed.append(cell)
                break
    return placed


def _gap(one: Cell, other: Cell) -> float:
    dx, dy = np.subtract(one.outline.centre_xy_px, other.outline.centre_xy_px)
    return float(np.hypot(dx, dy)) / (one.outline.mean_radius_px + other.outline.mean_radius_px)


def _next_to(rng: np.random.Generator, cell: Cell, neighbour: Cell) -> Cell:
    angle = rng.uniform(0.0, 2.0 * np.pi)
    distance = cell.outline.mean_radius_px + neighbour.outline.mean_radius_px
    distance *= rng.uniform(0.88, 1.06)
    x, y = neighbour.outline.centre_xy_px
    centre = (x + distance * np.cos(angle), y + distance * np.sin(angle))
    return replace(cell, outline=replace(cell.outline, centre_xy_px=centre))


def _random_cell(
    rng: np.random.Generator, class_index: int, size_px: int, magnification: float
) -> Cell:
    """A cell of random shape; within one field all sizes follow its `magnification` (0..1)."""
    smallest, largest = SIZE_BANDS_PX[class_index]
    share = np.clip(0.55 * magnification + 0.45 * rng.uniform(), 0.0, 1.0)
    margin = (0.0, -12.0, 32.0)[class_index]
    farthest = max(size_px - margin, margin)
    elongation = (0.30, 0.18, 0.14)[class_index]
    ripple = (0.03, 0.009, 0.014)[class_index]
    outline = Outline(
        centre_xy_px=(rng.uniform(margin, farthest), rng.uniform(margin, farthest)),
        semi_axes_px=(1.0, 1.0 - rng.uniform(0.0, elongation)),
        tilt_rad=rng.uniform(0.0, np.pi),
        ripples=rng.normal(0.0, ripple, len(HARMONICS)).clip(-2 * ripple, 2 * ripple),
        phases_rad=rng.uniform(0.0, 2.0 * np.pi, len(HARMONICS)),
    )
    size = smallest + (largest - smallest) * float(share)
    return Cell(class_index, outline.scaled_to(size), int(rng.integers(2**31)))


def _visible_share(cell: Cell, owner: NDArray[np.int64], index: int) -> float:
    return float(np.count_nonzero(owner == index)) / cell.outline.area_px2()


def _background(rng: np.random.Generator, size_px: int) -> FloatArray:
    """Light through the empty glass, (H, W, 3), 0..1: tint, slant, faint vignette, plasma."""
    y, x = np.mgrid[0:size_px, 0:size_px] / size_px - 0.5
    angle = rng.uniform(0.0, 2.0 * np.pi)
    slant = 1.0 + rng.uniform(0.0, 0.09) * (x * np.cos(angle) + y * np.sin(angle))
    vignette = 1.0 - rng.uniform(0.0, 0.28) * (x**2 + y**2)
    plasma = 1.0 + 0.010 * smooth_noise(rng, x.shape, 40.0)
    tint = np.array([0.945, 0.925, 0.915]) + rng.normal(0.0, 0.008, 3)
    return np.asarray((slant * vignette * plasma)[..., None] * tint * rng.uniform(0.93, 1.03))


def _expose(rng: np.random.Generator, light: FloatArray) -> NDArray[np.uint8]:
    """The camera: a touch of defocus, then sensor noise, then 8 bits."""
    seen = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.35, 0.9))
    fine = rng.normal(0.0, rng.uniform(0.004, 0.014), light.shape)
    return np.asarray(np.clip((seen + fine) * 255.0 + 0.5, 0, 255), dtype=np.uint8)
