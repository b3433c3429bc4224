"""Any recipe at all: refused as a whole, or applied as a straightforward reference does it, and undone."""

from __future__ import annotations

import functools
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headlab.edit.apply import apply
from headlab.edit.plan import plan
from headlab.edit.recipe import from_data
from headlab.edit.undo import undo
from headlab.edit.write import save
from headlab.errors import RecipeError
from headlab.families.identify import identify
from headlab.families.read import read

NAMES = ["ant", "bee", "cat", "dog"]
LEVELS = ["P3", "P4", "P5"]
Rows = dict[tuple[str, str], np.ndarray]

read_once = functools.cache(read)

levels = st.one_of(st.none(), st.lists(st.sampled_from(LEVELS), min_size=1, unique=True))
some = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
numbers = st.floats(0.125, 4)
pair = st.permutations(NAMES).map(lambda order: order[:2])
operations = st.one_of(
    st.builds(lambda v, by: {"op": "shift", "levels": v, "by": by}, levels, st.integers(-5, 5)),
    st.builds(
        lambda v, o: {"op": "permute", "levels": v, "order": o}, levels, st.permutations(NAMES)
    ),
    st.builds(lambda o: {"op": "reorder", "order": o}, st.permutations(NAMES)),
    st.builds(lambda v, p: {"op": "swap", "levels": v, "classes": p}, levels, pair),
    st.builds(
        lambda v, p: {"op": "copy", "levels": v, "source": p[0], "target": p[1]}, levels, pair
    ),
    st.builds(lambda v, c: {"op": "suppress", "levels": v, "classes": c}, levels, some),
    st.builds(
        lambda v, c, f: {"op": "scale", "levels": v, "classes": c, "factor": f},
        levels,
        some,
        numbers,
    ),
    st.builds(
        lambda v, c, d: {"op": "bias", "levels": v, "classes": c, "offset": d},
        levels,
        some,
        numbers,
    ),
    st.builds(
        lambda v, t: {"op": "thresholds", "levels": v, "thresholds": t},
        levels,
        st.dictionaries(st.sampled_from(NAMES), st.floats(0.1, 0.9), min_size=1, max_size=2),
    ),
    st.builds(lambda n: {"op": "rename", "names": {n: f"{n} 猫"}}, st.sampled_from(NAMES)),
    st.builds(lambda c: {"op": "drop", "classes": c}, some),
)


def reference(given_rows: Rows, recipe: list[dict[str, Any]]) -> tuple[Rows, list[str]]:
    """The same edit, one step after the other, on rows by (level, class): weights, then bias."""
    old = given_rows
    new = {key: row.astype(np.float64) for key, row in old.items()}
    order, renamed = list(NAMES), dict(zip(NAMES, NAMES, strict=True))
    for kind in ("shift permute swap copy reorder", "suppress", "scale", "bias", "thresholds"):
        for each in (each for each in recipe if each["op"] in kind.split()):
            for level in each.get("levels") or LEVELS:
                _act(each, level, old, new)
    for each in recipe:
        if each["op"] == "reorder":
            order = list(each["order"])
        if each["op"] == "rename":
            renamed.update(each["names"])
    gone = {name for each in recipe if each["op"] == "drop" for name in each["classes"]}
    order = [name for name in order if name not in gone]
    rows = {(v, n): new[v, n].astype(np.float16) for v in LEVELS for n in order}
    return rows, [renamed[name] for name in order]


def _act(each: dict[str, Any], level: str, old: Rows, new: Rows) -> None:
    for name, source in _moves(each).items():
        new[level, name] = old[level, source].astype(np.float64)
    match each["op"]:
        case "suppress":
            for name in each["classes"]:
                new[level, name] = np.zeros_like(new[level, name])
                new[level, name][-1] = -10000
        case "scale":
            for name in each["classes"]:
                new[level, name] = new[level, name] * each["factor"]
        case "bias":
            for name in each["classes"]:
                new[level, name][-1] += each["offset"]
        case "thresholds":
            for name, t in each["thresholds"].items():
                new[level, name][-1] += math.log(0.25 / 0.75) - math.log(t / (1 - t))


def _moves(each: dict[str, Any]) -> dict[str, str]:
    match each["op"]:
        case "shift":
            return {name: NAMES[(at - each["by"]) % 4] for at, name in enumerate(NAMES)}
        case "permute":
            return dict(zip(NAMES, each["order"], strict=True))
        case "swap":
            a, b = each["classes"]
            return {a: b, b: a}
        case "copy":
            return {each["target"]: each["source"]}
    return {}


def rows_of(checkpoint: Any, names: list[str]) -> Rows:
    found: Rows = {}
    for at, level in enumerate(LEVELS):
        weight = checkpoint.array(f"model.22.cv3.{at}.2.weight")
        bias = checkpoint.array(f"model.22.cv3.{at}.2.bias")
        for number, name in enumerate(names):
            found[level, name] = np.append(weight[number].ravel(), bias[number])
    return found


@settings(max_examples=40, deadline=None)
@given(recipe=st.lists(operations, min_size=1, max_size=4))
def test_any_recipe(tiny: Path, recipe: list[dict[str, Any]]) -> None:
    before = read_once(tiny)
    made = from_data({"version": 1, "operations": recipe})
    try:
        after = apply(before, plan(before, identify(before), made))
    except RecipeError:
        assume(False)
    expected, names = reference(rows_of(before, NAMES), recipe)
    assert list(after.class_names) == names
    found = rows_of(after, [name for level, name in expected if level == "P3"])
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        # Halves that lie between two float16 may round either way after another order of sums.
        assert np.allclose(found[key], row, rtol=2**-10, atol=2**-12), key
    if after.keeps_shapes:
        with tempfile.TemporaryDirectory() as folder:
            out, back = Path(folder) / "out.pt", Path(folder) / "back.pt"
            save(after, out, [made])
            undo(out, back)
            assert back.read_bytes() == tiny.read_bytes()
