"""Class rows as numbers: what each operation does to weight and bias, by hand and on real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edit_layouts import layout_of

import models
from headlab.checkpoint.checkpoint import Checkpoint
from headlab.edit.apply import apply, edited_rows
from headlab.edit.plan import ClassStep, LevelStep, plan
from headlab.edit.recipe import from_data
from headlab.errors import CheckpointError, RecipeError
from headlab.families.identify import identify
from headlab.families.read import read
from headlab.heads.layout import ClassRows, Layout, Level

P4_WEIGHT, P4_BIAS = "model.22.cv3.1.2.weight", "model.22.cv3.1.2.bias"


def edit(path: Path, *operations: dict[str, Any]) -> tuple[Checkpoint, Checkpoint, Layout]:
    before = read(path)
    layout = identify(before)
    recipe = from_data({"version": 1, "operations": list(operations)})
    return before, apply(before, plan(before, layout, recipe)), layout


def level_rows(checkpoint: Checkpoint, layout: Layout, level: int, branch: int = 0) -> np.ndarray:
    """Weight and bias side by side: (classes, channels + 1)."""
    rows = layout.levels[level].class_rows[branch]
    weight: Any = checkpoint.array(rows.weight)
    bias: Any = checkpoint.array(rows.bias)
    return np.concatenate([weight[:, :, 0, 0], bias[:, None]], 1)


def step_of(*classes: ClassStep, slots: int = 1) -> LevelStep:
    return LevelStep(Level("P3", 8, slots, ()), (classes,) * slots)


def column(values: list[float], dtype: Any = np.float16) -> np.ndarray:
    return np.array(values, dtype).reshape(-1, 1, 1, 1)


def test_moved_rows_keep_their_bits_and_dtype() -> None:
    rows = ClassRows("one2many", "w", "b", 0, 3)
    weight, bias = column([1, 2, 3]), np.array([10, 20, 30], np.float16)
    step = step_of(ClassStep(2), ClassStep(0), ClassStep(1))
    new_weight, new_bias = edited_rows(weight, bias, step, rows, 3)
    assert new_weight.ravel().tolist() == [3, 1, 2]
    assert new_bias.tolist() == [30, 10, 20]
    assert new_weight.dtype == new_bias.dtype == np.float16


def test_scale_multiplies_weight_and_bias_then_bias_adds() -> None:
    rows = ClassRows("one2many", "w", "b", 0, 2)
    step = step_of(ClassStep(0, factor=0.5, offset=3.0), ClassStep(1))
    weight, bias = edited_rows(column([4, 8]), np.array([-2, 5], np.float16), step, rows, 2)
    # 0.5 * 4 = 2; 0.5 * -2 + 3 = 2; the other row stays.
    assert weight.ravel().tolist() == [2, 8]
    assert bias.tolist() == [2, 5]
    assert weight.dtype == np.float64


def test_suppressed_rows_are_zero_with_a_low_bias() -> None:
    rows = ClassRows("one2many", "w", "b", 0, 2)
    step = step_of(ClassStep(0), ClassStep(0, factor=9, suppressed=True))
    weight, bias = edited_rows(column([4, 8]), np.array([-2, 5], np.float16), step, rows, 2)
    assert weight.ravel().tolist() == [4, 0]
    assert bias.tolist() == [-2, -10000]


def test_several_slots_with_other_rows_between_them() -> None:
    # Two slots of [box, box, class 0, class 1, class 2]: class rows 2..4 and 7..9.
    rows = ClassRows("one2many", "w", "b", 2, 5)
    weight, bias = column(list(range(10))), np.arange(10).astype(np.float16)
    swapped = step_of(ClassStep(1), ClassStep(0), ClassStep(2), slots=2)
    assert edited_rows(weight, bias, swapped, rows, 3)[1].tolist() == [0, 1, 3, 2, 4, 5, 6, 8, 7, 9]
    kept = step_of(ClassStep(2), ClassStep(0, offset=100.0), slots=2)
    # Kept: class 2, then class 0 with 100 more, in each slot; the box rows stay in place.
    assert edited_rows(weight, bias, kept, rows, 3)[1].tolist() == [0, 1, 4, 102, 5, 6, 9, 107]


def test_each_slot_has_steps_of_its_own() -> None:
    # Slot 0: rows 2..4 shifted by 1; slot 1: rows 7..9 stay but for class 1, suppressed.
    rows = ClassRows("one2many", "w", "b", 2, 5)
    weight, bias = column(list(range(10))), np.arange(10).astype(np.float16)
    shifted = (ClassStep(2), ClassStep(0), ClassStep(1))
    muted = (ClassStep(0), ClassStep(1, suppressed=True), ClassStep(2))
    step = LevelStep(Level("P3", 8, 2, ()), (shifted, muted))
    new_weight, new_bias = edited_rows(weight, bias, step, rows, 3)
    assert new_bias.tolist() == [0, 1, 4, 2, 3, 5, 6, 7, -10000, 9]
    assert new_weight.ravel().tolist() == [0, 1, 4, 2, 3, 5, 6, 7, 0, 9]
    assert not step.is_uniform
    assert step.changed_slots(3) == (0, 1)


def test_shift_rolls_the_rows_of_its_level_only(tiny: Path) -> None:
    before, after, layout = edit(tiny, {"op": "shift", "levels": ["P4"], "by": 1})
    assert set(after.replaced) == {P4_WEIGHT, P4_BIAS}
    expected = np.roll(level_rows(before, layout, 1), 1, axis=0)
    assert level_rows(after, layout, 1).tobytes() == expected.tobytes()
    assert after.class_names == before.class_names


def test_the_input_is_never_changed(tiny: Path) -> None:
    content = tiny.read_bytes()
    before, after, layout = edit(tiny, {"op": "bias", "offset": 1}, {"op": "keep", "classes": [0]})
    assert not before.replaced
    assert before.class_names == ("ant", "bee", "cat", "dog")
    assert len(level_rows(after, layout, 0)) == 1
    assert tiny.read_bytes() == content


@pytest.mark.parametrize("kind", ["yolov10", "yolo26"])
def test_both_branches_of_an_end_to_end_head_are_edited_alike(tmp_path: Path, kind: str) -> None:
    path = models.detector(tmp_path, kind=kind, nc=4, awake=False)
    before, after, layout = edit(path, {"op": "shift", "by": -1}, {"op": "bias", "offset": 0.5})
    assert layout.branches == ("one2many", "one2one")
    for level in range(3):
        for branch in range(2):
            expected = np.roll(level_rows(before, layout, level, branch), -1, axis=0)
            expected[:, -1] += np.float16(0.5)
            assert level_rows(after, layout, level, branch).tobytes() == expected.tobytes()


def test_a_fused_end_to_end_head_has_one_branch_to_edit(tmp_path: Path) -> None:
    before, after, layout = edit(models.fused(tmp_path), {"op": "shift", "by": 1})
    assert layout.branches == ("one2one",)
    expected = np.roll(level_rows(before, layout, 2), 1, axis=0)
    assert level_rows(after, layout, 2).tobytes() == expected.tobytes()


def test_the_steps_act_in_their_fixed_order(tiny: Path) -> None:
    operations: list[dict[str, Any]] = [
        {"op": "drop", "classes": ["dog"]},
        {"op": "rename", "names": {"cat": "tiger"}},
        {"op": "bias", "offset": 1.0, "classes": ["cat"]},
        {"op": "scale", "factor": 2.0, "classes": ["cat"]},
        {"op": "suppress", "classes": ["bee"]},
        {"op": "copy", "source": "dog", "target": "cat"},
    ]
    before, after, layout = edit(tiny, *operations)
    again = edit(tiny, *reversed(operations))[1]
    old = level_rows(before, layout, 0).astype(np.float64)
    suppressed = np.zeros_like(old[0])
    suppressed[-1] = -10000
    # cat scores as dog, twice as strongly, and its logit is then raised by 1.
    cat = 2 * old[3]
    cat[-1] += 1
    expected = np.stack([old[0], suppressed, cat]).astype(np.float16)
    assert level_rows(after, layout, 0).tobytes() == expected.tobytes()
    assert level_rows(again, layout, 0).tobytes() == expected.tobytes()
    assert after.class_names == again.class_names == ("ant", "bee", "tiger")


def test_reorder_moves_rows_and_names_together(tiny: Path) -> None:
    order = ["dog", "ant", "cat", "bee"]
    before, after, layout = edit(tiny, {"op": "reorder", "order": order})
    assert after.class_names == ("dog", "ant", "cat", "bee")
    for level in range(3):
        expected = level_rows(before, layout, level)[[3, 0, 2, 1]]
        assert level_rows(after, layout, level).tobytes() == expected.tobytes()


def test_names_stay_with_their_class_through_reorder_and_keep(tiny: Path) -> None:
    before, after, layout = edit(
        tiny,
        {"op": "reorder", "order": ["dog", "ant", "cat", "bee"]},
        {"op": "bias", "offset": 1.0, "classes": [3]},
        {"op": "keep", "classes": ["bee", "dog"]},
    )
    # Class 3 is the input's dog; kept classes stand in the new order.
    assert after.class_names == ("dog", "bee")
    expected = level_rows(before, layout, 0)[[3, 1]].astype(np.float64)
    expected[0, -1] += 1
    assert level_rows(after, layout, 0).tobytes() == expected.astype(np.float16).tobytes()


def test_bfloat16_rows_move_exactly(tmp_path: Path) -> None:
    import torch

    network = models.build("yolov8", nc=4, awake=False).to(torch.bfloat16)
    path = models.save(network, tmp_path / "bf16.pt", half=False)
    before, after, layout = edit(path, {"op": "swap", "classes": [0, 3]})
    assert before.tensor(P4_WEIGHT).dtype == "bfloat16"
    expected = level_rows(before, layout, 1)[[3, 1, 2, 0]]
    assert level_rows(after, layout, 1).tobytes() == expected.tobytes()


def test_what_an_edited_checkpoint_holds_is_what_will_be_stored(tiny: Path) -> None:
    _, after, _ = edit(tiny, {"op": "scale", "factor": 1 / 3})
    assert all(array.dtype == np.float16 for array in after.replaced.values())


def test_an_edit_that_changes_no_number_replaces_nothing(tiny: Path) -> None:
    _, after, _ = edit(tiny, {"op": "scale", "factor": 1}, {"op": "bias", "offset": 0})
    assert not after.replaced
    _, after, _ = edit(tiny, {"op": "bias", "offset": 2, "levels": ["P4"]})
    assert set(after.replaced) == {P4_BIAS}


def test_a_value_beyond_the_dtype_is_refused(tiny: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cv3\.0\.2\.bias: a value of 1e\+06 does not fit"):
        edit(tiny, {"op": "bias", "offset": 1e6})


def test_rows_with_nan_are_refused_where_they_are_touched(tmp_path: Path) -> None:
    network = models.build("yolov8", nc=4, awake=False)
    network.model[-1].cv3[1][-1].weight.data[2, 0] = float("nan")
    network.model[-1].cv3[1][-1].bias.data[3] = float("inf")
    path = models.save(network, tmp_path / "nan.pt")
    message = rf"{P4_WEIGHT} holds NaN or infinity in row 2\."
    with pytest.raises(CheckpointError, match=message):
        edit(path, {"op": "shift", "by": 1})
    with pytest.raises(CheckpointError, match=message):
        edit(path, {"op": "copy", "source": "cat", "target": "ant"})
    with pytest.raises(CheckpointError, match=message):
        edit(path, {"op": "copy", "source": "ant", "target": "cat"})
    with pytest.raises(CheckpointError, match=rf"{P4_BIAS} holds NaN or infinity in row 3\."):
        edit(path, {"op": "bias", "offset": 1, "classes": ["dog"]})
    edit(path, {"op": "swap", "classes": ["ant", "bee"]})
    edit(path, {"op": "shift", "by": 1, "levels": ["P3", "P5"]})


def test_tied_levels_are_edited_together_or_not_at_all(tmp_path: Path) -> None:
    network = models.build("yolov8", nc=4, awake=False)
    head = network.model[-1]
    head.cv3[1][-1].bias = head.cv3[0][-1].bias
    path = models.save(network, tmp_path / "tied.pt", half=False)
    with pytest.raises(CheckpointError, match=r"cv3\.0\.2\.bias shares its numbers with .*cv3\.1"):
        edit(path, {"op": "bias", "offset": 1, "levels": ["P3"]})
    before, after, layout = edit(path, {"op": "bias", "offset": 1})
    for level in (0, 1):
        gained = level_rows(after, layout, level) - level_rows(before, layout, level)
        assert np.allclose(gained[:, -1], 1, atol=1e-5)


def test_a_rename_may_exchange_names_but_not_share_one(tiny: Path) -> None:
    _, after, _ = edit(tiny, {"op": "rename", "names": {"ant": "bee", "bee": "ant"}})
    assert after.class_names == ("bee", "ant", "cat", "dog")
    with pytest.raises(RecipeError, match="two classes would be named 'dog'"):
        edit(tiny, {"op": "rename", "names": {"cat": "dog"}})
    with pytest.raises(RecipeError, match="two classes would be named 'x'"):
        edit(tiny, {"op": "rename", "names": {"cat": "x", "dog": "x"}})
    dropped = edit(
        tiny, {"op": "rename", "names": {"cat": "dog"}}, {"op": "drop", "classes": ["dog"]}
    )
    assert dropped[1].class_names == ("ant", "bee", "dog")


def test_thresholds_decide_as_the_classes_own_did(tmp_path: Path) -> None:
    network = models.build("yolov8", nc=4, awake=False)
    path = models.save(network, tmp_path / "full.pt", half=False)
    own = {"ant": 0.1, "bee": 0.35, "cat": 0.6, "dog": 0.9}
    before, after, layout = edit(path, {"op": "thresholds", "thresholds": own, "at": 0.3})
    features = np.random.default_rng(0).normal(
        size=(level_rows(before, layout, 0).shape[1] - 1, 999)
    )
    decided = []
    for checkpoint, threshold in ((before, np.array(list(own.values()))[:, None]), (after, 0.3)):
        rows = level_rows(checkpoint, layout, 0).astype(np.float64)
        # Spread the logits over both sides of the thresholds; the bias is what differs.
        logits = rows[:, :-1] @ features * 50 + rows[:, -1:] + 10
        decided.append(1 / (1 + np.exp(-logits)) > threshold)
    assert 0.05 < decided[0].mean() < 0.95
    assert (decided[0] == decided[1]).all()


def test_layout_helper_agrees_with_the_real_one(tiny: Path) -> None:
    made, real = layout_of(), identify(read(tiny))
    assert made.level_names == real.level_names
    assert made.class_names == real.class_names
