"""JSON is written valid, and read with the line in errors."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from headlab.errors import InputError
from headlab.files.json_text import parse_json, read_json, to_json


def test_numbers_that_json_does_not_have_become_null() -> None:
    assert json.loads(to_json({"a": [1.5, math.nan, -math.inf]})) == {"a": [1.5, None, None]}


@pytest.mark.parametrize("text", ["猫", "\x1b[0m", "\x9b", "\x7f", "half \udcff"])
def test_texts_are_safe_and_read_back(text: str) -> None:
    written = to_json({"name": text})
    written.encode("utf-8")
    assert not any(character in written for character in "\x1b\x9b\x7f")
    assert json.loads(written) == {"name": text}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_any_unicode_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.json").write_bytes('{"name": "猫"}'.encode(encoding))
    assert read_json(tmp_path / "a.json") == {"name": "猫"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "f.json, line 1: not JSON: "),
        (b'{"a": 1,\n b}', "f.json, line 2: not JSON: "),
        (b'{"a":\n"\xff"}', "f.json, line 2: not JSON: not utf-8."),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "f.json: duplicate key 'b'."),
        (b"[" * 100_000, "f.json: not JSON: the values are nested too deeply."),
        (b"9" * 5000, "f.json: not JSON: "),
    ],
)
def test_what_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_json(data, "f.json")
    assert caught.value.message.startswith(message)


def test_duplicate_keys_may_be_let_pass() -> None:
    found: Any = parse_json('{"a": 1, "a": 2}', "f.json", unique_keys=False)
    assert found == {"a": 2}
