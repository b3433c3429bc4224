"""Operations that contradict each other are refused, and both are named."""

from __future__ import annotations

from typing import Any

import pytest
from edit_layouts import layout_of

from headlab.edit.conflicts import check_conflicts
from headlab.edit.recipe import from_data
from headlab.errors import RecipeError

SHIFT = {"op": "shift", "by": 1, "levels": ["P4"]}
CAT = {"classes": ["cat"]}
ORDER = ["dog", "cat", "bee", "ant"]


def check(*operations: dict[str, Any], slots: int = 1) -> None:
    recipe = from_data({"version": 1, "operations": list(operations)})
    check_conflicts(layout_of(slots=slots), recipe)


CONTRADICTIONS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (SHIFT, SHIFT, "both move a row to class 'ant' at P4"),
    (SHIFT, {"op": "permute", "order": ORDER}, "both move a row to class 'ant' at P4"),
    (SHIFT, {"op": "reorder", "order": ORDER}, "both move a row to class 'dog' at P4"),
    (
        {"op": "swap", "classes": ["ant", "bee"]},
        {"op": "swap", "classes": ["bee", "cat"]},
        "both move a row to class 'bee' at P3",
    ),
    (
        {"op": "copy", "source": "ant", "target": "cat"},
        {"op": "copy", "source": "bee", "target": 2},
        "both move a row to class 'cat' at P3",
    ),
    (SHIFT, {"op": "suppress", **CAT}, "move a row to and suppress class 'cat' at P4"),
    (
        {"op": "copy", "source": "ant", "target": "cat"},
        {"op": "suppress", **CAT},
        "move a row to and suppress class 'cat' at P3",
    ),
    ({"op": "suppress", **CAT}, {"op": "suppress", **CAT}, "both act on class 'cat' at P3"),
    ({"op": "suppress", **CAT}, {"op": "scale", "factor": 2}, "suppress and adjust class 'cat'"),
    (
        {"op": "suppress", "levels": ["P5"]},
        {"op": "bias", "offset": 1, **CAT},
        "suppress and adjust class 'cat' at P5",
    ),
    (
        {"op": "suppress", **CAT},
        {"op": "thresholds", "thresholds": {"cat": 0.5}},
        "suppress and adjust class 'cat' at P3",
    ),
    ({"op": "scale", "factor": 2}, {"op": "scale", "factor": 3, **CAT}, "both act on class 'cat'"),
    ({"op": "bias", "offset": 2}, {"op": "bias", "offset": 3, **CAT}, "both act on class 'cat'"),
    (
        {"op": "thresholds", "thresholds": {"cat": 0.5}},
        {"op": "thresholds", "thresholds": {2: 0.4}},
        "both act on class 'cat' at P3",
    ),
    (
        {"op": "thresholds", "thresholds": {"cat": 0.5}, "at": 0.3},
        {"op": "thresholds", "thresholds": {"dog": 0.5}, "at": 0.4},
        "different global thresholds: 0.3 and 0.4",
    ),
    ({"op": "keep", **CAT}, {"op": "drop", "classes": ["dog"]}, "decide which classes stay"),
    ({"op": "keep", **CAT}, {"op": "keep", **CAT}, "decide which classes stay"),
    (
        {"op": "rename", "names": {"cat": "x"}},
        {"op": "rename", "names": {2: "y"}},
        "rename class 'cat'",
    ),
]


