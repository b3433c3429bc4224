"""What differs between two files, found without knowing how they were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import models
from headlab.differences.differences import Differences, differences
from headlab.edit.apply import apply
from headlab.edit.plan import plan
from headlab.edit.recipe import from_data
from headlab.families.identify import identify
from headlab.families.read import read


def after(path: Path, *operations: dict[str, Any]) -> Differences:
    """Between a file and the same, edited."""
    before = read(path)
    recipe = from_data({"version": 1, "operations": list(operations)})
    return differences(before, apply(before, plan(before, identify(before), recipe)))


def words(found: Differences) -> dict[str, str]:
    return {each.level: each.words for each in found.levels}


def test_a_file_does_not_differ_from_itself(tiny: Path) -> None:
    found = differences(read(tiny), read(tiny))
    assert not found
    assert found == Differences((), (), (), (), (), ())


def test_a_shift_is_recognised(tiny: Path) -> None:
    found = after(
        tiny,
        {"op": "shift", "by": 1, "levels": ["P4"]},
        {"op": "shift", "by": -1, "levels": ["P5"]},
    )
    assert found
    assert words(found) == {"P4": "rows shifted by 1", "P5": "rows shifted by -1"}
    assert {each.name.rpartition(".")[0] for each in found.tensors} == {
        "model.22.cv3.1.2",
        "model.22.cv3.2.2",
    }
    assert found.levels[0].sources == (3, 0, 1, 2)
    assert found.levels[0].classes == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "swap", "classes": ["ant", "cat"]}, "rows moved: ant <- cat, cat <- ant"),
        ({"op": "copy", "source": "dog", "target": "bee"}, "rows moved: bee <- dog"),
        ({"op": "suppress", "classes": ["bee"]}, "suppressed: bee"),
        ({"op": "bias", "offset": 0.5, "classes": ["bee"]}, "bias +0.5: bee"),
        ({"op": "scale", "factor": 2, "classes": ["bee", "dog"]}, "weights changed: bee, dog"),
    ],
)
def test_rows_are_explained(tiny: Path, operation: dict[str, Any], expected: str) -> None:
    found = words(after(tiny, {**operation, "levels": ["P4"]}))
    assert set(found) == {"P4"}
    kind, _, names = expected.partition(": ")
    if kind.startswith("bias"):  # stored in half precision, so about 0.5
        assert found["P4"].startswith("bias +0.")
        assert found["P4"].endswith(f": {names}")
    else:
        assert found["P4"] == expected


def test_of_equal_rows_each_class_keeps_its_own(tiny: Path) -> None:
    before = read(tiny)
    steps: list[dict[str, Any]] = [
        {"op": "copy", "source": "ant", "target": "cat"},
        {"op": "suppress", "classes": ["dog"]},
    ]
    copied, suppressed = before, before
    for step in steps:
        copied = suppressed
        recipe = from_data({"version": 1, "operations": [step]})
        suppressed = apply(copied, plan(copied, identify(copied), recipe))
    assert set(words(differences(copied, suppressed)).values()) == {"suppressed: dog"}


def test_kept_classes_are_found_by_their_rows(tiny: Path) -> None:
    found = after(tiny, {"op": "keep", "classes": ["bee", "dog"]})
    assert words(found)["P3"] == "2 classes instead of 4; rows moved: bee <- bee, dog <- dog"
    tensor = next(each for each in found.tensors if each.name == "model.22.cv3.0.2.bias")
    assert tensor.shapes == ((4,), (2,))
    assert tensor.changed is None
    assert found.names == ((0, "ant", "bee"), (1, "bee", "dog"), (2, "cat", None), (3, "dog", None))


def test_names_differ_alone(tiny: Path) -> None:
    found = after(tiny, {"op": "rename", "names": {"cat": "猫"}})
    assert found
    assert found.names == ((2, "cat", "猫"),)
    assert (found.tensors, found.levels) == ((), ())


def test_elements_are_counted_and_the_largest_difference_found(tiny: Path) -> None:
    before = read(tiny)
    name = "model.22.cv3.0.2.bias"
    array: Any = before.array(name)
    array[:] = [0, 1, 2, 3]
    old = before.edited({name: array})
    new = old.edited({name: array + array.dtype.type([0, 0.25, 0, -1.5])})
    (found,) = differences(old, new).tensors
    assert (found.changed, found.largest) == (2, 1.5)
    nan = old.edited({name: array * array.dtype.type(float("nan"))})
    assert not differences(nan, nan)
    (found,) = differences(old, nan).tensors
    assert (found.changed, found.largest) == (4, 0.0)


def test_other_networks_differ_in_tensors_and_metadata(tiny: Path, tmp_path: Path) -> None:
    other = models.detector(tmp_path, kind="yolov3-tiny", nc=4, awake=False)
    found = differences(read(tiny), read(other))
    assert found.added
    assert found.removed
    assert any(key.startswith("yaml.") for key, _, _ in found.metadata)


def test_half_and_full_precision_differ_in_dtype(tmp_path: Path) -> None:
    network = models.build("yolov8", nc=4, awake=False).half().float()
    half = models.save(network, tmp_path / "half.pt")
    full = models.save(network, tmp_path / "full.pt", half=False)
    found = differences(read(half), read(full))
    assert {each.dtypes for each in found.tensors} == {("float16", "float32")}
    assert {each.changed for each in found.tensors} == {0}
    assert found.levels == ()


def test_heads_that_are_not_described_are_still_compared(tmp_path: Path) -> None:
    network = models.build("yolov8-cls")
    one = models.save(network, tmp_path / "one.pt")
    network.model[-1].linear.bias.data += 1
    two = models.save(network, tmp_path / "two.pt")
    found = differences(read(one), read(two))
    assert "Classify" in found.unexplained
    assert [each.name for each in found.tensors] == ["model.9.linear.bias"]
