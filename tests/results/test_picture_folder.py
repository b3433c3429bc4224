"""Saved pictures and videos: names, formats, and no source ever overwritten."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from headlab.errors import OutputError
from headlab.results.pictures.folder import PictureFolder
from headlab.results.pictures.picture import Picture
from headlab.results.pictures.video import frame_count
from headlab.trace.picture import draw
from traced_rows import STRIDES_PX, detection, rows

PHOTO = np.full((480, 640, 3), 100, np.uint8)


def traced(path: Path | str, frame: int | None = None) -> tuple[str, int | None, Picture]:
    found = rows(detection((20, 30, 200, 150), "P4", (5, 6)))
    return str(path), frame, draw(PHOTO, found, STRIDES_PX, constant_size=frame is not None)


def saved(
    folder: Path, *images: tuple[str, int | None, Picture], sources: tuple[Path, ...] = ()
) -> list[str]:
    with PictureFolder(folder, sources, "trace") as pictures:
        for image in images:
            pictures.add(*image)
    assert sorted(folder.iterdir()) == sorted({*pictures.saved, *sources} & set(folder.iterdir()))
    return [path.name for path in pictures.saved]


def test_names_do_not_collide(tmp_path: Path) -> None:
    images = [traced(name) for name in ("a/dog.jpg", "b/dog.jpg", "dog.JPG", "dog.bmp", "dog.png")]
    assert saved(tmp_path / "out", *images) == [
        "dog_trace.jpg",
        "dog_trace_2.jpg",
        "dog_trace_3.JPG",
        "dog_trace.png",
        "dog_trace_2.png",
    ]


def test_no_source_is_overwritten(tmp_path: Path) -> None:
    sources = (tmp_path / "dog.jpg", tmp_path / "dog_trace.jpg")
    for source in sources:
        source.write_bytes(b"a photo")
    names = saved(tmp_path, *(traced(source) for source in sources), sources=sources)
    assert names == ["dog_trace_2.jpg", "dog_trace_trace.jpg"]
    assert all(source.read_bytes() == b"a photo" for source in sources)


def test_png_is_exact(tmp_path: Path) -> None:
    saved(tmp_path, traced("dog.png"))
    drawn = np.asarray(Image.open(tmp_path / "dog_trace.png"))
    assert drawn.shape == (*traced("dog.png")[2].image.size[::-1], 3)
    assert tuple(drawn[100, 20]) == (230, 159, 0)  # the left edge of a P4 box


def test_frames_become_one_video_each(tmp_path: Path) -> None:
    frames = [traced("clip.avi", n) for n in range(5)] + [traced("other/clip.avi", 0)]
    assert saved(tmp_path, *frames, traced("dog.jpg")) == [
        "clip_trace.mp4",
        "clip_trace_2.mp4",
        "dog_trace.jpg",
    ]
    assert frame_count(tmp_path / "clip_trace.mp4") == 5
    assert frame_count(tmp_path / "clip_trace_2.mp4") == 1
    video = cv2.VideoCapture(str(tmp_path / "clip_trace.mp4"))
    ok, frame = video.read()
    video.release()
    assert ok
    assert frame.shape == (*frames[0][2].image.size[::-1], 3)
    blue, green, red = (int(channel) for channel in frame[100, 21])
    assert red > green > blue  # orange, after a lossy codec


def test_a_frame_of_another_size_is_filled_up_or_cut_off(tmp_path: Path) -> None:
    sizes = [(640, 520), (600, 540), (700, 480)]
    frames = [
        ("clip.avi", at, Picture(Image.new("RGB", size, (9, 99, 9))))
        for at, size in enumerate(sizes)
    ]
    saved(tmp_path, *frames)
    video = cv2.VideoCapture(str(tmp_path / "clip_trace.mp4"))
    read = [video.read()[1] for _ in frames]
    video.release()
    assert {frame.shape for frame in read} == {(520, 640, 3)}
    assert read[1][300, 300].max() < 150 < 200 < read[1][300, 630].min(), (
        "paper, and nothing stretched"
    )


def add_one_and_fail(pictures: PictureFolder) -> None:
    pictures.add(*traced("clip.avi", 0))
    raise KeyError("the run fails")


def test_a_video_that_is_cut_off_is_not_kept(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with pytest.raises(KeyError), PictureFolder(folder, (), "trace") as pictures:
        add_one_and_fail(pictures)
    assert not folder.exists()


def test_a_folder_of_the_user_is_not_removed(tmp_path: Path) -> None:
    with PictureFolder(tmp_path, (), "trace"):
        pass
    assert tmp_path.is_dir()


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file", "utf-8")
    with pytest.raises(OutputError, match="the folder cannot be made"):
        PictureFolder(tmp_path / "out", (), "trace")


def test_notes_are_counted_and_told(tmp_path: Path) -> None:
    with PictureFolder(tmp_path, (), "trace") as pictures:
        for name in ("a.png", "b.png"):
            pictures.add(name, None, Picture(Image.new("RGB", (20, 20)), ("No room for labels.",)))
    assert list(pictures.told()) == [
        "No room for labels. (2 pictures)",
        f"saved 2 pictures in {tmp_path}",
    ]


def test_the_mark_is_in_the_name(tmp_path: Path) -> None:
    with PictureFolder(tmp_path, (), "compare") as pictures:
        pictures.add(*traced("dog.jpg"))
    assert [path.name for path in pictures.saved] == ["dog_compare.jpg"]
