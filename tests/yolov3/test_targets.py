"""The default targets: every truth gets the best slot that is free, and what is lost is counted.

The model is tiny with keras-yolo3's masks: P5 has the anchors 3, 4 and 5 in its slots, P4 1, 2 and 3.
"""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_truths import TARGETS, described, load_truths
from hypothesis import given, settings
from hypothesis import strategies as st

from headlab.checkpoint.yolov3.description import Description
from headlab.errors import InputError
from headlab.yolov3.targets.assigner import Assigner
from headlab.yolov3.targets.places import Places
from headlab.yolov3.targets.result import Counts, Fate, Targets
from yolov3_models import TINY_ANCHORS

INPUT = (64, 96)
TINY = described(TINY_ANCHORS, 3)
NONE = torch.zeros(0, 5)

Box = tuple[float, ...]


def assigned(*boxes: Box, description: Description = TINY) -> Targets:
    return Assigner(description)([torch.tensor(boxes)], INPUT)


def slots(targets: Targets) -> list[list[list[int]]]:
    """Image, row, column and slot of every positive, by level."""
    return [torch.nonzero(level[..., 4]).tolist() for level in targets.dense()]


def test_one_box_by_hand() -> None:
    """36.5 x 50 is most like anchor 2 (37 x 58), P4/1, in row 25 // 16 and column 40.25 // 16.

    The box is cut to the input, 0 <= y, to 36.5 x 50 px around (40.25, 25); nothing is floored.
    """
    targets = assigned((22.0, -8.0, 58.5, 50.0, 2.0))
    assert targets.counts() == Counts(1, 1, 0, 0, 0)
    expected = [40.25 / 96, 25 / 64, 36.5 / 96, 50 / 64, 1, 0, 0, 1]
    assert targets.rows.tolist() == [[np.float32(value) for value in expected]]
    assert slots(targets) == [[], [[0, 1, 2, 1]]]
    assert targets.sources().tolist() == [[0, 0]]


def test_small_boxes_go_to_the_smallest_anchor_that_has_a_slot() -> None:
    """10 x 14 is anchor 0, which tiny's masks leave out: the next best is anchor 1, P4/0."""
    assert slots(assigned((0.0, 0.0, 10.0, 14.0, 0.0))) == [[], [[0, 0, 0, 0]]]


def test_of_one_anchor_on_two_levels_the_coarser_comes_first() -> None:
    """81 x 60 is most like anchor 3, slot 0 of P5 and slot 2 of P4."""
    box = (0.0, 0.0, 81.0, 60.0)
    assert slots(assigned((*box, 0.0))) == [[[0, 0, 1, 0]], []]
    both = assigned((*box, 0.0), (*box, 1.0))
    assert slots(both) == [[[0, 0, 1, 0]], [[0, 1, 2, 2]]]
    # Of equal boxes the lower class is first.
    assert both.rows[:, 5:].tolist() == [[1, 0, 0], [0, 1, 0]]
    assert both.counts() == Counts(2, 2, 1, 0, 0)
    assert both.listed(Fate.MOVED).tolist() == [[0, 1]]


def test_the_box_most_like_the_anchor_keeps_the_slot() -> None:
    """Both want P5/0; 81 x 62 is more like 81 x 82 than 80 x 60: the second keeps the slot."""
    targets = assigned((0.0, 1.0, 80.0, 61.0, 0.0), (0.0, 0.0, 81.0, 62.0, 1.0))
    assert targets.listed(Fate.MOVED).tolist() == [[0, 0]]
    assert targets.listed(Fate.ASSIGNED).tolist() == [[0, 1]]
    assert slots(targets) == [[[0, 0, 1, 0]], [[0, 1, 2, 2]]]


def test_the_seventh_box_of_a_cell_is_lost_and_listed() -> None:
    """Six slots answer for the cell of one centre."""
    targets = assigned(*[(10.0, 10.0, 30.0, 34.0, 0.0)] * 7, (0.0, 0.0, 0.0, 0.0, 0.0))
    assert targets.counts() == Counts(truths=7, assigned=6, moved=5, lost=1, skipped=0)
    assert len(targets.listed(Fate.LOST)) == 1
    assert len(targets.truths) == 7


