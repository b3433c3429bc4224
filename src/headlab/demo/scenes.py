"""Draw stained blood-smear fields with exact boxes: the data set of the demonstration detector.

Three classes whose sizes differ by design, so that a detector has reason to use its levels for
different classes: platelets are small, red cells medium, white cells large (`SIZE_BANDS_PX`).

Stain is drawn as absorption: each cell multiplies the light behind it by exp(-absorbance) per
colour channel, as in the Beer-Lambert law. Overlapping red cells therefore darken where they
overlap, as they do under a microscope. Every outline is a closed curve radius(angle) around a
centre; pixels are antialiased by their distance to that curve, and boxes are read from the same
curve, so box and drawing agree to a fraction of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CLASS_NAMES = ("platelet", "red cell", "white cell")
PLATELET, RED_CELL, WHITE_CELL = range(3)

# Longer side of the box, in pixels, before the image's border cuts it.
SIZE_BANDS_PX = ((8.0, 18.0), (34.0, 60.0), (95.0, 170.0))

# In placing order: class, fewest and most cells in a field of 320 px, spacing (see `_Crowd`).
_FIELD_PX = 320
_CROWDS = ((WHITE_CELL, 0, 2, 1.0), (RED_CELL, 8, 26, 0.86), (PLATELET, 3, 14, 0.98))
_KEPT_VISIBLE_SHARE = 0.3
_HARMONICS = np.arange(2, 6)
_ANGLES = np.linspace(0.0, 2.0 * np.pi, 1440, endpoint=False)

# Absorbance of red, green and blue light per unit of stain.
_EOSIN = np.array([0.11, 0.43, 0.38])
_CHROMATIN = np.array([0.74, 1.30, 0.42])
_CYTOPLASM = np.array([0.20, 0.30, 0.10])
_PLATELET_STAIN = np.array([0.52, 0.78, 0.26])


@dataclass(frozen=True)
class Scene:
    """One drawn field. M is the number of cells that are visible enough to be labelled.

    image: (H, W, 3) uint8, RGB. boxes_xyxy_px: (M, 4) float64, within the image.
    classes: (M,) int64, indices into `CLASS_NAMES`.
    """

    image: NDArray[np.uint8]
    boxes_xyxy_px: FloatArray
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Outline:
    """A closed curve around `centre_xy_px`: an ellipse of half-axes `semi_axes_px`, rippled.

    The ripples are relative amplitudes of cos(k * angle + phase) for k = 2..5.
    """

    centre_xy_px: tuple[float, float]
    semi_axes_px: tuple[float, float]
    tilt_rad: float
    ripples: FloatArray
    phases_rad: FloatArray

    def radius_px(self, angle_rad: FloatArray) -> FloatArray:
        """Distance from the centre to the curve in the direction `angle_rad`, any shape."""
        turned = angle_rad - self.tilt_rad
        a, b = self.semi_axes_px
        ellipse = a * b / np.hypot(b * np.cos(turned), a * np.sin(turned))
        waves = np.zeros_like(turned)
        for k, ripple, phase in zip(_HARMONICS, self.ripples, self.phases_rad, strict=True):
            waves += ripple * np.cos(k * turned + phase)
        return np.asarray(ellipse * (1.0 + waves), dtype=np.float64)

    def points_xy_px(self) -> FloatArray:
        """Points on the curve, (1440, 2), in pixels."""
        radius = self.radius_px(_ANGLES)
        x, y = self.centre_xy_px
        return np.stack([x + radius * np.cos(_ANGLES), y + radius * np.sin(_ANGLES)], axis=1)

    def scaled_to(self, longer_side_px: float) -> Outline:
        """The same shape, resized so that the longer side of its box is `longer_side_px`."""
        factor = longer_side_px / float(np.ptp(self.points_xy_px(), axis=0).max())
        a, b = self.semi_axes_px
        return replace(self, semi_axes_px=(a * factor, b * factor))


@dataclass(frozen=True)
class Cell:
    """One cell to draw: its class, its outline, and the seed of its texture."""

    class_index: int
    outline: Outline
    seed: int

    @property
    def reach_px(self) -> float:
        """Mean radius, for spacing cells."""
        return float(np.mean(self.outline.semi_axes_px))


def draw_scene(seed: int, size_px: int = 320) -> Scene:
    """Draw one field of `size_px` by `size_px` pixels; the same seed always gives the same scene.

    Cells keep their size in pixels whatever the field's size: a larger field holds more cells.
    A cell is labelled if at least 30 % of its area is inside the image and not under a later cell.
    Its box is tight around the part inside the image, hidden parts included.
    """
    rng = np.random.default_rng(seed)
    background = _background(rng, size_px)
    light = background.copy()
    _add_stain_blotches(rng, light)
    owner = np.full((size_px, size_px), -1, dtype=np.int64)
    cells = _place_cells(rng, size_px)
    density = rng.uniform(0.8, 1.2)
    for index, cell in enumerate(cells):
        paint_cell(light, cell, background, density, owner, index)
    _add_specks(rng, light)
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

    Red cells and platelets like to sit beside one of their kind.
    """
    placed: list[Cell] = []
    for _ in range(crowd.count):
        for _ in range(30):
            cell = _random_cell(rng, crowd.class_index, size_px, crowd.magnification)
            if placed and crowd.class_index != WHITE_CELL and rng.random() < 0.3:
                cell = _beside(rng, cell, placed[rng.integers(len(placed))])
            if all(_gap(cell, other) >= crowd.spacing for other in (*placed, *others)):
                placed.append(cell)
                break
    return placed


