from __future__ import annotations

import os
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


def _deep(tmp_path: Path) -> Path:
    for name in (
        "set/one/b.jpg",
        "set/one/a.jpg",
        "set/two/in/c.png",
        "set/notes.txt",
        "set/.x/d.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path / "set"


def test_a_folder_whose_photos_lie_deeper_is_searched_and_that_is_said(tmp_path: Path) -> None:
    folder = _deep(tmp_path)
    found = expand(folder)
    assert _names(found) == ["a.jpg", "b.jpg", "c.png"]
    assert found.remarks == (
        f"{folder} has no image or video itself; took 3 files from the folders inside: "
        f"2 in {folder}/one, 1 in {folder}/two/in",
    )


def test_photos_of_the_folder_itself_are_all_of_it(tmp_path: Path) -> None:
    folder = _deep(tmp_path)
    (folder / "e.jpg").write_bytes(b"")
    found = expand(folder)
    assert _names(found) == ["e.jpg"]
    assert found.remarks == ()


def test_a_folder_without_any_photo_says_where_was_looked(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(SourceError, match=r"among: .*, nor in the folders inside\."):
        expand(tmp_path / "a")


def test_links_in_circles_multiply_nothing(tmp_path: Path) -> None:
    folder = _deep(tmp_path)
    try:
        (folder / "one" / "again").symlink_to(folder)
        (folder / "two" / "again").symlink_to(folder / "one")
    except OSError:
        pytest.skip("this system has no symbolic links")
    assert _names(expand(folder)) == ["a.jpg", "b.jpg", "c.png"]
    assert _names(expand(f"{folder}/**/*.jpg")) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("https://example.org/a.jpg", "https://example.org/a.jpg: headlab reads files only"),
        (Path("https://example.org/a.jpg"), "https://example.org/a.jpg: headlab reads files only"),
        ("rtsp://10.0.0.1:554/stream", "nothing from the network"),
        ("0", "no cameras"),
        ("m.pt", "no such file or folder"),
    ],
)
def test_what_is_no_file_is_answered_before_anything_is_imported(
    source: str | Path, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headlab.detect.sources.ultralytics", None)
    with pytest.raises(SourceError, match=message):
        expand(source)


def test_a_model_as_source_is_a_swap(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(b"")
    with pytest.raises(SourceError, match="not an image") as caught:
        expand(tmp_path / "m.pt")
    assert "The model comes first" in caught.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_source_and_no_photo_of_a_folder(tmp_path: Path) -> None:
    folder = _deep(tmp_path)
    os.mkfifo(folder / "one" / "pipe.jpg")
    assert _names(expand(folder)) == ["a.jpg", "b.jpg", "c.png"]
    with pytest.raises(SourceError, match="a device or a pipe"):
        expand(folder / "one" / "pipe.jpg")
