"""A file is replaced whole or not at all, and never by mistake."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from headlab.errors import OutputError
from headlab.files.atomic import check_is_not, replacing, write_bytes
from unprivileged import as_nobody


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail_while_writing(path: Path, error: BaseException) -> None:
    with replacing(path) as file:
        file.write(b"half of the new fi")
        file.flush()
        raise error


def test_a_new_file_is_written(tmp_path: Path) -> None:
    write_bytes(tmp_path / "new", b"data")
    assert (tmp_path / "new").read_bytes() == b"data"
    assert names(tmp_path) == ["new"]


def test_a_new_file_has_the_permissions_that_open_would_give(tmp_path: Path) -> None:
    (tmp_path / "usual").write_bytes(b"")
    write_bytes(tmp_path / "new", b"")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_an_old_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old, and longer")
    (tmp_path / "x").chmod(0o640)
    write_bytes(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(5, "broken")])
def test_a_failing_writer_leaves_the_old_file(error: BaseException, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    expected = OutputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        fail_while_writing(tmp_path / "x", error)
    assert (tmp_path / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from headlab.files.atomic import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'n' * 100000); file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "x").read_bytes() == b"old"
    left = [name for name in names(tmp_path) if name != "x"]
    assert [name.endswith(".part") for name in left] == [True]  # nobody was left to remove it
    write_bytes(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A limit on file sizes stands for the disk: the write fails after its first part."""
    (tmp_path / "x").write_bytes(b"old")
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from headlab.files.atomic import write_bytes\n"
        "from headlab.errors import OutputError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: write_bytes(Path(sys.argv[1]), b'n' * 100000)\n"
        "except OutputError as error: print(error.message)\n"
    )
    run = [sys.executable, "-c", code, str(tmp_path / "x")]
    done = subprocess.run(run, check=True, capture_output=True, encoding="utf-8")
    assert done.stdout == (
        f"{tmp_path / 'x'}: cannot be written: it would be larger than files may be. "
        "Nothing was changed.\n"
    )
    assert (tmp_path / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("number", "reason", "hint"),
    [
        (28, "the disk is full", "Free some space, or write to another disk."),
        (30, "the file system is read-only", "Write to another folder."),
        (13, "the folder may not be written", "Write to a folder of your own."),
    ],
)
def test_reasons_are_explained(number: int, reason: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as raised:
        fail_while_writing(tmp_path / "x", OSError(number, os.strerror(number)))
    assert (
        raised.value.message
        == f"{tmp_path / 'x'}: cannot be written: {reason}. Nothing was changed."
    )
    assert raised.value.hint == hint
    assert names(tmp_path) == []


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no such folder") as raised:
        write_bytes(tmp_path / "absent" / "x", b"")
    assert raised.value.hint == "Make the folder first."


def test_a_path_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(OutputError, match="a part of the path is a file, not a folder"):
        write_bytes(tmp_path / "x" / "y", b"")
    assert (tmp_path / "x").read_bytes() == b"old"


def test_a_folder_as_target(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        write_bytes(tmp_path / "x", b"")
    assert names(tmp_path) == ["x"]


def test_a_pipe_or_device_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is a device or a pipe, not a file"):
        write_bytes(tmp_path / "pipe", b"")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_read_only_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    (tmp_path / "x").chmod(0o666)
    tmp_path.chmod(0o555)
    said = as_nobody(tmp_path, lambda: write_bytes(tmp_path / "x", b"new"))
    assert "the folder may not be written. Nothing was changed." in said
    tmp_path.chmod(0o755)
    assert (tmp_path / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


def test_a_read_only_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    (tmp_path / "x").chmod(0o444)
    tmp_path.chmod(0o777)
    said = as_nobody(tmp_path, lambda: write_bytes(tmp_path / "x", b"new"))
    assert "the file is read-only. Nothing was changed." in said
    assert (tmp_path / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "x")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "x").read_bytes() == b"new"
    assert names(tmp_path) == ["link", "real"]


def test_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / ("模" * 83 + ".pt")  # 83 * 3 + 3 = 252 of the 255 bytes that a name may have
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(
    "form", ["itself", "relative", "dots", "symlink", "folder link", "hard link"]
)
def test_the_input_is_recognised(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "models" / "x.pt"
    source.parent.mkdir()
    source.write_bytes(b"old")
    monkeypatch.chdir(source.parent)
    (tmp_path / "soft.pt").symlink_to(source)
    (tmp_path / "folder").symlink_to(source.parent)
    (tmp_path / "hard.pt").hardlink_to(source)
    output = {
        "itself": source,
        "relative": Path("x.pt"),
        "dots": tmp_path / "folder" / ".." / "models" / "x.pt",
        "symlink": tmp_path / "soft.pt",
        "folder link": tmp_path / "folder" / "x.pt",
        "hard link": tmp_path / "hard.pt",
    }[form]
    with pytest.raises(OutputError) as raised:
        check_is_not(output, source)
    assert raised.value.message == f"{output} is the input itself."
    assert "--in-place" in raised.value.hint


def test_another_file_is_no_input(tmp_path: Path) -> None:
    for name in ("x.pt", "y.pt"):
        (tmp_path / name).write_bytes(b"the same bytes")
    check_is_not(tmp_path / "y.pt", tmp_path / "x.pt")
    check_is_not(tmp_path / "absent.pt", tmp_path / "x.pt")