def _gap(one: Cell, other: Cell) -> float:
    dx, dy = np.subtract(one.outline.centre_xy_px, other.outline.centre_xy_px)
    return float(np.hypot(dx, dy)) / (one.reach_px + other.reach_px)


def _beside(rng: np.random.Generator, cell: Cell, neighbour: Cell) -> Cell:
    angle = rng.uniform(0.0, 2.0 * np.pi)
    distance = (cell.reach_px + neighbour.reach_px) * rng.uniform(0.88, 1.06)
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
        ripples=rng.normal(0.0, ripple, len(_HARMONICS)).clip(-2 * ripple, 2 * ripple),
        phases_rad=rng.uniform(0.0, 2.0 * np.pi, len(_HARMONICS)),
    )
    size = smallest + (largest - smallest) * float(share)
    return Cell(class_index, outline.scaled_to(size), int(rng.integers(2**31)))


def _visible_share(cell: Cell, owner: NDArray[np.int64], index: int) -> float:
    radius = cell.outline.radius_px(_ANGLES)
    area_px = 0.5 * float(np.mean(radius**2)) * 2.0 * np.pi
    return float(np.count_nonzero(owner == index)) / area_px


@dataclass(frozen=True)
class _Patch:
    """The window of the image around one cell, with each pixel's place in the cell.

    x, y: offsets from the centre in pixels; reach: distance over the outline's radius (0 centre,
    1 edge); cover: antialiased share of the pixel within the outline. All (h, w).
    """

    window: tuple[slice, slice]
    x: FloatArray
    y: FloatArray
    reach: FloatArray
    cover: FloatArray


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
    patch = _patch(cell.outline, light.shape[0])
    if patch.cover.size == 0:
        return
    rng = np.random.default_rng(cell.seed)
    view = light[patch.window]
    opacity = (0.45, 0.0, 0.92)[cell.class_index]
    view += (background[patch.window] - view) * (opacity * patch.cover)[..., None]
    view *= np.exp(-density * _PAINTERS[cell.class_index](rng, patch, cell.reach_px))
    owner[patch.window][patch.cover > 0.5] = index


