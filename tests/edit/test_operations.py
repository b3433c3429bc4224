"""Each operation as a pure function on class numbers; the expected values are worked out by hand."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from edit_layouts import layout_of
from hypothesis import given
from hypothesis import strategies as st

from headlab.edit.operations import (
    OPERATIONS,
    Adjustment,
    Drop,
    Keep,
    Rename,
    Reorder,
    RowMove,
    Suppress,
)
from headlab.edit.operations.suppress import SUPPRESSED_BIAS
from headlab.edit.operations.thresholds import logit
from headlab.edit.recipe import operation
from headlab.errors import InputError, RecipeError, UnknownName
from headlab.heads.layout import Layout, Place


def moves(layout: Layout, op: str, **fields: Any) -> dict[int, int]:
    made = operation(op, **fields)
    assert isinstance(made, RowMove)
    return made.moves(layout)


def adjustments(layout: Layout, op: str, **fields: Any) -> dict[int, tuple[float, float]]:
    made = operation(op, **fields)
    assert isinstance(made, Adjustment)
    return made.adjustments(layout)


def test_every_operation_knows_its_name_and_says_it() -> None:
    for name, model in OPERATIONS.items():
        assert model.op == name


def test_shift_by_one_gives_each_class_the_row_of_the_class_before() -> None:
    # New row i is old row i - 1: ant <- dog, bee <- ant, cat <- bee, dog <- cat.
    assert moves(layout_of(), "shift", by=1) == {0: 3, 1: 0, 2: 1, 3: 2}


def test_shift_goes_back_and_around() -> None:
    assert moves(layout_of(), "shift", by=-1) == {0: 1, 1: 2, 2: 3, 3: 0}
    assert moves(layout_of(), "shift", by=9) == moves(layout_of(), "shift", by=1)


@given(by=st.integers(-1000, 1000), count=st.integers(2, 90))
def test_shift_is_numpy_roll(by: int, count: int) -> None:
    layout = layout_of(tuple(f"class {n}" for n in range(count)))
    if by % count == 0:
        with pytest.raises(RecipeError, match=f"multiple of the {count} classes"):
            moves(layout, "shift", by=by)
        return
    found = moves(layout, "shift", by=by)
    assert [found[new] for new in range(count)] == np.roll(np.arange(count), by).tolist()


def test_shift_needs_two_classes() -> None:
    with pytest.raises(RecipeError, match="one class: there is nothing to shift"):
        moves(layout_of(("cell",)), "shift", by=1)


def test_permute_lists_old_classes_for_new_rows() -> None:
    assert moves(layout_of(), "permute", order=["dog", 0, "cat", "bee"]) == {0: 3, 1: 0, 2: 2, 3: 1}


@pytest.mark.parametrize("op", ["permute", "reorder"])
def test_an_order_is_complete(op: str) -> None:
    made: Any = operation(op, order=["dog", "cat"])
    order_of = made.moves if op == "permute" else made.order_ids
    with pytest.raises(RecipeError, match="2 of the model's 4 classes; missing: ant, bee"):
        order_of(layout_of())


@pytest.mark.parametrize("op", ["permute", "reorder"])
def test_an_order_names_no_class_twice_and_is_new(op: str) -> None:
    twice: Any = operation(op, order=["dog", "cat", "bee", 3])
    same: Any = operation(op, order=["ant", "bee", "cat", "dog"])
    method = "moves" if op == "permute" else "order_ids"
    with pytest.raises(RecipeError, match="'dog' is named twice"):
        getattr(twice, method)(layout_of())
    with pytest.raises(RecipeError, match="already has"):
        getattr(same, method)(layout_of())


def test_reorder_gives_the_new_order_of_the_old_numbers() -> None:
    made = operation("reorder", order=["dog", "ant", "cat", "bee"])
    assert isinstance(made, Reorder)
    assert made.order_ids(layout_of()) == (3, 0, 2, 1)


def test_swap_exchanges_two() -> None:
    assert moves(layout_of(), "swap", classes=["ant", "cat"]) == {0: 2, 2: 0}


@pytest.mark.parametrize("classes", [["ant"], ["ant", "bee", "cat"], []])
def test_swap_takes_two(classes: list[str]) -> None:
    with pytest.raises(RecipeError, match=f"two classes are expected, not {len(classes)}"):
        operation("swap", classes=classes)


def test_swap_and_copy_take_two_different_classes() -> None:
    with pytest.raises(RecipeError, match="'cat' is named twice"):
        moves(layout_of(), "swap", classes=["cat", 2])
    with pytest.raises(RecipeError, match="'cat' is named twice"):
        moves(layout_of(), "copy", source="cat", target="CAT")


def test_copy_makes_the_target_score_as_the_source() -> None:
    assert moves(layout_of(), "copy", source="cat", target="dog") == {3: 2}


def test_suppress_names_classes_or_silences_levels() -> None:
    classes = operation("suppress", classes=["cat", 0])
    level = operation("suppress", levels=["P5"])
    assert isinstance(classes, Suppress)
    assert isinstance(level, Suppress)
    assert classes.suppressed(layout_of()) == (2, 0)
    assert level.suppressed(layout_of()) == (0, 1, 2, 3)


@pytest.mark.parametrize("fields", [{}, {"classes": []}, {"levels": []}])
def test_suppress_does_not_silence_the_whole_model(fields: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="name the classes, or the levels"):
        operation("suppress", **fields)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_suppressed_class_scores_exactly_zero(dtype: type[np.floating[Any]]) -> None:
    stored = dtype(SUPPRESSED_BIAS)
    assert stored == SUPPRESSED_BIAS  # fits float16 exactly
    with np.errstate(over="ignore"):
        assert dtype(1) / (dtype(1) + np.exp(-stored)) == 0


def test_scale_and_bias_give_factor_and_offset() -> None:
    assert adjustments(layout_of(), "scale", factor=0.5, classes="cat") == {2: (0.5, 0.0)}
    assert adjustments(layout_of(), "bias", offset=-2, classes=[1]) == {1: (1.0, -2.0)}
    everything = adjustments(layout_of(), "bias", offset=1)
    assert everything == dict.fromkeys(range(4), (1.0, 1.0))


@pytest.mark.parametrize("factor", [0, -1, math.inf, math.nan, True, "2"])
def test_scale_takes_a_finite_factor_above_zero(factor: Any) -> None:
    with pytest.raises(RecipeError, match="factor"):
        operation("scale", factor=factor)


@pytest.mark.parametrize("offset", [math.inf, -math.inf, math.nan, None, "1"])
def test_bias_takes_a_finite_offset(offset: Any) -> None:
    with pytest.raises(RecipeError, match="offset"):
        operation("bias", offset=offset)


def test_thresholds_move_the_logit_by_the_difference_of_two_logits() -> None:
    # logit(0.8) = ln 4, logit(0.2) = -ln 4, logit(0.5) = 0.
    found = adjustments(layout_of(), "thresholds", thresholds={"cat": 0.8, 3: 0.2}, at=0.5)
    assert found[2] == (1.0, pytest.approx(-math.log(4)))
    assert found[3] == (1.0, pytest.approx(math.log(4)))


def test_the_default_global_threshold_is_that_of_ultralytics() -> None:
    # logit(0.25) = ln(1/3); a class threshold of 0.25 changes nothing.
    assert adjustments(layout_of(), "thresholds", thresholds={"cat": 0.25})[2] == (1.0, 0.0)
    assert logit(0.25) == pytest.approx(-math.log(3))


@pytest.mark.parametrize("threshold", [0, 1, -0.1, 1.5, math.nan, "0.5"])
def test_thresholds_lie_between_0_and_1(threshold: Any) -> None:
    with pytest.raises(RecipeError, match="thresholds"):
        operation("thresholds", thresholds={"cat": threshold})
    with pytest.raises(RecipeError, match="at"):
        operation("thresholds", thresholds={"cat": 0.5}, at=threshold)


def test_thresholds_and_names_are_not_empty() -> None:
    with pytest.raises(RecipeError, match="at least one class"):
        operation("thresholds", thresholds={})
    with pytest.raises(RecipeError, match="at least one class"):
        operation("rename", names={})


@given(
    logits=st.lists(st.floats(-30, 30), min_size=1, max_size=50),
    threshold=st.floats(0.001, 0.999),
    at=st.floats(0.001, 0.999),
)
def test_decisions_at_the_class_threshold_are_those_at_the_global_one(
    logits: list[float], threshold: float, at: float
) -> None:
    _, offset = adjustments(layout_of(), "thresholds", thresholds={"cat": threshold}, at=at)[2]
    z = np.array(logits)
    z = z[np.abs(z - logit(threshold)) > 1e-9]  # on the threshold itself, rounding decides
    assert (_sigmoid(z) > threshold).tolist() == (_sigmoid(z + offset) > at).tolist()


def test_rename_gives_numbers_and_new_names() -> None:
    made = operation("rename", names={"cat": "feline", 0: "四つ足"})
    assert isinstance(made, Rename)
    assert made.new_names(layout_of()) == {2: "feline", 0: "四つ足"}


@pytest.mark.parametrize("new", ["", "  ", "a\nb", "a\0b", "\ud800"])
def test_new_names_are_readable(new: str) -> None:
    with pytest.raises(RecipeError, match="new name of 'cat'"):
        operation("rename", names={"cat": new})


def test_keep_and_drop_say_which_classes_go() -> None:
    kept, dropped = operation("keep", classes=["dog", "ant"]), operation("drop", classes=["dog", 0])
    assert isinstance(kept, Keep)
    assert isinstance(dropped, Drop)
    assert kept.removed(layout_of()) == (1, 2)
    assert dropped.removed(layout_of()) == (0, 3)


@pytest.mark.parametrize(
    ("op", "classes", "message"),
    [
        ("keep", [], "no class would be left"),
        ("keep", [0, 1, 2, 3], "nothing would be removed"),
        ("keep", [0, "ant"], "'ant' is named twice"),
        ("drop", [], "no class is named"),
        ("drop", [0, 1, 2, 3], "no class would be left"),
        ("drop", [0, "ant"], "'ant' is named twice"),
    ],
)
def test_keep_and_drop_leave_some_and_take_some(op: str, classes: list[Any], message: str) -> None:
    made: Any = operation(op, classes=classes)
    with pytest.raises(RecipeError, match=message):
        made.removed(layout_of())


def test_an_unknown_class_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"(?s)no class 'dgo'.*'dog'"):
        adjustments(layout_of(), "bias", offset=1, classes=["dgo"])
    with pytest.raises(InputError, match="classes 0 to 3"):
        adjustments(layout_of(), "bias", offset=1, classes=[4])


@pytest.mark.parametrize("name", [True, False, 1.5, None, [0]])
def test_a_class_is_a_name_or_a_number(name: Any) -> None:
    with pytest.raises(RecipeError, match="a class name or number is expected"):
        operation("bias", offset=1, classes=[name])


def places(layout: Layout, *levels: str) -> list[str]:
    made = operation("bias", offset=1, **({"levels": list(levels)} if levels else {}))
    return [layout.place_name(place) for place in made.places(layout)]


def test_levels_are_found_in_any_letter_case() -> None:
    assert places(layout_of(), "p5", "P3") == ["P3", "P5"]
    assert places(layout_of()) == ["P3", "P4", "P5"]
    assert operation("bias", offset=1, levels="p4").places(layout_of()) == (Place(1, 0),)


def test_one_slot_of_a_level_can_be_named() -> None:
    layout = layout_of(levels=2, slots=3)
    assert places(layout, "p4/2", "P3") == ["P3/0", "P3/1", "P3/2", "P4/2"]
    assert places(layout, " P4 / 0 ") == ["P4/0"]
    assert len(places(layout)) == 6
    assert places(layout_of(), "P5/0") == ["P5"]


def test_levels_are_checked() -> None:
    with pytest.raises(UnknownName, match=r"(?s)no level 'P7'.*P3"):
        places(layout_of(), "P7")
    with pytest.raises(RecipeError, match="level 'P4' is named twice"):
        places(layout_of(), "P4", "p4")
    with pytest.raises(RecipeError, match="list of levels is empty"):
        operation("bias", offset=1, levels=[]).places(layout_of())


def test_slots_are_checked() -> None:
    slotted = layout_of(levels=2, slots=3)
    with pytest.raises(InputError, match=r"(?s)P4 has no slot 3\..*slots 0 to 2"):
        places(slotted, "P4/3")
    with pytest.raises(InputError, match=r"(?s)P5 has no slot 1\..*one slot per cell, 0"):
        places(layout_of(), "P5/1")
    with pytest.raises(UnknownName, match="no level 'P7'"):
        places(slotted, "P7/0")
    with pytest.raises(UnknownName, match="no level 'P4/x'"):
        places(slotted, "P4/x")
    with pytest.raises(RecipeError, match="slot 'P4/2' is named twice"):
        places(slotted, "P4", "P4/2")
    with pytest.raises(RecipeError, match="level 'P4' is named twice"):
        places(layout_of(), "P4", "P4/0")


def test_operations_cannot_be_changed() -> None:
    made: Any = operation("shift", by=1)
    with pytest.raises(FrozenInstanceError, match="by"):
        made.by = 2


def test_words() -> None:
    assert operation("shift", by=1, levels=["P4"]).words() == "shift by 1 at P4"
    assert operation("copy", source="cat", target=0).words() == "copy cat to 0"
    assert operation("suppress", levels=["P3"]).words() == "suppress all classes at P3"
    assert operation("shift", by=3, levels=["P5/2"]).words() == "shift by 3 at P5/2"
    many = operation("drop", classes=["ant", "bee", "cat", "dog", "eel", "fox"])
    assert many.words() == "drop ant, bee, cat, dog and 2 more"
    thresholds = operation("thresholds", thresholds={"cat": 0.4})
    assert thresholds.words() == "thresholds cat 0.4, used at 0.25"


def _sigmoid(z: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return 1 / (1 + np.exp(-z))
