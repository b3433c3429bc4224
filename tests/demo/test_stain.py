import numpy as np
import pytest

from headlab.demo.outline import FloatArray, Outline
from headlab.demo.stain import PLATELET, RED_CELL, WHITE_CELL, Cell, paint_cell, smooth_noise

OUTLINE = Outline((80.0, 70.0), (24.0, 18.0), 0.0, np.zeros(4), np.zeros(4))
CLASSES = [PLATELET, RED_CELL, WHITE_CELL]


def painted(*classes: int, density: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Light (160, 160, 3) and owner (160, 160) after one cell of each class at the same place."""
    light, owner = np.ones((160, 160, 3)), np.full((160, 160), -1)
    for index, class_index in enumerate(classes):
        cell = Cell(class_index, OUTLINE, seed=index)
        paint_cell(light, cell, np.ones_like(light), density, owner, index)
    return light, owner


# A platelet's rim is the palest: cover 0.5, granules clipped at 0.15 * 0.75, green absorbance 0.78,
# so at most exp(-0.5 * 0.15 * 0.75 * 0.78) = 0.957 of the light, give or take the tint.
@pytest.mark.parametrize(
    ("class_index", "brightest"), [(PLATELET, 0.97), (RED_CELL, 0.95), (WHITE_CELL, 0.95)]
)
def test_a_cell_takes_light_within_its_outline_only(class_index: int, brightest: float) -> None:
    light, owner = painted(class_index)
    rows, columns = np.nonzero(owner == 0)
    # Half-axes 24 and 18 around (80, 70): x 56..104, y 52..88.
    extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert extent == pytest.approx([56, 52, 104, 88], abs=1.0)
    assert (light[owner == 0][:, 1] < brightest).all()
    assert light[0, 0].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("class_index", CLASSES)
def test_twice_the_density_lets_the_square_of_the_light_through(class_index: int) -> None:
    # Beer-Lambert: exp(-2A) = exp(-A)².
    once, twice = painted(class_index)[0], painted(class_index, density=2.0)[0]
    assert twice == pytest.approx(once**2, rel=1e-9)


def test_overlapping_red_cells_darken_and_the_later_one_owns_the_place() -> None:
    one, (both, owner) = painted(RED_CELL)[0], painted(RED_CELL, RED_CELL)
    assert (both[owner == 1] < one[owner == 1]).all()
    assert not (owner == 0).any()


def test_a_cell_outside_the_image_changes_nothing() -> None:
    light, owner = np.ones((20, 20, 3)), np.full((20, 20), -1)
    paint_cell(light, Cell(RED_CELL, OUTLINE, seed=0), light.copy(), 1.0, owner, 0)
    assert (light == 1.0).all()
    assert (owner == -1).all()


def test_noise_has_mean_0_and_deviation_1() -> None:
    noise = smooth_noise(np.random.default_rng(0), (40, 50), 4.0)
    assert noise.shape == (40, 50)
    assert (noise.mean(), noise.std()) == pytest.approx((0.0, 1.0), abs=1e-6)
