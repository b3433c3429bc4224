"""A reader who leaves early, as `head` does, ends the printing and never the work."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from traced_command import save_noise

Small = Callable[..., Path]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX systems")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    save_noise(folder, ("a.png", "b.png", "c.png"))
    return folder


def _without_reader(*args: object, also_stderr: bool = False) -> subprocess.CompletedProcess[str]:
    """Run headlab with standard output going into a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        return subprocess.run(
            [sys.executable, "-m", "headlab", *map(str, args)],
            stdout=pipe,
            stderr=subprocess.STDOUT if also_stderr else subprocess.PIPE,
            text=True,
            check=False,
        )


def test_all_files_are_written_when_the_reader_has_gone(
    small: Small, photos: Path, tmp_path: Path
) -> None:
    table, pictures = tmp_path / "t.csv", tmp_path / "pictures"
    done = _without_reader("trace", small(), photos, "-o", table, "--save", pictures)
    assert done.returncode == 0
    assert "saved 3 pictures" in done.stderr
    assert "Broken" not in done.stderr
    assert len(list(pictures.iterdir())) == 3
    assert pl.read_csv(table)["image"].n_unique() == 3


def test_the_exit_code_tells_the_truth(small: Small, photos: Path, tmp_path: Path) -> None:
    (photos / "bad.png").write_bytes(b"no photo")
    table = tmp_path / "t.csv"
    for also_stderr in (False, True):
        done = _without_reader("trace", small(), photos, "-o", table, also_stderr=also_stderr)
        assert done.returncode == 1
        assert table.is_file()
        table.unlink()
    assert _without_reader("trace", small(), photos, "--json").returncode == 1
    assert _without_reader("trace", "none.pt", photos, also_stderr=True).returncode == 2


def test_head_takes_one_line(small: Small, photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    words = [sys.executable, "-m", "headlab", "trace", small(), photos, "-o", table]
    command = " ".join(shlex.quote(str(word)) for word in words)
    done = subprocess.run(
        ["bash", "-c", f'{command} | head -1; exit "${{PIPESTATUS[0]}}"'],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(f"{photos / 'a.png'}: ")
    assert done.stdout.count("\n") == 1
    assert done.stderr.endswith(f"wrote {table}\n")
    assert "Broken" not in done.stderr
    assert pl.read_csv(table)["image"].n_unique() == 3


def test_what_is_shown_is_there_at_once() -> None:
    """Through a pipe too: a table does not wait for those that follow."""
    program = "from headlab.results.tables import show; show('a table'); input()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"a table\n"
        assert process.poll() is None, "it waits for its input"
        process.communicate(b"\n")
