import numpy as np
import pytest

from headlab.demo.outline import HARMONICS, Outline, patch_around


def rippled(x: float, y: float, a: float, b: float, *ripples: float) -> Outline:
    padded = np.pad(np.array(ripples, dtype=float), (0, len(HARMONICS) - len(ripples)))
    return Outline((x, y), (a, b), 0.0, padded, np.zeros(len(HARMONICS)))


def test_radius_of_a_tilted_ellipse() -> None:
    # Half-axes 30 and 20, turned by a right angle: 20 along x, 30 along y.
    outline = Outline((0.0, 0.0), (30.0, 20.0), np.pi / 2, np.zeros(4), np.zeros(4))
    assert outline.radius_px(np.array([0.0, np.pi / 2])) == pytest.approx([20.0, 30.0])


def test_ripples_are_shares_of_the_radius() -> None:
    # cos(2 * 0) = 1 and cos(2 * 90°) = -1, so 10 % of two waves: 10 * 1.1 and 10 * 0.9.
    outline = rippled(0.0, 0.0, 10.0, 10.0, 0.1)
    assert outline.radius_px(np.array([0.0, np.pi / 2])) == pytest.approx([11.0, 9.0])


def test_area() -> None:
    # An ellipse: pi * 30 * 20. A ripple r on a circle: pi * 10² * (1 + r² / 2), cos² being 1/2.
    assert rippled(5.0, 7.0, 30.0, 20.0).area_px2() == pytest.approx(np.pi * 600)
    assert rippled(5.0, 7.0, 10.0, 10.0, 0.1).area_px2() == pytest.approx(np.pi * 100 * 1.005)


def test_scaling_sets_the_longer_side_and_keeps_the_shape() -> None:
    # The longer side is 2 * 20 = 40; scaled to 60, both half-axes grow by 1.5.
    scaled = rippled(3.0, 4.0, 20.0, 10.0).scaled_to(60.0)
    assert scaled.semi_axes_px == pytest.approx((30.0, 15.0))
    assert scaled.centre_xy_px == (3.0, 4.0)


def test_cover_adds_up_to_the_area() -> None:
    outline = rippled(40.3, 41.7, 24.0, 18.0, 0.02, 0.01)
    assert patch_around(outline, 80).cover.sum() == pytest.approx(outline.area_px2(), rel=2e-3)


def test_a_patch_ends_at_the_border_of_the_image() -> None:
    # Radius 10 around (2, 50) with 3 px to spare: x 0..15, y 37..63.
    patch = patch_around(rippled(2.0, 50.0, 10.0, 10.0), 100)
    assert patch.window == (slice(37, 63), slice(0, 15))
    assert patch_around(rippled(-40.0, 50.0, 10.0, 10.0), 100).cover.size == 0
