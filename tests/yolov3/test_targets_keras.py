"""keras-yolo3's targets: the recorded ones, and its quirks one by one."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_truths import LOSSES, TARGETS, described, load_truths
from hypothesis import given, settings
from hypothesis import strategies as st

from headlab.checkpoint.yolov3.description import Description
from headlab.errors import InputError
from headlab.yolov3.targets.assigner import Assigner
from headlab.yolov3.targets.result import Counts, Targets
from yolov3_models import TINY_ANCHORS

INPUT = (64, 96)


def kept(description: Description, *boxes: tuple[float, ...]) -> Targets:
    return Assigner(description, compat="keras-yolo3")(torch.tensor([boxes]), INPUT)


@pytest.fixture
def tiny() -> Description:
    return described(TINY_ANCHORS, 3)


@pytest.mark.parametrize("name", [*TARGETS, *LOSSES])
def test_targets_are_the_recorded_ones_bit_by_bit(name: str, shared: Path) -> None:
    golden = load_truths(shared, name)
    assign = Assigner(golden["description"], compat="keras-yolo3")
    for boxes in (golden["boxes"], list(golden["boxes"])):
        made = assign(boxes, golden["input_hw_px"]).dense()
        assert len(made) == len(golden["levels"])
        for at, level in enumerate(made):
            expected = golden[f"y_true_{at}"]
            assert level.numpy().dtype == expected.dtype
            assert level.shape == expected.shape
            assert level.numpy().tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        # 40 boxes share 26 slots (README of the golden data): the other 14 are overwritten.
        ("targets_crowded_416", Counts(40, 26, 0, 14, 0)),
        # Two boxes are like anchor 0, which is in no mask; seven like anchor 3 have a target in both levels.
        ("targets_tiny6_416", Counts(21, 19, 0, 2, 0)),
        ("targets_quirk_gap_row_416", Counts(3, 2, 0, 1, 0)),
        ("targets_zero_416", Counts(0, 0, 0, 0, 0)),
    ],
)
def test_what_the_original_loses_is_counted(name: str, counts: Counts, shared: Path) -> None:
    golden = load_truths(shared, name)
    targets = Assigner(golden["description"], compat="keras-yolo3")(
        golden["boxes"], golden["input_hw_px"]
    )
    assert targets.counts() == counts


def test_centres_are_floored_and_sizes_are_not(tiny: Description) -> None:
    """Centre ((10.5 + 91) / 2, (20 + 40.9) / 2) = (50.75, 30.45) -> (50, 30); size 80.5 x 20.9."""
    level = kept(tiny, (10.5, 20.0, 91.0, 40.9, 2.0))
    expected = torch.tensor([50 / 96, 30 / 64, 80.5 / 96, 20.9 / 64, 1, 0, 0, 1])
    torch.testing.assert_close(level.rows[0], expected)


def test_a_later_box_leaves_the_earlier_ones_class_bit(tiny: Description) -> None:
    """Both are 200 px wide, centred in the same cell: the second's box, both classes."""
    box = (-60.0, -70.0, 140.0, 130.0)
    targets = kept(tiny, (*box, 0.0), (-58.0, -70.0, 142.0, 130.0, 2.0))
    assert targets.rows[:, 5:].tolist() == [[1, 0, 1]]
    assert targets.rows[0, 0].item() == np.float32(42 / 96)
    assert targets.sources().tolist() == [[0, 1]]
    assert targets.counts() == Counts(2, 1, 0, 1, 0)


def test_anchor_3_of_tiny_answers_in_both_levels_and_anchor_0_in_none(tiny: Description) -> None:
    """81 x 82 is anchor 3: slot 0 of P5 and slot 2 of P4. 10 x 14 is anchor 0."""
    both = kept(tiny, (0.0, -20.0, 81.0, 62.0, 1.0), (0.0, 0.0, 10.0, 14.0, 1.0))
    # Centre (40, 21): cell (0, 1) of stride 32 and (1, 2) of stride 16.
    assert [torch.nonzero(each[..., 4]).tolist() for each in both.dense()] == [
        [[0, 0, 1, 0]],
        [[0, 1, 2, 2]],
    ]
    assert both.counts() == Counts(2, 1, 0, 1, 0)
    assert both.listed(3).tolist() == [[0, 1]]


