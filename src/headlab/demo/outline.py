"""Closed curves around a centre, and where the pixels of an image lie relative to them.

A curve is radius(angle). Pixels are antialiased by their distance to it along the ray from the
centre: the true distance for circles, and close to it for the nearly round outlines of cells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Waves per turn of an outline's ripples; a single wave would hardly do more than shift the curve.
HARMONICS = np.arange(2, 6)
_ANGLES: FloatArray = np.linspace(0.0, 2.0 * np.pi, 1440, endpoint=False, dtype=np.float64)


@dataclass(frozen=True)
class Outline:
    """A closed curve around `centre_xy_px`: an ellipse of half-axes `semi_axes_px`, rippled.

    The ripples are relative amplitudes of cos(k * angle + phase), one for each k of `HARMONICS`.
    """

    centre_xy_px: tuple[float, float]
    semi_axes_px: tuple[float, float]
    tilt_rad: float
    ripples: FloatArray
    phases_rad: FloatArray

    @property
    def mean_radius_px(self) -> float:
        """Mean of both half-axes: how far the curve reaches, ripples aside."""
        return float(np.mean(self.semi_axes_px))

    def radius_px(self, angle_rad: FloatArray) -> FloatArray:
        """Distance from the centre to the curve in the direction `angle_rad`, any shape."""
        angle = angle_rad - self.tilt_rad
        a, b = self.semi_axes_px
        ellipse = a * b / np.hypot(b * np.cos(angle), a * np.sin(angle))
        waves = np.zeros_like(angle)
        for k, ripple, phase in zip(HARMONICS, self.ripples, self.phases_rad, strict=True):
            waves += ripple * np.cos(k * angle + phase)
        return np.asarray(ellipse * (1.0 + waves), dtype=np.float64)

    def points_xy_px(self) -> FloatArray:
        """Points on the curve, (1440, 2), in pixels."""
        radius = self.radius_px(_ANGLES)
        x, y = self.centre_xy_px
        return np.stack([x + radius * np.cos(_ANGLES), y + radius * np.sin(_ANGLES)], axis=1)

    def area_px2(self) -> float:
        """Area within the curve, in square pixels: the integral of radius² / 2 over all angles."""
        radius = self.radius_px(_ANGLES)
        return 0.5 * float(np.mean(radius**2)) * 2.0 * np.pi

    def scaled_to(self, longer_side_px: float) -> Outline:
        """The same shape, resized so that the longer side of its box is `longer_side_px`."""
        factor = longer_side_px / float(np.ptp(self.points_xy_px(), axis=0).max())
        a, b = self.semi_axes_px
        return replace(self, semi_axes_px=(a * factor, b * factor))


@dataclass(frozen=True)
class Patch:
    """The window of the image around one outline, with each pixel's place in it.

    x, y: offsets from the centre in pixels; reach: distance over the outline's radius (0 centre,
    1 edge); cover: antialiased share of the pixel within the outline. All (h, w).
    """

    window: tuple[slice, slice]
    x: FloatArray
    y: FloatArray
    reach: FloatArray
    cover: FloatArray


def patch_around(outline: Outline, size_px: int) -> Patch:
    """The part of an image of `size_px` by `size_px` pixels around `outline`; empty if outside it."""
    points = outline.points_xy_px()
    x1, y1 = (np.floor(points.min(axis=0)) - 3).clip(0, size_px).astype(int)
    x2, y2 = (np.ceil(points.max(axis=0)) + 3).clip(0, size_px).astype(int)
    ys, xs = np.mgrid[y1:y2, x1:x2] + 0.5
    x, y = xs - outline.centre_xy_px[0], ys - outline.centre_xy_px[1]
    distance = np.hypot(x, y)
    radius = outline.radius_px(np.arctan2(y, x))
    cover = np.clip((radius - distance) / 1.6 + 0.5, 0.0, 1.0)
    return Patch((slice(y1, y2), slice(x1, x2)), x, y, distance / radius, cover)