def _patch(outline: Outline, size_px: int) -> _Patch:
    points = outline.points_xy_px()
    x1, y1 = (np.floor(points.min(axis=0)) - 3).clip(0, size_px).astype(int)
    x2, y2 = (np.ceil(points.max(axis=0)) + 3).clip(0, size_px).astype(int)
    ys, xs = np.mgrid[y1:y2, x1:x2] + 0.5
    x, y = xs - outline.centre_xy_px[0], ys - outline.centre_xy_px[1]
    distance = np.hypot(x, y)
    radius = outline.radius_px(np.arctan2(y, x))
    cover = np.clip((radius - distance) / 1.6 + 0.5, 0.0, 1.0)
    return _Patch((slice(y1, y2), slice(x1, x2)), x, y, distance / radius, cover)


def _paint_red_cell(rng: np.random.Generator, patch: _Patch, reach_px: float) -> FloatArray:
    """Absorbance (h, w, 3) of a biconcave disc: pale centre, denser ring, slightly darker edge."""
    shift = rng.normal(0.0, 0.06 * reach_px, 2)
    centre = np.hypot(patch.x - shift[0], patch.y - shift[1]) / (rng.uniform(0.36, 0.54) * reach_px)
    pallor = rng.uniform(0.35, 0.85) * np.exp(-(centre**2.6))
    edge = rng.uniform(0.08, 0.3) * np.exp(-(((patch.reach - 0.93) / 0.07) ** 2))
    thickness = patch.cover * (1.0 - pallor + edge) * rng.uniform(0.85, 1.2)
    tint = _EOSIN * rng.normal(1.0, 0.05, 3)
    return np.asarray(thickness[..., None] * tint)


def _paint_white_cell(rng: np.random.Generator, patch: _Patch, reach_px: float) -> FloatArray:
    """Absorbance (h, w, 3): pale granular cytoplasm around a nucleus of one to five lobes."""
    shape = patch.cover.shape
    granules = _noise(rng, shape, rng.uniform(1.6, 2.6))
    hue = np.array([rng.uniform(0.4, 1.5), rng.uniform(0.8, 1.35), rng.uniform(0.6, 2.2)])
    edge = 0.5 * np.exp(-(((patch.reach - 0.96) / 0.05) ** 2))
    body = patch.cover * (0.85 + edge + 0.28 * granules * rng.uniform(0.4, 1.6)).clip(0.1)
    nucleus = _nucleus(rng, patch, reach_px)
    chromatin = (1.0 + 0.16 * _noise(rng, shape, 4.5) + 0.07 * _noise(rng, shape, 1.5)).clip(0.4)
    stain = body[..., None] * (1.0 - 0.7 * nucleus[..., None]) * _CYTOPLASM * hue
    return np.asarray(stain + (nucleus * chromatin * patch.cover)[..., None] * _CHROMATIN)


def _nucleus(rng: np.random.Generator, patch: _Patch, reach_px: float) -> FloatArray:
    """Share of nucleus per pixel, (h, w): bells on a bent row of lobes, summed, cut at a half."""
    lobes = int(rng.choice([1, 2, 3, 3, 4, 5]))
    spread = 0.0 if lobes == 1 else rng.uniform(0.42, 0.50) * reach_px
    width = (0.60, 0.35, 0.26, 0.22, 0.195)[lobes - 1] * reach_px
    angles = rng.uniform(0.0, 2.0 * np.pi) + np.arange(lobes) * rng.uniform(1.08, 1.3)
    angles += rng.normal(0.0, 0.1, lobes)
    lobes_xy = spread * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lobes_xy += rng.normal(0.0, 0.04 * reach_px, 2) - 0.6 * lobes_xy.mean(axis=0)
    field = np.zeros_like(patch.cover)
    for x, y in lobes_xy:
        stretch = rng.uniform(0.88, 1.15)
        squared = ((patch.x - x) * stretch) ** 2 + ((patch.y - y) / stretch) ** 2
        field += np.exp2(-squared / (width * rng.uniform(0.9, 1.12)) ** 2)
    field += 0.035 * _noise(rng, patch.cover.shape, 6.0)
    return np.asarray(np.clip((field - 0.5) * width / 2.2 + 0.5, 0.0, 1.0))


