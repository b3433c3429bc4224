"""Heads with several slots per cell: an edit reaches the slots it names, and no other row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.differences.differences import differences
from headlab.edit.apply import apply
from headlab.edit.plan import Plan, plan
from headlab.edit.plan_text import plan_lines
from headlab.edit.recipe import Recipe, from_data
from headlab.edit.recipe_from_options import recipe_from_options
from headlab.errors import CheckpointError, RecipeError
from headlab.families.identify import identify
from yolov3_models import random_model

NAMES = ("ant", "bee", "cat")
PER_SLOT = 5 + 3  # tx, ty, tw, th, objectness; ant, bee, cat
MODEL = random_model()


def edit(**options: list[str]) -> tuple[Checkpoint, Plan]:
    return edited(recipe_from_options(options))


def edited(recipe: Recipe) -> tuple[Checkpoint, Plan]:
    planned = plan(MODEL, identify(MODEL), recipe)
    return apply(MODEL, planned), planned


def rows(checkpoint: Checkpoint, level: str) -> np.ndarray:
    """Weights and bias of a level's last convolution: (slots, 5 + classes, channels + 1)."""
    weight: Any = checkpoint.array(f"{level}.output.weight")
    bias: Any = checkpoint.array(f"{level}.output.bias")
    both = np.concatenate([weight[:, :, 0, 0], bias[:, None]], 1)
    return both.reshape(3, -1, both.shape[1])


def explained(checkpoint: Checkpoint) -> list[str]:
    found = differences(MODEL, checkpoint)
    return [f"{each.place}: {each.words}" for each in found.levels]


def test_a_shift_of_one_slot_moves_its_class_rows_only() -> None:
    after, planned = edit(shift=["P5/2=1"])
    expected = rows(MODEL, "P5")
    expected[2, 5:] = np.roll(expected[2, 5:], 1, axis=0)
    assert rows(after, "P5").tobytes() == expected.tobytes()
    assert set(after.replaced) == {"P5.output.weight", "P5.output.bias"}
    # Slot 2: rows 2 * 8 + 5 to 2 * 8 + 7.
    assert plan_lines(planned) == [
        "P5/2  rows shifted by 1",
        "    P5.output.weight and .bias, rows 21 to 23",
    ]
    assert explained(after) == ["P5/2: rows shifted by 1"]


def test_single_rows_of_slots_are_named() -> None:
    """cat is class 2: rows 5 + 2 = 7 of slot 0, 15 of slot 1, 23 of slot 2."""
    assert plan_lines(edit(suppress=["P5:cat"])[1])[1].endswith("rows 7, 15, 23")
    assert plan_lines(edit(scale=["P4/1:cat=0.5"])[1])[1].endswith("row 15")


def test_of_many_ranges_the_first_are_named() -> None:
    """Every second of 20 classes; slot 0 begins at row 5."""
    many = random_model(class_names=[f"c{number}" for number in range(20)])
    recipe = recipe_from_options({"suppress": [f"P5/0:{','.join(map(str, range(0, 20, 2)))}"]})
    lines = plan_lines(plan(many, identify(many), recipe))
    assert lines[1].endswith("rows 5, 7, 9, 11, 13, 15, … (10 rows)")


def test_a_head_without_class_rows_is_refused() -> None:
    layout = identify(MODEL)
    without = replace(
        layout, levels=tuple(replace(level, class_rows=()) for level in layout.levels)
    )
    with pytest.raises(CheckpointError, match="its head, YOLOv3-tiny, has no class rows"):
        plan(MODEL, without, recipe_from_options({"shift": ["P5=1"]}))


def test_a_level_means_all_its_slots() -> None:
    after, planned = edit(shift=["P4=-1"])
    expected = rows(MODEL, "P4")
    expected[:, 5:] = np.roll(expected[:, 5:], -1, axis=1)
    assert rows(after, "P4").tobytes() == expected.tobytes()
    assert plan_lines(planned) == [
        "P4  rows shifted by -1",
        "    P4.output.weight and .bias, rows 5 to 7, 13 to 15, 21 to 23",
    ]
    assert explained(after) == ["P4: rows shifted by -1"]


def test_each_slot_may_be_edited_in_its_own_way() -> None:
    after, planned = edit(
        shift=["P5/1=1", "P5/2=-1"], suppress=["P5/0:bee", "P4/0"], scale=["P4/1:cat=0.5"]
    )
    expected = rows(MODEL, "P5")
    expected[1, 5:] = np.roll(expected[1, 5:], 1, axis=0)
    expected[2, 5:] = np.roll(expected[2, 5:], -1, axis=0)
    expected[0, 6] = [*[0] * (expected.shape[2] - 1), -10000]
    assert rows(after, "P5").tobytes() == expected.tobytes()
    expected = rows(MODEL, "P4")
    expected[0, 5:, :-1], expected[0, 5:, -1] = 0, -10000
    expected[1, 7] *= 0.5
    assert rows(after, "P4").tobytes() == expected.tobytes()
    assert [line for line in plan_lines(planned) if not line.startswith("    ")] == [
        "P4/0  suppressed: ant, bee, cat",
        "P4/1  logits: cat x0.5 +0",
        "P5/0  suppressed: bee",
        "P5/1  rows shifted by 1",
        "P5/2  rows shifted by -1",
    ]
    assert explained(after) == [
        "P4/0: suppressed: ant, bee, cat",
        "P4/1: weights changed: cat",
        "P5/0: suppressed: bee",
        "P5/1: rows shifted by 1",
        "P5/2: rows shifted by -1",
    ]


