"""Names of files that are not UTF-8, as text and back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headlab.files.existing import exists, is_file, is_folder
from headlab.files.path_text import path_of, path_text

LATIN = os.fsdecode(b"caf\xe9.jpg")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("photos/dog.jpg", "photos/dog.jpg"),
        ("写真/犬.jpg", "写真/犬.jpg"),
        ("caf\udce9.jpg", r"caf\xe9.jpg"),
        ("\udce7\udc8a\udcac.jpg", "犬.jpg"),  # as Python holds it where the locale is ASCII
        ("half \ud83d", "half ?"),
        (Path("a") / "b\udcff", r"a/b\xff"),
    ],
)
def test_a_path_becomes_text_that_utf_8_can_hold(path: object, text: str) -> None:
    assert path_text(path) == text
    assert path_text(path).encode("utf-8")


def test_the_text_leads_back_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / LATIN
    try:
        file.write_bytes(b"photo")
    except (OSError, UnicodeError):
        pytest.skip("this file system takes Unicode names only")
    assert path_of(path_text(file)) == str(file)
    assert is_file(path_text(file))
    assert exists(path_text(file))
    assert not is_folder(path_text(file))


def test_a_name_that_really_has_a_backslash_is_itself(tmp_path: Path) -> None:
    file = tmp_path / r"caf\xe9.jpg"
    file.write_bytes(b"photo")
    assert path_of(str(file)) == str(file)
    assert path_of(r"none\xe9.jpg") == r"none\xe9.jpg"


@pytest.mark.parametrize("path", ["\ud800.jpg", "a\0b", "x" * 5000])
def test_what_cannot_be_a_name_is_the_name_of_nothing(path: str) -> None:
    assert not exists(path)
    assert not is_file(path)
    assert not is_folder(path)