def _paint_platelet(rng: np.random.Generator, patch: _Patch, reach_px: float) -> FloatArray:
    """Absorbance (h, w, 3) of a small granular body, densest in the middle."""
    core = np.exp(-((patch.reach / 0.62) ** 2))
    grain = 0.16 * _noise(rng, patch.cover.shape, 0.14 * reach_px + 0.5)
    thickness = patch.cover * (0.52 + 0.5 * core + grain).clip(0.15) * rng.uniform(0.75, 1.15)
    return np.asarray(thickness[..., None] * _PLATELET_STAIN * rng.normal(1.0, 0.05, 3))


_PAINTERS: tuple[Callable[[np.random.Generator, _Patch, float], FloatArray], ...] = (
    _paint_platelet,
    _paint_red_cell,
    _paint_white_cell,
)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], grain_px: float) -> FloatArray:
    """Smooth noise of mean 0 and deviation 1 whose blobs measure about `grain_px`, (h, w)."""
    blurred = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), max(grain_px / 2.0, 0.3))
    return np.asarray((blurred - blurred.mean()) / (blurred.std() + 1e-9), dtype=np.float64)


def _background(rng: np.random.Generator, size_px: int) -> FloatArray:
    """Light through the empty glass, (H, W, 3), 0..1: tint, slant, faint vignette, plasma."""
    y, x = np.mgrid[0:size_px, 0:size_px] / size_px - 0.5
    angle = rng.uniform(0.0, 2.0 * np.pi)
    slant = 1.0 + rng.uniform(0.0, 0.09) * (x * np.cos(angle) + y * np.sin(angle))
    vignette = 1.0 - rng.uniform(0.0, 0.28) * (x**2 + y**2)
    plasma = 1.0 + 0.010 * _noise(rng, x.shape, 40.0)
    tint = np.array([0.945, 0.925, 0.915]) + rng.normal(0.0, 0.008, 3)
    return np.asarray((slant * vignette * plasma)[..., None] * tint * rng.uniform(0.93, 1.03))


def _add_stain_blotches(rng: np.random.Generator, light: FloatArray) -> None:
    """Out-of-focus smudges of spilled stain: clutter that no class owns."""
    size = light.shape[0]
    y, x = np.mgrid[0:size, 0:size]
    for _ in range(rng.integers(0, 4)):
        cx, cy = rng.uniform(0, size, 2)
        wx, wy = rng.uniform(12, 60, 2)
        bell = np.exp(-(((x - cx) / wx) ** 2) - ((y - cy) / wy) ** 2)
        light *= np.exp(-(rng.uniform(0.04, 0.16) * bell)[..., None] * _CYTOPLASM * 3.0)


def _add_specks(rng: np.random.Generator, light: FloatArray) -> None:
    """Dust and stain precipitate of one to three pixels: smaller than any platelet."""
    size, shift = light.shape[0], 4
    specks = np.zeros((size, size), dtype=np.float32)
    for x, y in rng.uniform(0, size, (int(rng.integers(0, 14)), 2)):
        centre = (round(x * 2**shift), round(y * 2**shift))
        radius = round(rng.uniform(0.5, 1.5) * 2**shift)
        cv2.circle(specks, centre, radius, float(rng.uniform(0.3, 0.8)), -1, cv2.LINE_4, shift)
    light *= np.exp(-cv2.GaussianBlur(specks, (0, 0), 0.6)[..., None] * np.array([0.9, 1.0, 0.8]))


def _expose(rng: np.random.Generator, light: FloatArray) -> NDArray[np.uint8]:
    """The camera: a touch of defocus, then sensor noise, then 8 bits."""
    seen = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.35, 0.9))
    fine = rng.normal(0.0, rng.uniform(0.004, 0.014), light.shape)
    return np.asarray(np.clip((seen + fine) * 255.0 + 0.5, 0, 255), dtype=np.uint8)
