"""Paint stain as absorption: cells, smudges and specks multiply the light behind them.

Light is (H, W, 3) float64, red, green and blue, 0..1. Stain of absorbance A transmits exp(-A) of the
light in each channel (Beer-Lambert law). Overlapping red cells therefore darken where they
overlap, as they do under a microscope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from headlab.demo.outline import FloatArray, Outline, Patch, patch_around

# Class indices, smallest cell first.
PLATELET, RED_CELL, WHITE_CELL = range(3)

# By class: the share of what lies under a cell that the cell hides.
_OPACITIES = (0.45, 0.0, 0.92)

# Absorbance of red, green and blue light per unit of stain.
_EOSIN = np.array([0.11, 0.43, 0.38])
_CHROMATIN = np.array([0.74, 1.30, 0.42])
_CYTOPLASM = np.array([0.20, 0.30, 0.10])
_PLATELET_STAIN = np.array([0.52, 0.78, 0.26])


@dataclass(frozen=True)
class Cell:
    """One cell to paint: its class, its outline, and the seed of its texture."""

    class_index: int
    outline: Outline
    seed: int


def paint_cell(
    light: FloatArray,
    cell: Cell,
    background: FloatArray,
    density: float,
    owner: NDArray[np.int64],
    index: int,
) -> None:
    """Draw one cell in place into `light` and write `index` into `owner` where it lies.

    light, background: (H, W, 3), 0..1; density: strength of the stain, about 1; owner: (H, W).
    """
    patch = patch_around(cell.outline, light.shape[0])
    if patch.cover.size == 0:
        return
    rng = np.random.default_rng(cell.seed)
    view = light[patch.window]
    opacity = _OPACITIES[cell.class_index]
    view += (background[patch.window] - view) * (opacity * patch.cover)[..., None]
    absorbance = _PAINTERS[cell.class_index](rng, patch, cell.outline.mean_radius_px)
    view *= np.exp(-density * absorbance)
    owner[patch.window][patch.cover > 0.5] = index


def _paint_red_cell(rng: np.random.Generator, patch: Patch, radius_px: float) -> FloatArray:
    """Absorbance (h, w, 3) of a biconcave disc: pale centre, denser ring, slightly darker edge."""
    shift = rng.normal(0.0, 0.06 * radius_px, 2)
    hollow_px = rng.uniform(0.36, 0.54) * radius_px
    distance = np.hypot(patch.x - shift[0], patch.y - shift[1]) / hollow_px
    pallor = rng.uniform(0.35, 0.85) * np.exp(-(distance**2.6))
    edge = rng.uniform(0.08, 0.3) * np.exp(-(((patch.reach - 0.93) / 0.07) ** 2))
    thickness = patch.cover * (1.0 - pallor + edge) * rng.uniform(0.85, 1.2)
    tint = _EOSIN * rng.normal(1.0, 0.05, 3)
    return np.asarray(thickness[..., None] * tint)


def _paint_white_cell(rng: np.random.Generator, patch: Patch, radius_px: float) -> FloatArray:
    """Absorbance (h, w, 3): pale granular cytoplasm around a nucleus of one to five lobes."""
    shape = patch.cover.shape
    granules = smooth_noise(rng, shape, rng.uniform(1.6, 2.6))
    hue = np.array([rng.uniform(0.4, 1.5), rng.uniform(0.8, 1.35), rng.uniform(0.6, 2.2)])
    edge = 0.5 * np.exp(-(((patch.reach - 0.96) / 0.05) ** 2))
    body = patch.cover * (0.85 + edge + 0.28 * granules * rng.uniform(0.4, 1.6)).clip(0.1)
    nucleus = _nucleus(rng, patch, radius_px)
    clumps = 0.16 * smooth_noise(rng, shape, 4.5)
    chromatin = (1.0 + clumps + 0.07 * smooth_noise(rng, shape, 1.5)).clip(0.4)
    stain = body[..., None] * (1.0 - 0.7 * nucleus[..., None]) * _CYTOPLASM * hue
    return np.asarray(stain + (nucleus * chromatin * patch.cover)[..., None] * _CHROMATIN)


def _nucleus(rng: np.random.Generator, patch: Patch, radius_px: float) -> FloatArray:
    """Share of nucleus per pixel, (h, w): a sum of bells along a bent row of lobes, cut at one half."""
    lobes = int(rng.choice([1, 2, 3, 3, 4, 5]))
    spread = 0.0 if lobes == 1 else rng.uniform(0.42, 0.50) * radius_px
    width = (0.60, 0.35, 0.26, 0.22, 0.195)[lobes - 1] * radius_px
    angles = rng.uniform(0.0, 2.0 * np.pi) + np.arange(lobes) * rng.uniform(1.08, 1.3)
    angles += rng.normal(0.0, 0.1, lobes)
    lobes_xy = spread * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lobes_xy += rng.normal(0.0, 0.04 * radius_px, 2) - 0.6 * lobes_xy.mean(axis=0)
    field = np.zeros_like(patch.cover)
    for x, y in lobes_xy:
        stretch = rng.uniform(0.88, 1.15)
        squared = ((patch.x - x) * stretch) ** 2 + ((patch.y - y) / stretch) ** 2
        field += np.exp2(-squared / (width * rng.uniform(0.9, 1.12)) ** 2)
    field += 0.035 * smooth_noise(rng, patch.cover.shape, 6.0)
    return np.asarray(np.clip((field - 0.5) * width / 2.2 + 0.5, 0.0, 1.0))


def _paint_platelet(rng: np.random.Generator, patch: Patch, radius_px: float) -> FloatArray:
    """Absorbance (h, w, 3) of a small granular body, densest in the middle."""
    core = np.exp(-((patch.reach / 0.62) ** 2))
    grain = 0.16 * smooth_noise(rng, patch.cover.shape, 0.14 * radius_px + 0.5)
    thickness = patch.cover * (0.52 + 0.5 * core + grain).clip(0.15) * rng.uniform(0.75, 1.15)
    return np.asarray(thickness[..., None] * _PLATELET_STAIN * rng.normal(1.0, 0.05, 3))


_PAINTERS: tuple[Callable[[np.random.Generator, Patch, float], FloatArray], ...] = (
    _paint_platelet,
    _paint_red_cell,
    _paint_white_cell,
)


def add_blotches(rng: np.random.Generator, light: FloatArray) -> None:
    """Out-of-focus smudges of spilled stain: clutter that no class owns."""
    size = light.shape[0]
    y, x = np.mgrid[0:size, 0:size]
    for _ in range(rng.integers(0, 4)):
        cx, cy = rng.uniform(0, size, 2)
        wx, wy = rng.uniform(12, 60, 2)
        bell = np.exp(-(((x - cx) / wx) ** 2) - ((y - cy) / wy) ** 2)
        light *= np.exp(-(rng.uniform(0.04, 0.16) * bell)[..., None] * _CYTOPLASM * 3.0)


def add_specks(rng: np.random.Generator, light: FloatArray) -> None:
    """Dust and stain precipitate of one to three pixels: smaller than any platelet."""
    size, shift = light.shape[0], 4
    specks = np.zeros((size, size), dtype=np.float32)
    for x, y in rng.uniform(0, size, (int(rng.integers(0, 14)), 2)):
        centre = (round(x * 2**shift), round(y * 2**shift))
        radius = round(rng.uniform(0.5, 1.5) * 2**shift)
        cv2.circle(specks, centre, radius, float(rng.uniform(0.3, 0.8)), -1, cv2.LINE_4, shift)
    light *= np.exp(-cv2.GaussianBlur(specks, (0, 0), 0.6)[..., None] * np.array([0.9, 1.0, 0.8]))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], grain_px: float) -> FloatArray:
    """Smooth noise of mean 0 and deviation 1 whose blobs measure about `grain_px`, (h, w)."""
    blurred = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), max(grain_px / 2.0, 0.3))
    return np.asarray((blurred - blurred.mean()) / (blurred.std() + 1e-9), dtype=np.float64)
