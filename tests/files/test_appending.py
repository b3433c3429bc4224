"""Bytes are appended all or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from full_disk import files_up_to
from headlab.errors import OutputError
from headlab.files.appending import append


def test_bytes_are_appended_all_or_none(tmp_path: Path) -> None:
    path = tmp_path / "log"
    append(path, b"first\n")
    with files_up_to(10), pytest.raises(OutputError, match="larger than files may be"):
        append(path, b"second\n")
    append(path, b"third\n")
    assert path.read_bytes() == b"first\nthird\n"


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no such folder"):
        append(tmp_path / "none" / "log", b"first\n")