def test_boxes_without_an_area_in_the_input_are_skipped_and_listed() -> None:
    targets = assigned(
        (10.0, 10.0, 10.0, 20.0, 0.0),
        (10.0, 20.0, 20.0, 10.0, 0.0),
        (96.0, 0.0, 120.0, 20.0, 0.0),
        (-9.0, 0.0, -1.0, 20.0, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (90.0, 60.0, 96.0, 64.0, 0.0),
    )
    assert targets.counts() == Counts(truths=5, assigned=1, moved=0, lost=0, skipped=4)
    assert targets.listed(Fate.SKIPPED, Fate.PADDING).tolist() == [[0, at] for at in range(5)]


def test_a_box_on_the_last_representable_pixel_has_a_cell() -> None:
    """The mean of the two largest numbers up to 96 rounds to 96, where no cell is."""
    below = float(np.nextafter(np.float32(96), np.float32(0)))
    assert slots(assigned((below, 0.0, 200.0, 20.0, 0.0))) == [[], [[0, 0, 5, 0]]]


def test_a_strategy_says_which_slot_may_serve_which_class() -> None:
    """Class 0 may use P5 only, class 1 P4/0 only, class 2 nothing."""

    def allowed(class_ids: np.ndarray, places: Places) -> np.ndarray:
        table = np.zeros((3, len(places)), bool)
        for at, name in enumerate(places.names):
            table[0, at] = name.startswith("P5")
            table[1, at] = name == "P4/0"
        return table[class_ids]

    box = (10.0, 10.0, 30.0, 34.0)
    boxes = torch.tensor([[(*box, 0.0), (*box, 1.0), (*box, 1.0), (*box, 2.0), (*box, 2.0)]])
    targets = Assigner(TINY, allowed=allowed)(boxes, INPUT)
    assert slots(targets) == [[[0, 0, 0, 0]], [[0, 1, 1, 0]]]
    assert targets.counts() == Counts(truths=5, assigned=2, moved=0, lost=3, skipped=0)
    assert targets.listed(Fate.LOST).tolist() == [[0, 2], [0, 3], [0, 4]]


@pytest.mark.parametrize(
    "boxes", [torch.zeros(2, 0, 5), torch.zeros(2, 4, 5), [NONE, NONE], [torch.tensor([]), NONE]]
)
def test_a_batch_without_boxes_has_empty_targets(boxes: torch.Tensor | list[torch.Tensor]) -> None:
    for targets in (
        Assigner(TINY)(boxes, INPUT),
        Assigner(TINY, compat="keras-yolo3")(boxes, INPUT),
    ):
        assert targets.counts() == Counts(0, 0, 0, 0, 0)
        assert [each.shape for each in targets.dense()] == [(2, 2, 3, 3, 8), (2, 4, 6, 3, 8)]
        assert not any(each.any() for each in targets.dense())


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([], "no images in the batch"),
        (torch.zeros(0, 4, 5), "no images in the batch"),
        ([torch.zeros(3), NONE], r"boxes of image 0 of the batch have the shape \(3,\)"),
        (torch.zeros(4, 5), r"shape \(4, 5\) are not a batch"),
        (torch.zeros(1, 4, 6), "are not a batch"),
        ([NONE, torch.zeros(2, 4)], r"boxes of image 1 of the batch have the shape \(2, 4\)"),
        (torch.tensor([[[0, 0, 9, 9, 3.0]]]), "no class number 3: box 0 of image 0"),
        (torch.tensor([[[0, 0, 9, 9, -1.0]]]), "no class number -1"),
        (torch.tensor([[[0, 0, 9, 9, 0.5]]]), "no class number 0.5"),
        ([NONE, torch.tensor([[0, 0, 9, 9, 0], [0, 0, math.inf, 9, 0]])], "box 1 of image 1"),
        (torch.full((1, 1, 5), math.nan), "NaN or infinite"),
    ],
)
def test_what_cannot_be_used_is_named(
    boxes: torch.Tensor | list[torch.Tensor], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Assigner(TINY)(boxes, INPUT)


@pytest.mark.parametrize("size", [(416, 400), (0, 32), (-32, 32)])
def test_an_input_without_whole_cells_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="multiples of 32 px"):
        Assigner(TINY)([NONE], size)


@pytest.mark.parametrize("name", TARGETS)
def test_no_recorded_truth_is_lost(name: str, shared: Path) -> None:
    golden = load_truths(shared, name)
    counts = Assigner(golden["description"])(golden["boxes"], golden["input_hw_px"]).counts()
    assert counts.lost == 0
    assert counts.assigned == counts.truths - counts.skipped
    if "crowded" in name:
        assert counts.assigned == 40


