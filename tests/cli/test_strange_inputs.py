"""Pipes, devices, addresses and swapped arguments in the place of every input."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from one_command import run
from traced_command import save_noise

Small = Callable[..., Path]

COMMANDS = (
    "inspect PIPE",
    "edit PIPE --shift 1 -o out.pt",
    "edit PIPE --undo -o out.pt",
    "edit MODEL --recipe PIPE -o out.pt",
    "diff PIPE MODEL",
    "diff MODEL PIPE",
    "trace PIPE photos",
    "trace MODEL PIPE",
    "compare MODEL PIPE photos",
    "compare MODEL MODEL PIPE",
    "convert PIPE out.h5",
    "evaluate PIPE train.txt",
    "evaluate MODEL PIPE",
    "boxes check PIPE",
    "boxes stats train.txt --anchors PIPE",
    "boxes stats train.txt --data-names PIPE",
    "boxes convert PIPE out --to yolo",
    "anchors fit PIPE",
    "anchors check PIPE train.txt",
    "anchors per-class PIPE",
    "train PIPE -o out",
    "train --config PIPE -o out",
    "train --resume PIPE",
    "train train.txt --start PIPE -o out",
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with photos and annotations of them."""
    (tmp_path / "photos").mkdir()
    save_noise(tmp_path / "photos", ("a.png", "b.png"))
    (tmp_path / "train.txt").write_text("photos/a.png 1,1,40,40,0\n", "utf-8")
    (tmp_path / "classes.txt").write_text("cat\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_or_a_device_is_refused_at_once(
    small: Small, place: Path, command: str, kind: str
) -> None:
    os.mkfifo(place / "pipe")
    words = {"PIPE": "pipe" if kind == "pipe" else "/dev/zero", "MODEL": str(small())}
    done = run(*(words.get(word, word) for word in command.split()))
    assert done.code == 2
    assert words["PIPE"] in done.err
    assert not list(place.glob("out*"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_photo_that_is_a_pipe_is_a_finding(place: Path) -> None:
    os.mkfifo(place / "photos" / "pipe.png")
    (place / "train.txt").write_text("photos/pipe.png 1,1,40,40,0\n", "utf-8")
    done = run("boxes", "check", "train.txt", "--deep")
    assert done.code == 1
    assert "it is a device or a pipe" in done.out


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("trace https://example.org/m.pt photos", "https://example.org/m.pt: headlab downloads"),
        ("trace MODEL https://example.org/a.jpg", "https://example.org/a.jpg: headlab reads files"),
        ("trace MODEL rtsp://10.0.0.1/stream", "nothing from the network"),
        ("trace MODEL 0", "no cameras"),
        ("trace photos/a.png MODEL", "is a photo or a video; a model file was expected"),
        ("trace photos MODEL", "photos is a folder; a model file was expected"),
        ("compare MODEL photos/a.png MODEL", "The model comes first"),
        ("evaluate train.txt MODEL", "headlab evaluate MODEL DATA"),
        ("boxes check https://example.org/data.yaml", "headlab downloads nothing"),
        ("edit MODEL --shift 1 -o none/out.pt", "there is no such folder"),
        ("inspect MODEL -o none/out.csv", "there is no folder none"),
    ],
)
def test_wrong_arguments_get_an_answer(
    small: Small, place: Path, command: str, message: str
) -> None:
    words = [str(small()) if word == "MODEL" else word for word in command.split()]
    done = run(*words)
    assert done.code == 2
    assert message in done.err


def test_where_photos_were_found_is_said(small: Small, place: Path) -> None:
    (place / "all").mkdir()
    (place / "photos").rename(place / "all" / "photos")
    for command in (("trace", small()), ("compare", small(), small())):
        done = run(*command, "all", "-q")
        assert done.code == 0, done.err
        assert "all has no image or video itself; took 2 files" in done.err
        assert "2 in all/photos" in done.err