def test_slots_that_are_edited_alike_are_told_as_one_level() -> None:
    after, planned = edit(bias=["P5/0:cat=1", "P5/1:cat=1", "P5/2:cat=1"])
    assert plan_lines(planned)[0] == "P5  logits: cat x1 +1"
    (found,) = differences(MODEL, after).levels
    assert (found.level, found.slot, found.branch) == ("P5", None, "one2many")
    assert found.words == "bias +1: cat"
    (one,) = differences(MODEL, edit(shift=["P5/2=1"])[0]).levels
    assert (one.level, one.slot, one.sources) == ("P5", 2, (2, 0, 1))


def test_kept_classes_go_from_every_slot_and_stay_edited_in_theirs() -> None:
    after, planned = edit(keep=["ant,cat"], bias=["P5/2:cat=1"])
    assert after.class_names == ("ant", "cat")
    expected = rows(MODEL, "P5")[:, [0, 1, 2, 3, 4, 5, 7]]
    expected[2, 6, -1] += 1
    assert rows(after, "P5").tobytes() == expected.tobytes()
    assert rows(after, "P4").tobytes() == rows(MODEL, "P4")[:, [0, 1, 2, 3, 4, 5, 7]].tobytes()
    assert after.shape("P5.output.bias") == (3 * 7,)
    assert not after.keeps_shapes
    assert plan_lines(planned)[0] == "P4  2 of 3 class rows stay"
    assert identify(after).class_names == ("ant", "cat")


def test_rows_with_nan_are_refused_in_the_slot_that_is_touched() -> None:
    bias: Any = MODEL.array("P5.output.bias").copy()
    bias[2 * PER_SLOT + 5] = np.nan
    damaged = MODEL.edited({"P5.output.bias": bias})
    layout = identify(damaged)
    plan(damaged, layout, recipe_from_options({"shift": ["P5/0=1", "P5/1=1"]}))
    with pytest.raises(CheckpointError, match=r"P5\.output\.bias holds NaN or infinity in row 21"):
        plan(damaged, layout, recipe_from_options({"shift": ["P5/2=1"]}))


def test_thresholds_cannot_be_baked_in_where_scores_are_products_with_an_objectness() -> None:
    # Objectness 0.5 halves every score: sigmoid(z) > 0.5 then means score > 0.25, with objectness 1
    # it means score > 0.5, so one moved z cannot serve both.
    with pytest.raises(RecipeError, match="YOLOv3-tiny is objectness times class probability"):
        edit(threshold=["cat=0.5"])


scopes = st.one_of(
    st.none(),
    st.lists(
        st.sampled_from(
            ["P4", "P5", *(f"P{level}/{slot}" for level in (4, 5) for slot in range(3))]
        ),
        min_size=1,
        max_size=3,
        unique=True,
    ),
)
classes = st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True)
operations = st.one_of(
    st.builds(
        lambda v, by: {"op": "shift", "levels": v, "by": by}, scopes, st.sampled_from([1, -1])
    ),
    st.builds(lambda v, c: {"op": "suppress", "levels": v, "classes": c}, scopes, classes),
    st.builds(
        lambda v, c, f: {"op": "scale", "levels": v, "classes": c, "factor": f},
        scopes,
        classes,
        st.floats(0.125, 4),
    ),
    st.builds(
        lambda v, c: {"op": "copy", "levels": v, "source": c[0], "target": c[-1]}, scopes, classes
    ),
    st.builds(lambda o: {"op": "reorder", "order": o}, st.permutations(NAMES)),
    st.builds(lambda c: {"op": "drop", "classes": c}, classes),
)


@settings(max_examples=60, deadline=None)
@given(recipe=st.lists(operations, min_size=1, max_size=4))
def test_rows_that_are_no_class_rows_never_change(recipe: list[dict[str, Any]]) -> None:
    """Boxes, objectness and all places out of scope keep their bits, whatever the recipe."""
    try:
        after, _ = edited(from_data({"version": 1, "operations": recipe}))
    except RecipeError:
        assume(False)
    named = {name for each in recipe for name in each.get("levels") or ["P4", "P5"]}
    moved = any(each["op"] in ("reorder", "drop") for each in recipe)
    for level in ("P4", "P5"):
        old, new = rows(MODEL, level), rows(after, level)
        assert new[:, :5].tobytes() == old[:, :5].tobytes()
        for slot in range(3):
            if not moved and not named & {level, f"{level}/{slot}"}:
                assert new[slot].tobytes() == old[slot].tobytes()
    assert not {name for name in after.replaced if ".output." not in name}
