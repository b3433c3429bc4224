"""The picture of the network's input: boxes, cells and anchors are where they should be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import yolov3_models
from headlab.errors import InputError
from headlab.results.colours import level_colour
from headlab.results.pictures.marks import CELL_OPACITY
from headlab.train.data.batch import Batch, Collate, Sample
from headlab.train.watching.preview import draw_batches, panels_of
from headlab.train.watching.preview_panel import Names, class_colour, draw_panel
from headlab.yolov3.targets.assigner import Assigner
from headlab.yolov3.targets.result import Fate

SIDE = 128
DESCRIPTION = yolov3_models.description(input_hw_px=(SIDE, SIDE))
# Anchors of tiny: 10x14 … 344x319; its masks are (3, 4, 5) on P5 and (1, 2, 3) on P4.
SMALL = (50.0, 40.0, 73.0, 67.0, 1.0)  # 23 x 27, as anchor 1: P4/0, its middle (61.5, 53.5)
LARGE = (20.0, 20.0, 101.0, 102.0, 2.0)  # 81 x 82, as anchor 3: P5/0, its middle (60.5, 61)


def batch(*boxes: list[tuple[float, ...]], failed: tuple[tuple[str, str], ...] = ()) -> Batch:
    samples = [
        Sample(
            torch.full((3, SIDE, SIDE), 200, dtype=torch.uint8),
            torch.tensor(each, dtype=torch.float32).reshape(-1, 5),
            10 + at,
            failed if at == 0 else (),
        )
        for at, each in enumerate(boxes)
    ]
    return Collate(Assigner(DESCRIPTION))(samples)


def test_each_box_knows_who_answers_for_it() -> None:
    first, second = panels_of(batch([], [LARGE, SMALL]))
    assert (first.boxes, first.places, first.photo, second.photo) == ((), (), 10, 11)
    assert second.boxes == (LARGE, SMALL)
    # P5 has cells of 32 px: row 61 // 32, column 60.5 // 32. P4 has cells of 16 px.
    assert second.places == (
        ("P5", 32, 1, 1, 0, (81, 82)),
        ("P4", 16, 53 // 16, 61 // 16, 0, (23, 27)),
    )
    assert second.fates == (Fate.ASSIGNED, Fate.ASSIGNED)


def test_moved_and_lost_boxes_are_told_apart() -> None:
    (panel,) = panels_of(batch([SMALL] * 7))  # the cells of its middle have 3 slots on either level
    assert panel.fates == (Fate.ASSIGNED, *[Fate.MOVED] * 5, Fate.LOST)
    assert panel.places[-1] is None
    assert len({place[:5] for place in panel.places if place}) == 6
    sheet = draw_batches([batch([SMALL] * 7)], DESCRIPTION)
    assert sheet.lines[1] == "7 boxes: 6 assigned (5 moved to a free slot), 1 lost"


def test_padding_and_boxes_without_area_are_not_drawn() -> None:
    (panel,) = panels_of(batch([(300.0, 300.0, 320.0, 320.0, 0.0)]))
    assert panel.fates == (Fate.SKIPPED,)
    drawn = np.asarray(draw_panel(panel, Names.of(DESCRIPTION.class_names), SIDE))
    assert (drawn == 200).all()
    lines = draw_batches([batch([(300.0, 300.0, 320.0, 320.0, 0.0)])], DESCRIPTION).lines
    assert lines[1] == "1 box: 0 assigned, 0 lost, 1 without area"


def test_box_cell_and_anchor_stand_where_they_should() -> None:
    scale = 5
    (panel,) = panels_of(batch([SMALL]))
    drawn = np.asarray(draw_panel(panel, Names.of(DESCRIPTION.class_names), scale * SIDE))
    box = class_colour(1)
    # The left edge of the box, halfway up, is in the class's colour.
    assert tuple(drawn[round(53.5 * scale), 50 * scale]) == box
    # Inside of its cell (rows and columns 48 … 64 of the input) is P4's colour over the photo's 200.
    mixed = [round(CELL_OPACITY * each + (1 - CELL_OPACITY) * 200) for each in level_colour("P4")]
    assert np.abs(drawn[57 * scale, 58 * scale].astype(int) - mixed).max() <= 2
    assert tuple(drawn[57 * scale, 70 * scale]) == (200, 200, 200)  # in the box, beside the cell


def test_the_sheet_shows_so_many_images_and_not_more() -> None:
    batches = [batch([SMALL], [LARGE], []), batch([SMALL], [LARGE], [])]
    sheet = draw_batches(batches, DESCRIPTION, 4)
    assert sheet.lines == (
        "4 images as the network sees them, 128 x 128 px",
        "3 boxes: 3 assigned, 0 lost",
    )
    assert sheet.image.mode == "RGB"
    assert sheet.image.width > sheet.image.height / 2
    with pytest.raises(InputError, match="no image"):
        draw_batches([], DESCRIPTION)


def test_unread_photos_and_undrawable_names_are_noted() -> None:
    names = ("ant", "\ue123", "cat")  # of a private area, where no font has a sign
    sheet = draw_batches(
        [batch([SMALL], failed=(("a.jpg", "truncated"),))],
        yolov3_models.description(class_names=names),
    )
    assert "skipped a.jpg: truncated" in sheet.notes
    assert Names.of(("ant", "蜂")).of_class(7) == "class 7"


def test_the_first_class_colours_are_not_those_of_levels() -> None:
    colours = [class_colour(at) for at in range(40)]
    assert len(set(colours)) == 40
    for level in ("P3", "P4", "P5"):
        for colour in colours[:3]:
            apart = np.abs(np.subtract(colour, level_colour(level))).sum()
            assert apart > 60, (level, colour)
