"""The short grammar of the command line -> recipe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headlab.edit.recipe import from_data
from headlab.edit.recipe_from_options import recipe_from_options
from headlab.errors import RecipeError

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("shift", "1", {"op": "shift", "by": 1}),
    ("shift", "-1", {"op": "shift", "by": -1}),
    ("shift", "P4=1", {"op": "shift", "levels": ["P4"], "by": 1}),
    ("shift", "P4, p5=-3", {"op": "shift", "levels": ["P4", "p5"], "by": -3}),
    ("shift", "*=2", {"op": "shift", "by": 2}),
    ("permute", "b,a", {"op": "permute", "order": ["b", "a"]}),
    ("permute", "P4:b,a", {"op": "permute", "levels": ["P4"], "order": ["b", "a"]}),
    ("reorder", "b, a", {"op": "reorder", "order": ["b", "a"]}),
    ("swap", "cat=dog", {"op": "swap", "classes": ["cat", "dog"]}),
    ("swap", "P3,P4:cat=dog", {"op": "swap", "levels": ["P3", "P4"], "classes": ["cat", "dog"]}),
    (
        "copy",
        "P3:traffic light=stop sign",
        {"op": "copy", "levels": ["P3"], "source": "traffic light", "target": "stop sign"},
    ),
    ("suppress", "cat", {"op": "suppress", "classes": ["cat"]}),
    (
        "suppress",
        "P5:traffic light, 14",
        {"op": "suppress", "levels": ["P5"], "classes": ["traffic light", "14"]},
    ),
    ("suppress", "P5:*", {"op": "suppress", "levels": ["P5"]}),
    ("suppress", "P3,P4", {"op": "suppress", "levels": ["P3", "P4"]}),
    ("scale", "0.5", {"op": "scale", "factor": 0.5}),
    ("scale", "cat=0.5", {"op": "scale", "classes": ["cat"], "factor": 0.5}),
    (
        "scale",
        "P4:cat,dog=2",
        {"op": "scale", "levels": ["P4"], "classes": ["cat", "dog"], "factor": 2.0},
    ),
    ("scale", "P4=2", {"op": "scale", "levels": ["P4"], "factor": 2.0}),
    ("scale", "P4:*=2", {"op": "scale", "levels": ["P4"], "factor": 2.0}),
    ("bias", "-1.5", {"op": "bias", "offset": -1.5}),
    ("bias", "a:b=1", {"op": "bias", "classes": ["a:b"], "offset": 1.0}),
    ("bias", "a=b=1", {"op": "bias", "classes": ["a=b"], "offset": 1.0}),
    ("shift", "P5/2=3", {"op": "shift", "levels": ["P5/2"], "by": 3}),
    ("swap", "P5/2:cat=dog", {"op": "swap", "levels": ["P5/2"], "classes": ["cat", "dog"]}),
    ("suppress", "P5/2:dog", {"op": "suppress", "levels": ["P5/2"], "classes": ["dog"]}),
    ("suppress", "P5/2, P4", {"op": "suppress", "levels": ["P5/2", "P4"]}),
    ("suppress", "P5/x", {"op": "suppress", "classes": ["P5/x"]}),
    (
        "scale",
        "P4/0,P5:cat=0.5",
        {"op": "scale", "levels": ["P4/0", "P5"], "classes": ["cat"], "factor": 0.5},
    ),
    (
        "threshold",
        "P4/1:cat=0.5",
        {"op": "thresholds", "levels": ["P4/1"], "thresholds": {"cat": 0.5}},
    ),
    ("keep", "cat,dog", {"op": "keep", "classes": ["cat", "dog"]}),
    ("drop", "14", {"op": "drop", "classes": ["14"]}),
    ("rename", "a=b=c", {"op": "rename", "names": {"a": "b=c"}}),
    ("threshold", "cat=0.5", {"op": "thresholds", "thresholds": {"cat": 0.5}}),
]


@pytest.mark.parametrize(("option", "text", "operation"), CASES)
def test_an_option_is_an_operation(option: str, text: str, operation: dict[str, Any]) -> None:
    assert recipe_from_options({option: [text]}) == from_data(
        {"version": 1, "operations": [operation]}
    )


def test_repeated_options_add_up() -> None:
    found = recipe_from_options(
        {
            "shift": ["P4=1", "P5=5"],
            "threshold": ["cat=0.5", "P3:dog,ant=0.4", "bee=0.6"],
            "rename": ["cat=x", "dog=y"],
            "keep": ["cat", "dog,ant"],
        },
        at=0.3,
    )
    assert found.data()["operations"] == [
        {"op": "shift", "levels": ["P4"], "by": 1},
        {"op": "shift", "levels": ["P5"], "by": 5},
        {"op": "thresholds", "thresholds": {"cat": 0.5, "bee": 0.6}, "at": 0.3},
        {"op": "thresholds", "levels": ["P3"], "thresholds": {"dog": 0.4, "ant": 0.4}, "at": 0.3},
        {"op": "rename", "names": {"cat": "x", "dog": "y"}},
        {"op": "keep", "classes": ["cat", "dog", "ant"]},
    ]


def test_a_file_lists_classes_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("\ufefftraffic light\r\n\r\n a, b \r\n鳥\n", "utf-8")
    found = recipe_from_options({"keep": [f"@{path}"], "suppress": [f"P4:@{path}"]})
    names = ["traffic light", "a, b", "鳥"]
    assert found.data()["operations"] == [
        {"op": "suppress", "levels": ["P4"], "classes": names},
        {"op": "keep", "classes": names},
    ]


REFUSED = [
    ({}, "no operations"),
    ({"shift": ["P4"]}, "--shift P4: 'P4' is not a whole number"),
    ({"shift": ["P4=1.5"]}, "'1.5' is not a whole number"),
    ({"shift": [",=1"]}, "a level's name is empty"),
    ({"swap": ["cat"]}, "--swap cat: two names with = between them"),
    ({"swap": ["cat="]}, "two names with = between them"),
    ({"copy": ["=dog"]}, "two names with = between them"),
    ({"rename": ["cat"]}, "two names with = between them"),
    ({"rename": ["a=b", "a=c"]}, "'a' is renamed twice"),
    ({"scale": ["cat=big"]}, "'big' is not a number"),
    ({"scale": ["cat=0"]}, r"\(scale\): factor: .*greater than 0"),
    ({"scale": ["cat=nan"]}, r"\(scale\): factor: "),
    ({"bias": ["inf"]}, r"\(bias\): offset: .*finite"),
    ({"bias": [",=1"]}, "a class name is empty"),
    ({"suppress": ["cat,,dog"]}, "a class name is empty"),
    ({"suppress": ["*"]}, "name the classes, or the levels"),
    ({"threshold": ["0.5"]}, "CLASS=THRESHOLD is expected"),
    ({"threshold": ["P4:*=0.5"]}, "name the classes"),
    ({"threshold": ["cat=0.5", "cat=0.4"]}, "'cat' has a threshold already"),
    ({"threshold": ["cat=1"]}, r"\(thresholds\): thresholds\.cat: .*less than 1"),
    ({"keep": ["@no such file"]}, "no such file: cannot be read"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_does_not_fit_is_refused(options: dict[str, list[str]], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_from_options(options)


def test_at_needs_a_threshold() -> None:
    with pytest.raises(RecipeError, match="there is no --threshold"):
        recipe_from_options({"shift": ["1"]}, at=0.3)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.bin"
    path.write_bytes(b"cat\n\x81\xff")
    with pytest.raises(RecipeError, match=r"names\.bin, line 2: the text is not UTF-8, nor in"):
        recipe_from_options({"keep": [f"@{path}"]})


def test_options_do_not_wait_for_pydantic() -> None:
    program = (
        "import sys; from headlab.edit.recipe_from_options import recipe_from_options\n"
        f"for option, text in {[(option, text) for option, text, _ in CASES]}:\n"
        "    recipe_from_options({option: [text]}).data()\n"
        "sys.exit('pydantic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