def test_targets_can_be_sent_between_processes() -> None:
    targets = assigned((0.0, 0.0, 81.0, 60.0, 0.0))
    again = pickle.loads(pickle.dumps(targets)).to("cpu")  # noqa: S301
    assert torch.equal(again.dense()[0], targets.dense()[0])


def greedy(boxes: list[Box]) -> dict[tuple[int, int, int, int], int]:
    """The rounds spelled out, truth by truth: the slot (level, row, column, slot) -> the truth."""
    truths = {}
    for at, (x1, y1, x2, y2, _) in enumerate(boxes):
        x1, x2 = (min(max(x, 0), INPUT[1]) for x in (x1, x2))
        y1, y2 = (min(max(y, 0), INPUT[0]) for y in (y1, y2))
        if x1 < x2 and y1 < y2:
            truths[at] = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    taken: dict[tuple[int, int, int, int], int] = {}
    asking = set(truths)
    while asking:
        wishes: dict[tuple[int, int, int, int], list[tuple[float, Box, int]]] = {}
        for at in list(asking):
            x, y, w, h = truths[at]
            options = []
            for level, (mask, stride) in enumerate(zip(TINY.masks, (32, 16), strict=True)):
                for slot, anchor in enumerate(mask):
                    anchor_w, anchor_h = TINY_ANCHORS[anchor]
                    both = min(w, anchor_w) * min(h, anchor_h)
                    iou = np.float32(both) / np.float32(w * h + anchor_w * anchor_h - both)
                    where = (level, int(y // stride), int(x // stride), slot)
                    if where not in taken:
                        options.append((-iou, anchor, where))
            if options:
                worst_first, _, where = min(options)
                wishes.setdefault(where, []).append((worst_first, boxes[at], at))
            else:
                asking.remove(at)
        for where, who in wishes.items():
            taken[where] = min(who)[2]
            asking.remove(taken[where])
    return taken


# Quarters of pixels, so that all arithmetic is exact.
sides = st.integers(-40, 440).map(lambda quarters: quarters / 4)
crowd = st.lists(
    st.one_of(
        st.tuples(sides, sides, sides, sides, st.integers(0, 2).map(float)),
        st.sampled_from([(0.0,) * 5, (8.0, 8.0, 24.0, 30.0, 1.0), (9.0, 8.0, 25.0, 30.0, 2.0)]),
    ),
    max_size=24,
)


@settings(max_examples=150, deadline=None)
@given(crowd)
def test_any_boxes_give_what_one_after_the_other_gives(boxes: list[Box]) -> None:
    targets = Assigner(TINY)([torch.tensor(boxes).reshape(-1, 5)], INPUT)
    made = {}
    for level, dense in enumerate(targets.dense()):
        for image, row, column, slot in torch.nonzero(dense[..., 4]).tolist():
            made[level, row, column, slot] = dense[image, row, column, slot].tolist()
    expected = greedy(boxes)
    assert set(made) == set(expected)
    for where, at in expected.items():
        assert made[where][5:] == [float(boxes[at][4] == each) for each in range(3)]
    counts = targets.counts()
    assert counts.assigned == len(expected) == len(targets.rows)
    assert counts.truths == sum(any(box[:4]) for box in boxes)


@settings(max_examples=100, deadline=None)
@given(st.lists(crowd, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_neither_order_nor_padding_matters_and_counts_add_up(
    batch: list[list[Box]], random
) -> None:
    ragged = [torch.tensor(boxes).reshape(-1, 5) for boxes in batch]
    mixed = []
    for boxes in batch:
        padded = [*boxes, *[(0.0,) * 5] * (26 - len(boxes))]
        random.shuffle(padded)
        mixed.append(padded)
    assign = Assigner(TINY)
    one, other = assign(ragged, INPUT), assign(torch.tensor(mixed), INPUT)
    for ours, theirs in zip(one.dense(), other.dense(), strict=True):
        assert torch.equal(ours, theirs)
    assert one.counts() == other.counts()
    counts = one.counts()
    assert counts.truths == counts.assigned + counts.lost + counts.skipped
    assert counts.moved == len(one.listed(Fate.MOVED)) <= counts.assigned
    assert counts.lost == len(one.listed(Fate.LOST))
    # Every positive's box is the one it says it comes from.
    for (image, row), made in zip(one.sources().tolist(), one.rows, strict=True):
        assert made[5 + int(batch[image][row][4])] == 1
