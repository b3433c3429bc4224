"""Files that belong together are replaced together: in one order, and back again if that fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from full_disk import files_up_to
from headlab.errors import OutputError
from headlab.files.together import SET_ASIDE_SUFFIX, replacing_together

NAMES = ("a", "b", "main", "last")


def write_all(folder: Path, content: bytes, *, misread: bool = False) -> None:
    a, b, main, last = (folder / name for name in NAMES)
    with replacing_together([a, b], main, [last], misread=misread) as files:
        for path in (a, b, main, last):
            files.write(path, content)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


ALL_OLD = dict.fromkeys(NAMES, b"old")


class Crash(BaseException):
    """The process ends here."""


def failing_at(number: int, error: BaseException) -> Callable[[Path, Path], Path]:
    """`Path.replace`, but its nth call fails."""
    real, calls = Path.replace, iter(range(100))

    def replace(self: Path, target: Path) -> Path:
        if next(calls) == number:
            raise error
        return real(self, target)

    return replace


def test_files_are_renamed_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        order.append(Path(target).name)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    write_all(tmp_path, b"new")
    assert order == list(NAMES)
    assert contents(tmp_path) == dict.fromkeys(NAMES, b"new")


@pytest.mark.parametrize("misread", [False, True])
def test_old_files_are_replaced_and_nothing_is_left_over(tmp_path: Path, misread: bool) -> None:
    write_all(tmp_path, b"old")
    write_all(tmp_path, b"new", misread=misread)
    assert contents(tmp_path) == dict.fromkeys(NAMES, b"new")


def write_and_stop(main: Path) -> None:
    with replacing_together([], main) as files:
        files.write(main, b"new")
        raise ValueError("stop")


def test_a_body_that_fails_changes_nothing(tmp_path: Path) -> None:
    write_all(tmp_path, b"old")
    with pytest.raises(ValueError, match="stop"):
        write_and_stop(tmp_path / "main")
    assert contents(tmp_path) == ALL_OLD


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    write_all(tmp_path, b"old")
    with pytest.raises(OutputError, match=r"none.a: cannot be written: there is no such folder\."):
        write_all(tmp_path / "none", b"new")
    with files_up_to(8), pytest.raises(OutputError, match=r"/a: cannot be written: it would be"):
        write_all(tmp_path, b"new and too long")
    assert contents(tmp_path) == ALL_OLD


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("misread", [False, True])
@pytest.mark.parametrize("error", [OSError(13, "no"), KeyboardInterrupt(), Crash()])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_fails_before_the_main_file_is_there_is_taken_back(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: BaseException,
    misread: bool,
    old: bool,
) -> None:
    if old:
        write_all(tmp_path, b"old")
    monkeypatch.setattr(Path, "replace", failing_at(number, error))
    expected = OutputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as caught:
        write_all(tmp_path, b"new", misread=misread)
    if isinstance(caught.value, OutputError):
        assert caught.value.message.startswith(str(tmp_path / NAMES[number]))
        assert caught.value.message.endswith("Nothing was changed.")
    assert contents(tmp_path) == (ALL_OLD if old else {})


def test_a_file_system_without_links_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise OSError(95, "not supported")

    write_all(tmp_path, b"old")
    monkeypatch.setattr(Path, "hardlink_to", no_links)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", failing_at(1, OSError(13, "no")))
        with pytest.raises(OutputError):
            write_all(tmp_path, b"new", misread=True)
    assert contents(tmp_path) == ALL_OLD
    write_all(tmp_path, b"new", misread=True)
    assert contents(tmp_path) == dict.fromkeys(NAMES, b"new")


def test_what_fails_after_the_main_file_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_all(tmp_path, b"old")
    monkeypatch.setattr(Path, "replace", failing_at(3, OSError(13, "no")))
    with pytest.raises(
        OutputError, match=r"last: cannot be written: .*main was written without it"
    ):
        write_all(tmp_path, b"new")
    assert contents(tmp_path) == {**dict.fromkeys(NAMES, b"new"), "last": b"old"}


KILLED = """
import os, signal, sys
from pathlib import Path
from test_together import failing_at, write_all
real, calls = Path.replace, iter(range(100))
def replace(self, target):
    if next(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, target)
Path.replace = replace
write_all(Path(sys.argv[1]), b"new", misread=sys.argv[3] == "True")
"""


@pytest.mark.parametrize("misread", [False, True])
@pytest.mark.parametrize("number", range(4))
def test_a_killed_process_leaves_no_main_file_that_is_misread(
    tmp_path: Path, number: int, misread: bool
) -> None:
    write_all(tmp_path, b"old")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(number), str(misread)],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, ".."])},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left = contents(tmp_path)
    companions = {left["a"], left["b"]}
    if "main" not in left:
        assert misread
        hidden = [name for name in left if name.startswith(".main.")]
        assert b"old" in [left[name] for name in hidden if name.endswith(SET_ASIDE_SUFFIX)]
    elif misread:
        assert companions == {left["main"]}
    write_all(tmp_path, b"newer")
    assert {name: contents(tmp_path)[name] for name in NAMES} == dict.fromkeys(NAMES, b"newer")


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    write_all(tmp_path / "real", b"old")
    for name in NAMES:
        (tmp_path / "links" / name).symlink_to(tmp_path / "real" / name)
    write_all(tmp_path / "links", b"new", misread=True)
    assert contents(tmp_path / "real") == dict.fromkeys(NAMES, b"new")
    assert all((tmp_path / "links" / name).is_symlink() for name in NAMES)


def test_a_finished_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"new")
    with replacing_together([tmp_path / "a"], tmp_path / "main") as files:
        files.write(tmp_path / "a", b"new")
        files.take(tmp_path / "main", tmp_path / "made")
    assert contents(tmp_path) == {"a": b"new", "main": b"new"}


def test_two_at_once_leave_the_files_of_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one stops between its files until the second one is through, or waits for the first."""
    real, second_done = Path.replace, threading.Event()

    def replace(self: Path, target: Path) -> Path:
        done = real(self, target)
        if threading.current_thread() is first and Path(target).name == "main":
            second.start()
            second_done.wait(0.3)
        return done

    def write_second() -> None:
        write_all(tmp_path, b"second")
        second_done.set()

    first = threading.Thread(target=write_all, args=(tmp_path, b"first"))
    second = threading.Thread(target=write_second)
    monkeypatch.setattr(Path, "replace", replace)
    first.start()
    first.join()
    second.join()
    assert contents(tmp_path) == dict.fromkeys(NAMES, b"second")
