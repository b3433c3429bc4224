import numpy as np
import pytest

from headlab.demo.outline import Outline
from headlab.demo.scenes import CLASS_NAMES, SIZE_BANDS_PX, Scene, draw_scene, tight_box_xyxy_px

SEEDS = range(8)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_scene(seed) for seed in SEEDS]


def ellipse(x: float, y: float, a: float, b: float) -> Outline:
    return Outline((x, y), (a, b), tilt_rad=0.0, ripples=np.zeros(4), phases_rad=np.zeros(4))


def test_a_seed_names_one_scene(scenes: list[Scene]) -> None:
    again = draw_scene(3)
    assert np.array_equal(again.image, scenes[3].image)
    assert np.array_equal(again.boxes_xyxy_px, scenes[3].boxes_xyxy_px)
    assert not np.array_equal(draw_scene(4).image, again.image)


@pytest.mark.parametrize("size_px", [96, 320, 416])
def test_boxes_lie_in_the_image_and_have_area(size_px: int) -> None:
    scene = draw_scene(1, size_px)
    boxes = scene.boxes_xyxy_px
    assert (scene.image.shape, scene.image.dtype) == ((size_px, size_px, 3), np.uint8)
    assert (boxes.shape, boxes.dtype) == ((len(scene.classes), 4), np.float64)
    assert ((boxes >= 0) & (boxes <= size_px)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_each_class_keeps_to_its_size_band(scenes: list[Scene]) -> None:
    boxes = np.concatenate([s.boxes_xyxy_px for s in scenes])
    classes = np.concatenate([s.classes for s in scenes])
    whole = (boxes > 1).all(axis=1) & (boxes < 319).all(axis=1)
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    for c, (smallest, largest) in enumerate(SIZE_BANDS_PX):
        sizes = longer[whole & (classes == c)]
        assert sizes.size > 0, f"no whole {CLASS_NAMES[c]} in seeds {SEEDS}"
        assert ((sizes >= smallest - 0.01) & (sizes <= largest + 0.01)).all()


def test_box_is_the_extent_of_the_part_inside_the_image() -> None:
    # Half-axes 30 and 20 around (100, 60): x 70..130, y 40..80.
    whole = tight_box_xyxy_px(ellipse(100, 60, 30, 20).points_xy_px(), 200)
    assert whole == pytest.approx([70, 40, 130, 80], abs=1e-6)
    # Circle of radius 50 around (-30, 100): it meets x = 0 at y = 100 ± 40, for 30² + 40² = 50².
    cut = tight_box_xyxy_px(ellipse(-30, 100, 50, 50).points_xy_px(), 200)
    assert cut == pytest.approx([0, 60, 20, 140], abs=0.3)
