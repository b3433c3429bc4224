from __future__ import annotations

from pathlib import Path

import pytest

from headlab.detect.sources import expand
from headlab.errors import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "clip.mp4", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c.jpg").write_bytes(b"")
    return tmp_path


def _names(found: list[Path]) -> list[str]:
    return [path.name for path in found]


def test_a_folder_is_its_images_then_its_videos(folder: Path) -> None:
    assert _names(expand(folder)) == ["a.PNG", "b.jpg", "clip.mp4"]


def test_globs_and_repeats(folder: Path) -> None:
    found = expand([folder / "b.jpg", f"{folder}/**/*.jpg", folder / "b.jpg"])
    assert _names(found) == ["b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.jpg", "no such file or folder"),
        ("notes.txt", "not an image or a video"),
        ("*.bmp", "No image or video among"),
    ],
)
def test_wrong_sources_are_explained(folder: Path, source: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        expand(folder / source)


def test_no_sources_at_all() -> None:
    with pytest.raises(SourceError, match="nothing"):
        expand([])