def test_a_negative_centre_wraps_round(tiny: Description) -> None:
    """Centre (-10, -40) in 3 x 2 cells of 32 px: column floor(-0.3) = -1 -> 2, row -2 -> 0."""
    targets = kept(tiny, (-182.0, -200.0, 162.0, 120.0, 1.0))
    assert torch.nonzero(targets.dense()[0][..., 4]).tolist() == [[0, 0, 2, 2]]
    assert targets.rows[0, :2].tolist() == [np.float32(-10 / 96), np.float32(-40 / 64)]


def test_negative_class_numbers_count_from_the_end_of_the_slot(tiny: Description) -> None:
    """-1 is the objectness, -4 is y, -6 is the last class."""
    box = (-60.0, -70.0, 140.0, 130.0)
    assert kept(tiny, (*box, -1.0)).rows[0, 4:].tolist() == [1, 0, 0, 0]
    assert kept(tiny, (*box, -4.0)).rows[0, 1].item() == 1
    assert kept(tiny, (*box, -6.0)).rows[0, 4:].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((0.0, 0.0, 50.0, 50.0, 3.0), "no class number 3: box 0 of image 0"),
        ((0.0, 0.0, 0.0, 0.0, 3.0), "no class number 3"),
        ((0.0, 0.0, 50.0, 50.0, -14.0), "no class number -14"),
        ((46.0, 0.0, 146.0, 50.0, 0.0), "centre is outside the input: box 0 of image 0"),
        ((0.0, 14.0, 50.0, 114.0, 0.0), "centre is outside"),
        ((-250.0, 0.0, 50.0, 50.0, 0.0), "centre is outside"),
        ((0.0, 0.0, math.nan, 50.0, 0.0), "NaN or infinite: box 0 of image 0"),
    ],
)
def test_where_the_original_raises_the_box_is_named(
    box: tuple[float, ...], message: str, tiny: Description
) -> None:
    with pytest.raises(InputError, match=message):
        kept(tiny, box)


def test_an_unknown_compat_is_refused(tiny: Description) -> None:
    with pytest.raises(InputError, match="darknet"):
        Assigner(tiny, compat="darknet")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="chooses slots in its own way"):
        Assigner(tiny, compat="keras-yolo3", allowed=lambda ids, places: np.ones((1, 1), bool))


def one_by_one(boxes: np.ndarray, description: Description) -> list[np.ndarray]:
    """The quirks spelled out, box by box."""
    height, width = INPUT
    classes = len(description.class_names)
    made = [
        np.zeros((len(boxes), height // stride, width // stride, len(mask), 5 + classes), "f")
        for mask, stride in zip(description.masks, (32, 16, 8), strict=False)
    ]
    for image, rows in enumerate(boxes):
        wide = [row for row in rows if row[2] - row[0] > 0]
        for nth, shape in enumerate(wide):
            w, h = shape[2:4] - shape[:2]
            ious = []
            for anchor_w, anchor_h in description.anchors_wh_px:
                both = min(w, anchor_w) * max(min(h, anchor_h), 0)
                ious.append(both / (np.float64(w * h) + anchor_w * anchor_h - both))
            best = int(np.argmax(ious))
            row = rows[nth]
            centre = np.floor((row[:2] + row[2:4]) / 2)
            box = np.r_[centre, row[2:4] - row[:2]].astype("d") / (width, height, width, height)
            box = box.astype("f")
            for level, mask in zip(made, description.masks, strict=True):
                if best in mask:
                    col, line = (math.floor(float(box[a]) * level.shape[2 - a]) for a in (0, 1))
                    slot = level[image, line, col, mask.index(best)]
                    slot[:4], slot[4] = box, 1
                    slot[5 + int(row[4])] = 1
    return made


sides = st.integers(-20, 116).map(lambda eighths: eighths / 2)
rows = st.one_of(
    st.just((0.0,) * 5),
    st.tuples(sides, sides, sides, sides, st.integers(-8, 2).map(float)).map(
        lambda box: (min(box[0], box[2]), box[1], max(box[0], box[2]), box[3], box[4])
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(rows, min_size=6, max_size=6), min_size=1, max_size=3))
def test_any_boxes_give_what_one_box_after_the_other_gives(
    boxes: list[list[tuple[float, ...]]],
) -> None:
    """Padding in between, boxes upside down, negative centres and classes, all in few cells."""
    description = described(TINY_ANCHORS, 3)
    padded = np.array(boxes, "f")
    expected = one_by_one(padded, description)
    made = Assigner(description, compat="keras-yolo3")(torch.from_numpy(padded), INPUT).dense()
    for ours, theirs in zip(made, expected, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs)
