"""Tracing one image after the other: what is yielded, skipped, counted and forgotten."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import headlab
from headlab.detect.sources import Source
from headlab.errors import InputError, SourceError
from headlab.trace.image import TracedImage
from headlab.trace.stream import image_count

Small = Callable[..., Path]


def _picture(path: Path, seed: int = 0) -> Path:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(coarse, (160, 128)))
    return path


def _clip(path: Path, frames: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 96))
    for seed in range(frames):
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
        writer.write(cv2.resize(coarse, (128, 96)))
    writer.release()
    return path


@pytest.fixture
def model(small: Small) -> headlab.Model:
    return headlab.load(small("yolov8", nc=5))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photos, and a file between them that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(("a.png", "c.png", "d.png")):
        _picture(folder / name, seed)
    (folder / "b.png").write_bytes(b"no photo")
    return folder


def test_a_stream_gives_each_image_with_its_pixels(model: headlab.Model, photos: Path) -> None:
    stream = model.trace(photos, stream=True)
    images = list(stream)
    assert [Path(image.path).name for image in images] == ["a.png", "c.png", "d.png"]
    assert [(Path(each.path).name, each.reason) for each in stream.skipped] == [
        ("b.png", "it is not an image of a known kind")
    ]
    for image in images:
        assert image.pixels is not None
        assert np.array_equal(image.pixels, cv2.imread(image.path))
        assert image.size_hw_px == (128, 160)


def test_collected_it_is_the_trace(model: headlab.Model, photos: Path) -> None:
    whole = model.trace(photos, conf=0.3)
    seen: list[str] = []
    collected = model.trace(photos, conf=0.3, stream=True).collect(
        lambda image: seen.append(image.path)
    )
    assert collected.detections.equals(whole.detections)
    assert collected.to_dict() == whole.to_dict()
    assert seen == whole.images["image"].to_list()


def test_what_was_taken_before_is_not_collected(model: headlab.Model, photos: Path) -> None:
    stream = model.trace(photos, stream=True)
    next(stream)
    rest = stream.collect()
    assert [Path(image.path).name for image in rest] == ["c.png", "d.png"]


def test_an_image_is_forgotten_when_the_next_one_comes(model: headlab.Model, photos: Path) -> None:
    """Memory stays that of one image: nothing but the loop holds it."""
    seen = []
    for image in model.trace(photos, stream=True):
        gc.collect()
        assert not any(reference() for reference in seen)
        seen.append(weakref.ref(image))
        del image
    assert len(seen) == 3


def test_progress_counts_images_and_those_that_were_skipped(
    model: headlab.Model, photos: Path
) -> None:
    calls: list[tuple[int, int | None]] = []
    model.trace(photos, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_progress_counts_frames(model: headlab.Model, tmp_path: Path) -> None:
    clip, calls = _clip(tmp_path / "clip.avi", 5), []
    model.trace(clip, vid_stride=2, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]  # of five frames the second and the fourth


def test_images_and_frames_are_counted(tmp_path: Path) -> None:
    clip, broken = _clip(tmp_path / "clip.avi", 5), tmp_path / "broken.avi"
    broken.write_bytes(b"no video")
    photo, video, no_video = map(Source.of_file, (Path("dog.jpg"), clip, broken))
    assert image_count([photo, video], 1) == 6
    assert image_count([photo, video], 2) == 3  # of five frames the second and the fourth
    assert image_count([photo, no_video], 1) is None


def test_what_is_wrong_is_said_at_the_call(model: headlab.Model, photos: Path) -> None:
    with pytest.raises(InputError, match="no class 'unicorn'"):
        model.trace(photos, classes="unicorn", stream=True)
    with pytest.raises(InputError, match="cuda:99"):
        model.trace(photos, device="cuda:99", stream=True)
    with pytest.raises(SourceError, match="no such file"):
        model.trace(photos / "none.png", stream=True)
    with pytest.raises(TypeError, match="confidence"):
        model.trace(photos, confidence=0.3, stream=True)  # type: ignore[call-overload]


def test_a_stream_of_nothing_readable(model: headlab.Model, photos: Path) -> None:
    stream = model.trace(photos / "b.png", stream=True)
    assert list(stream) == []
    assert len(stream.skipped) == 1
    with pytest.raises(SourceError, match="None of the sources could be read"):
        model.trace(photos / "b.png", stream=True).collect()


def test_a_class_alone_is_a_class(model: headlab.Model, photos: Path) -> None:
    by_name, by_number = (model.trace(photos, classes=one) for one in ("bee", 1))
    assert by_name.settings.classes == (1,)
    assert set(by_name.detections["class_name"]) == {"bee"}
    assert by_name.detections.equals(by_number.detections)


def test_streams_hand_over_traced_images(model: headlab.Model, photos: Path) -> None:
    image = next(model.trace(photos, stream=True))
    assert isinstance(image, TracedImage)
    assert image.detections.equals(model.trace(photos / "a.png").detections)
