"""YAML is read as plain values; what is refused is refused with its line."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from headlab.errors import InputError
from headlab.files.yaml_file import parse_yaml, read_yaml

LISTS = ["l0: &l0 [x, x]", *(f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]" for n in range(1, 60))]
KEYS = ", ".join(f"k{n}: 1" for n in range(1000))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", None),
        ("a: 1\nb: [x, 2.5, ~, yes]", {"a": 1, "b": ["x", 2.5, None, True]}),
        ("day: 2001-13-45\nsign: =\n", {"day": "2001-13-45", "sign": "="}),
        (
            "base: &b {a: 1, c: 2}\nx: {<<: *b, a: 5}",
            {"base": {"a": 1, "c": 2}, "x": {"a": 5, "c": 2}},
        ),
        ("x: {<<: [{a: 1}, {a: 2, b: 3}]}", {"x": {"a": 1, "b": 3}}),
        ("a: &a [1]\nb: *a", {"a": [1], "b": [1]}),
        ("{0: cat, 1: dog}", {0: "cat", 1: "dog"}),
    ],
)
def test_values(text: str, values: Any) -> None:
    assert parse_yaml(text, "f.yaml").values == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml, line 3: duplicate key 'a', first in line 1."),
        ("s:\n  a: {b: 1, b: 2}", "f.yaml, line 2: duplicate key 'b', first in line 2."),
        ("{0: a,\n 00: b}", "f.yaml, line 2: duplicate key '00', first in line 1."),
        ("1: a\ntrue: b", "f.yaml, line 2: duplicate key 'true', first in line 1."),
        ("x: {<<: {}, <<: {}}", "f.yaml, line 1: duplicate key '<<', first in line 1."),
        ("a:\n- !!timestamp 2001-99-99", "f.yaml, line 2: the tag !!timestamp is not read here"),
        ("a: !!binary aGVs", "f.yaml, line 1: the tag !!binary is not read here"),
        ("a: !!set {x, y}", "f.yaml, line 1: the tag !!set is not read here"),
        ("a: !!omap [x: 1]", "f.yaml, line 1: the tag !!omap is not read here"),
        ("a: !mine 5", "f.yaml, line 1: the tag !mine is not read here"),
        (
            "\na: !!python/object/apply:os.system [x]",
            "f.yaml, line 2: the tag !!python/object/apply",
        ),
        ("a: !!int cat", "f.yaml, line 1: 'cat' is not a value of the kind int."),
        ("a: !!int ''", "f.yaml, line 1: '' is not a value of the kind int."),
        ("a: !!bool maybe", "f.yaml, line 1: 'maybe' is not a value of the kind bool."),
        ("a: !!float x", "f.yaml, line 1: 'x' is not a value of the kind float."),
        (f"a: {'9' * 5000}", "f.yaml, line 1: '9999999999"),
        ("a: 1\nb: &x [*x]", "f.yaml, line 2: the value is recursive"),
        ("\n".join(LISTS), "f.yaml, line 14: the aliases unfold to more than 100,000 values."),
        (
            f"a: &a {{{KEYS}}}\nb: {{<<: [{', '.join(['*a'] * 1000)}]}}",
            "f.yaml, line 1: the aliases",
        ),
        ("{? [a]: b}", "f.yaml, line 1: a key is a list or a mapping"),
        ("a: {<<: 5}", "f.yaml, line 1: << expects a mapping"),
        ("a: [\n", "f.yaml, line 2: not YAML: "),
        (
            "a\n---\nb",
            "f.yaml, line 2: not YAML: expected a single document in the stream, but found",
        ),
        ("a: *none", "f.yaml, line 1: not YAML: found undefined alias 'none'."),
        ("a: 1\nb: \x07", "f.yaml, line 2: not YAML: the character U+0007 is not allowed."),
        ("#\n" + "[" * 5000, "f.yaml, line 2: the values are nested too deeply."),
    ],
)
def test_what_is_refused_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "f.yaml", "Look at it.")
    assert caught.value.message.startswith(message)
    assert caught.value.hint == "Look at it."


def test_the_line_of_a_key() -> None:
    file = parse_yaml("a: 1\ns:\n  b: 2\n  c: {d: 3}\n", "f.yaml")
    assert file.line_of(["a"]) == 1
    assert file.line_of(["s", "c", "d"]) == 4
    assert file.line_of(["s", "none"]) == 2  # as far as it is there
    assert file.line_of(["none"]) is None


def test_a_file_in_a_guessed_encoding(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_bytes("names:\n- 猫\n".encode("cp932"))
    file = read_yaml(path)
    assert file.values == {"names": ["猫"]}
    assert [remark.line for remark in file.remarks] == [2]
    with pytest.raises(InputError, match="there is no such file"):
        read_yaml(tmp_path / "none.yaml")


# PyYAML itself writes some line separators of Unicode so that it reads them as others.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=5)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(PLAIN)
def test_what_is_dumped_is_read_back(values: Any) -> None:
    assert parse_yaml(yaml.safe_dump(values, allow_unicode=True), "f").values == values


@given(st.text("ab01:{}[]&*!<>-'\"\n #?|,~.", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        json.dumps(parse_yaml(text, "f").values, default=str)
