"""Files that a data set names are opened without ever waiting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headlab.files.opening import opened


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with opened(str(tmp_path / "a")) as file:
        assert file.read() == b"abc"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"):
        opened(str(tmp_path / "pipe"))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs devices")
def test_a_device_is_refused() -> None:
    with pytest.raises(OSError, match="a device or a pipe"):
        opened("/dev/zero")


def test_folders_and_nothing(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        opened(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        opened(str(tmp_path / "none"))
    with pytest.raises(ValueError, match="null"):
        opened("a\0b")