@pytest.mark.parametrize(("first", "second", "message"), CONTRADICTIONS)
def test_contradictions_are_refused_in_either_order(
    first: dict[str, Any], second: dict[str, Any], message: str
) -> None:
    for operations in ((first, second), (second, first)):
        with pytest.raises(RecipeError) as caught:
            check(*operations)
        text = caught.value.message
        assert text.startswith("Operations 1 (")
        assert f" and 2 ({operations[1]['op'].replace('bias', 'add')} " in text
    with pytest.raises(RecipeError, match=message):
        check(first, second)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "suppress", "classes": ["dog"]},
        {"op": "scale", "factor": 2, "classes": ["dog"]},
        {"op": "bias", "offset": 2, "classes": ["dog"]},
        {"op": "thresholds", "thresholds": {"dog": 0.5}},
        {"op": "rename", "names": {"dog": "wolf"}},
        {"op": "swap", "classes": ["dog", "cat"]},
        {"op": "copy", "source": "cat", "target": "dog"},
    ],
)
@pytest.mark.parametrize(
    "remover", [{"op": "drop", "classes": ["dog"]}, {"op": "keep", "classes": ["ant", "cat"]}]
)
def test_a_class_that_goes_is_not_edited(
    operation: dict[str, Any], remover: dict[str, Any]
) -> None:
    with pytest.raises(RecipeError, match=r"acts on class 'dog', which operation 2 \("):
        check(operation, remover)


@pytest.mark.parametrize(
    "operations",
    [
        [SHIFT, {"op": "shift", "by": 5, "levels": ["P5"]}],
        [{"op": "swap", "classes": ["ant", "bee"]}, {"op": "swap", "classes": ["cat", "dog"]}],
        [SHIFT, {"op": "suppress", "levels": ["P3", "P5"], **CAT}],
        [{"op": "copy", "source": "cat", "target": "dog"}, {"op": "suppress", **CAT}],
        [{"op": "copy", "source": "dog", "target": "cat"}, {"op": "drop", "classes": ["dog"]}],
        [
            {"op": "scale", "factor": 2, **CAT},
            {"op": "bias", "offset": 1, **CAT},
            {"op": "thresholds", "thresholds": {"cat": 0.5}},
        ],
        [{"op": "bias", "offset": 1}, {"op": "keep", **CAT}],
        [{"op": "reorder", "order": ORDER}, {"op": "keep", **CAT}],
        [SHIFT, {"op": "keep", **CAT}],
        [{"op": "suppress", "levels": ["P5"]}, {"op": "drop", **CAT}],
        [
            {"op": "thresholds", "thresholds": {"cat": 0.5}, "levels": ["P3"]},
            {"op": "thresholds", "thresholds": {"cat": 0.6}, "levels": ["P4"]},
        ],
    ],
)
def test_these_go_together(operations: list[dict[str, Any]]) -> None:
    check(*operations)


def shift(by: int, *levels: str) -> dict[str, Any]:
    return {"op": "shift", "by": by, **({"levels": levels} if levels else {})}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (shift(1, "P5/1"), shift(2, "P5/2")),
        (shift(1, "P5/0", "P5/1"), {"op": "suppress", "levels": ["P5/2"]}),
        ({"op": "suppress", "levels": ["P4/0"], **CAT}, {"op": "suppress", "levels": ["P4/1"]}),
    ],
)
def test_slots_of_one_level_are_edited_apart(first: dict[str, Any], second: dict[str, Any]) -> None:
    check(first, second, slots=3)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (shift(1, "P5"), shift(2, "P5/2"), "both move a row to class 'ant' at P5/2"),
        (shift(1), shift(2, "P4/1"), "both move a row to class 'ant' at P4/1"),
        (
            {"op": "suppress", "levels": ["P5/2"]},
            {"op": "scale", "factor": 2, "levels": ["P5"], **CAT},
            "suppress and adjust class 'cat' at P5/2",
        ),
    ],
)
def test_contradictions_in_a_slot_name_it(
    first: dict[str, Any], second: dict[str, Any], message: str
) -> None:
    for operations in ((first, second), (second, first)):
        with pytest.raises(RecipeError, match=r"P[45]/[12]") as caught:
            check(*operations, slots=3)
        assert "other classes or slots" in caught.value.hint
    with pytest.raises(RecipeError, match=message):
        check(first, second, slots=3)
