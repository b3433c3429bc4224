"""Recipes: YAML in and out, and what is refused before a model is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.edit.operations import (
    OPERATIONS,
    Copy,
    Keep,
    Operation,
    Rename,
    Scale,
    Shift,
    Suppress,
    Swap,
    Thresholds,
)
from headlab.edit.recipe import Recipe, checked, from_data, load, operation
from headlab.errors import RecipeError, UnknownName

EVERY_OPERATION: list[dict[str, Any]] = [
    {"op": "shift", "levels": ["P4"], "by": -3},
    {"op": "permute", "order": ["b", "a", 2]},
    {"op": "reorder", "order": ["b", "a", "c"]},
    {"op": "swap", "levels": ["P3", "P5"], "classes": ["a", 2]},
    {"op": "copy", "source": "a", "target": "traffic light"},
    {"op": "suppress", "classes": ["a"]},
    {"op": "scale", "factor": 0.5, "classes": ["a", "b"]},
    {"op": "bias", "offset": -1.25},
    {"op": "thresholds", "thresholds": {"a": 0.4, 2: 0.1}, "at": 0.3},
    {"op": "rename", "names": {"a": "鳥", "b": "no"}},
    {"op": "keep", "classes": ["a"]},
    {"op": "drop", "classes": ["b", 2]},
]


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, "utf-8")
    return path


def test_every_operation_goes_through_yaml_and_back(tmp_path: Path) -> None:
    recipe = from_data({"version": 1, "operations": EVERY_OPERATION})
    assert load(written(tmp_path, recipe.yaml())) == recipe


def test_an_operation_of_python_is_the_one_of_plain_values() -> None:
    for plain in EVERY_OPERATION:
        fields = {name: value for name, value in plain.items() if name != "op"}
        made = OPERATIONS[plain["op"]](**fields)
        assert made == operation(plain["op"], **fields) == checked(made)
        assert Recipe((made,)).data() == {"version": 1, "operations": [plain]}


def test_a_lone_name_is_a_list_of_one_and_a_whole_factor_a_float() -> None:
    made = Scale(levels="P4", classes=2, factor=3)
    assert made == Scale(levels=("P4",), classes=(2,), factor=3.0)
    assert type(made.factor) is float


def test_what_was_given_can_change_afterwards() -> None:
    names, levels = {"a": "b"}, ["P4"]
    renamed, shifted = Rename(names=names), Shift(levels=levels, by=1)
    names.clear()
    levels.clear()
    assert renamed.names == {"a": "b"}
    assert shifted.levels == ("P4",)


WRONG_TYPES: list[tuple[type[Operation], dict[str, Any], str]] = [
    (Shift, {"by": "1"}, "by: a valid integer"),
    (Shift, {"by": True}, "by: a valid integer"),
    (Shift, {"by": 1, "levels": 4}, r"\(shift\): levels.0: .*valid string"),
    (Shift, {"by": 1, "levels": {"P4": 1}}, r"\(shift\): levels: .*valid tuple"),
    (Scale, {"factor": "2"}, "factor: a number is expected, not str"),
    (Scale, {"factor": 10**400}, "factor: a finite number"),
    (Keep, {"classes": None}, r"\(keep\): classes: .*valid tuple"),
    (Keep, {"classes": (True,)}, r"\(keep\): classes.0: a class name or number"),
    (Keep, {"classes": [1 << 20_000]}, r"\(keep\): classes.0: .*at most 308 digits"),
    (Swap, {"classes": 7.5}, r"\(swap\): classes: .*valid tuple"),
    (Copy, {"source": "a", "target": None}, r"\(copy\): target: a class name or number"),
    (Suppress, {"classes": object()}, r"\(suppress\): classes: .*valid tuple"),
    (Thresholds, {"thresholds": ["a"]}, "thresholds: at least one class"),
    (Thresholds, {"thresholds": {"a": None}}, r"thresholds\.a: a number is expected"),
    (Thresholds, {"thresholds": {None: 0.5}}, r"\(thresholds\): thresholds.*: a class name"),
    (Rename, {"names": "a"}, "names: at least one class"),
    (Rename, {"names": {"a": 7}}, "names: the new name of 'a' is not a text"),
]


@pytest.mark.parametrize(("kind", "fields", "message"), WRONG_TYPES)
def test_wrong_types_in_python_are_recipe_errors(
    kind: type[Operation], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        checked(kind(**fields))
    assert caught.value.hint.startswith(f"Fields of {kind.op}: ")


@pytest.mark.parametrize("value", [{"op": "shift", "by": 1}, None, Operation()])
def test_only_operations_are_operations(value: Any) -> None:
    with pytest.raises(RecipeError, match="A recipe holds operations, not "):
        checked(value)


def test_data_holds_what_was_given_and_the_defaults() -> None:
    found = from_data({"version": 1, "operations": EVERY_OPERATION}).data()
    assert found == {"version": 1, "operations": EVERY_OPERATION}


classes = st.one_of(st.integers(0, 99), st.text(min_size=1, max_size=9).filter(str.strip))
operations = st.one_of(
    st.builds(lambda by: operation("shift", by=by), st.integers()),
    st.builds(
        lambda names, f: operation("scale", classes=names, factor=f),
        st.lists(classes, min_size=1),
        st.floats(1e-6, 1e6),
    ),
    st.builds(
        lambda t: operation("thresholds", thresholds=t),
        st.dictionaries(classes, st.floats(0.01, 0.99), min_size=1),
    ),
)


@given(st.lists(operations, min_size=1, max_size=5))
def test_plain_values_make_an_equal_recipe(made: list[Any]) -> None:
    recipe = Recipe(tuple(made))
    assert from_data(recipe.data()) == recipe


def test_the_example_of_the_module_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "version: 1\n"
        "operations:\n"
        "  - {op: shift, levels: P4, by: 1}\n"
        "  - {op: thresholds, thresholds: {person: 0.4, traffic light: 0.6}, at: 0.25}\n",
    )
    first, second = load(path).operations
    assert first == operation("shift", levels=["P4"], by=1)
    assert second == operation("thresholds", thresholds={"person": 0.4, "traffic light": 0.6})


REFUSED = {
    "operations: [{op: shift, by: 1}]": "version is None; 1 was expected",
    "version: 2\noperations: [{op: shift, by: 1}]": "version is 2; 1 was expected",
    "version: 1\noperations: []": "no operations",
    "version: 1": "no operations",
    "version: 1\nsteps: []": "unknown field 'steps'",
    "version: 1\noperations: {op: shift}": "not a recipe",
    "version: 1\noperations: shift": "not a recipe",
    "- shift": "not a recipe",
    "": "not a recipe",
    "version: 1\noperations: [shift]": "operation 1: a mapping with the field `op`",
    "version: 1\noperations: [{by: 1}]": "operation 1: a mapping with the field `op`",
    "version: 1\noperations: [{op: shift, by: 1}, {op: shfit, by: 1}]": (
        r"(?s)operation 2: There is no operation 'shfit'.*'shift'"
    ),
    "version: 1\noperations: [{op: shift}]": r"operation 1 \(shift\): the field 'by' is missing",
    "version: 1\noperations: [{op: shift, by: 1.5}]": r"\(shift\): by: .*valid integer",
    "version: 1\noperations: [{op: shift, by: '1'}]": r"\(shift\): by: .*valid integer",
    "version: 1\noperations: [{op: shift, by: 1, level: P4}]": (
        r"(?s)there is no field 'level'.*Fields of shift: levels, by"
    ),
    "version: 1\noperations: [{op: shift, by: 1, name: x}]": "there is no field 'name'",
    "version: 1\noperations: [{op: shift, by: 1, where: x}]": "there is no field 'where'",
    f"version: 1\noperations: [{{op: shift, by: 0x{'f' * 9999}}}]": "by: .*at most 308 digits",
    "version: 1\noperations: [{op: shift, by: 1, levels: [4]}]": r"levels\.0: .*valid string",
    "version: 1\noperations: [{op: reorder, order: [a], levels: [P4]}]": (
        "reorder takes no levels.*permute"
    ),
    "version: 1\noperations: [{op: suppress, classes: [no]}]": (
        r"classes\.0: a class name or number is expected; YAML reads some words"
    ),
    "version: 1\noperations: [{op: rename, names: {a: 7}}]": r"names\.a: .*valid string",
    "version: 1\noperations: [{op: bias, offset: .nan}]": "offset: .*finite",
    "version: 1\noperations: [{op: shift, by: 1, by: 2}]": "line 2: duplicate key 'by', first in line 2",
    "version: 1\nversion: 1\noperations: []": "line 2: duplicate key 'version', first in line 1",
    "version: [1": "line 1",
    "version: !!python/object/apply:os.getcwd []": "line 1: the tag !!python/object/apply:os.getcwd",
    "version: &a [*a]": "line 1: the value is recursive",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_a_bad_recipe_says_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(RecipeError, match=message) as caught:
        load(path)
    if "no operations" not in message:
        assert str(path) in caught.value.message


def test_aliases_that_multiply_are_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    with pytest.raises(RecipeError, match="the aliases unfold to more than 100,000 values"):
        load(written(tmp_path, "\n".join([*lines, "version: 1", "operations: *a59"])))


def test_a_file_that_cannot_be_read_is_a_recipe_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no such file"):
        load(tmp_path / "none.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"version: \n\x81\xff")
    with pytest.raises(RecipeError, match="line 2: the text is not UTF-8, nor in an encoding of"):
        load(binary)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_a_recipe_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "recipe.yaml"
    text = "version: 1\noperations:\n  - {op: rename, names: {cat: 猫の表}}\n"
    path.write_bytes(text.encode(encoding))
    recipe = load(path)
    assert recipe == from_data(
        {"version": 1, "operations": [{"op": "rename", "names": {"cat": "猫の表"}}]}
    )
    guessed = (f"{path}, line 3: This is not UTF-8, so the file was read as cp932",)
    assert [remark[: len(guessed[0])] for remark in recipe.remarks] == (
        list(guessed) if encoding == "cp932" else []
    )


def test_an_unknown_operation_by_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"(?s)no operation 'threshold'.*'thresholds'"):
        operation("threshold", thresholds={"a": 0.5})


def test_a_recipe_without_operations_is_refused() -> None:
    with pytest.raises(RecipeError, match="no operations"):
        Recipe(())
