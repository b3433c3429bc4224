from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from headlab.detect.sources import Source, expand
from headlab.errors import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "clip.mp4", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c.jpg").write_bytes(b"")
    return tmp_path


def _names(found: list[Source]) -> list[str]:
    return [Path(source.name).name for source in found]


def test_a_folder_is_its_images_then_its_videos(folder: Path) -> None:
    found = expand(folder)
    assert _names(found) == ["a.PNG", "b.jpg", "clip.mp4"]
    assert [source.is_video for source in found] == [False, False, True]
    assert [source.path for source in found] == [folder / name for name in _names(found)]


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


PIXELS = np.zeros((4, 6, 3), np.uint8)


def test_one_image_in_memory() -> None:
    for image in (PIXELS, Image.new("RGB", (6, 4))):
        (found,) = expand(image)
        assert (found.name, found.path, found.is_video) == ("image0.jpg", None, False)
        assert found.image is image


def test_images_in_memory_mixed_with_files(folder: Path) -> None:
    """They come first, under the names that ultralytics gives them: by their place in the list."""
    Image.new("RGB", (6, 4)).save(folder / "b.jpg")
    with Image.open(folder / "b.jpg") as opened:
        found = expand([folder / "a.PNG", PIXELS, f"{folder}/*.mp4", opened, PIXELS])
    assert [source.name for source in found] == [
        "image1.jpg",
        str(folder / "b.jpg"),
        "image4.jpg",
        str(folder / "a.PNG"),
        str(folder / "clip.mp4"),
    ]
    assert [source.image is PIXELS for source in found] == [True, False, True, False, False]


def test_no_two_sources_have_one_name(folder: Path) -> None:
    Image.new("RGB", (6, 4)).save(folder / "b.jpg")
    with Image.open(folder / "b.jpg") as one, Image.open(folder / "b.jpg") as other:
        assert [source.name for source in expand([one, other])] == [
            str(folder / "b.jpg"),
            "image1.jpg",
        ]
        assert [source.name for source in expand([folder / "b.jpg", one])] == [
            "image1.jpg",
            str(folder / "b.jpg"),
        ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (PIXELS.astype(np.float32), r"Source 1 is an array of float32, shape \(4, 6, 3\)"),
        (PIXELS[None], r"Source 1 is an array of uint8, shape \(1, 4, 6, 3\)"),
        (PIXELS[:0], r"Source 1 is an array of uint8, shape \(0, 6, 3\)"),
        (0, "Source 1 is of type int"),
        (None, "Source 1 is of type NoneType"),
    ],
)
def test_what_is_no_image_is_explained(source: Any, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        expand([PIXELS, source])
