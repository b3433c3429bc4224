"""A trace as a sequence of images: each one's detections, its picture, and its pixels read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image

import headlab
from headlab.errors import InputError, SourceError
from headlab.trace.image import read_frame
from headlab.trace.sheet import MOST_PICTURES, sheet
from headlab.trace.text import MOST_LINES

Small = Callable[..., Path]


@pytest.fixture
def model(small: Small) -> headlab.Model:
    return headlab.load(small("yolov8", nc=5))


def _picture(path: Path, height: int, width: int, seed: int = 0) -> Path:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(coarse, (width, height)))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return [_picture(tmp_path / f"{at}.png", 96 + 32 * at, 160, at) for at in range(3)]


def test_the_images_share_out_the_detections(model: headlab.Model, photos: list[Path]) -> None:
    trace = model.trace(photos)
    assert len(trace) == 3
    assert [image.path for image in trace] == [str(path) for path in photos]
    assert [image.size_hw_px for image in trace] == [(96, 160), (128, 160), (160, 160)]
    assert pl.concat([image.detections for image in trace]).equals(trace.detections)
    for image, alone in zip(trace, map(model.trace, photos), strict=True):
        assert image.detections.equals(alone.detections)
    assert trace[-1].path == str(photos[2])
    with pytest.raises(IndexError):
        _ = trace[3]


def test_an_image_is_a_result_of_its_own(
    model: headlab.Model, photos: list[Path], tmp_path: Path
) -> None:
    image = model.trace(photos)[1]
    document = json.loads(image.save(tmp_path / "one.json").read_text("utf-8"))
    assert (document["image"], document["height_px"], document["width_px"]) == (
        str(photos[1]),
        128,
        160,
    )
    assert document["detections"] == image.detections.to_dicts()
    assert repr(image) == f"<TracedImage: {photos[1]}, {image.detections.height} detections>"
    assert str(image).startswith(f"{photos[1]}: {image.detections.height} detections  128 x 160 px")
    assert "(height x width)" in str(image)
    assert image._repr_html_().startswith("<table")


def test_the_picture_is_drawn_on_the_photo_read_again(
    model: headlab.Model, photos: list[Path], tmp_path: Path
) -> None:
    streamed = [image.plot() for image in model.trace(photos, stream=True)]
    trace = model.trace(photos)
    for image, picture in zip(trace, streamed, strict=True):
        assert image.pixels is None
        assert image.plot().tobytes() == picture.tobytes()
    with Image.open(trace[0].save(tmp_path / "out.png")) as saved:
        assert saved.size == streamed[0].size


def test_one_image_is_plotted_itself_and_several_as_a_sheet(
    model: headlab.Model, photos: list[Path], tmp_path: Path
) -> None:
    alone = model.trace(photos[0])
    assert alone.plot().tobytes() == alone[0].plot().tobytes()
    whole = model.trace(photos).plot()
    assert whole.width > 2 * 160
    assert whole.height > 96 + 160  # two columns, two rows
    assert model.trace(photos).save(tmp_path / "sheet.png").is_file()


def test_a_photo_that_changed_is_not_drawn_on(model: headlab.Model, photos: list[Path]) -> None:
    trace = model.trace(photos[:2])
    _picture(photos[0], 50, 60)
    photos[1].unlink()
    with pytest.raises(SourceError, match=r"0\.png: the image is of another size now"):
        trace[0].plot()
    with pytest.raises(SourceError, match=r"1\.png"):
        trace[1].plot()


def test_a_frame_is_read_again(model: headlab.Model, tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 96))
    for seed in range(5):
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
        writer.write(cv2.resize(coarse, (128, 96)))
    writer.release()
    streamed = [image.image_bgr for image in model.trace(path, vid_stride=2, stream=True)]
    trace = model.trace(path, vid_stride=2)
    assert [image.frame for image in trace] == [1, 3]
    for image, pixels in zip(trace, streamed, strict=True):
        assert np.array_equal(image.image_bgr, pixels)
    assert trace[1].name == f"{path} frame 3"
    with pytest.raises(SourceError, match="frame 5 is not readable"):
        read_frame(path, 5)


def test_a_trace_has_the_manners_of_a_result(
    model: headlab.Model, photos: list[Path], tmp_path: Path
) -> None:
    trace = model.trace(photos, max_det=20)
    assert trace.table is trace.detections
    assert repr(trace) == f"<Trace: 3 images, {trace.detections.height} detections>"
    assert trace.to_pandas()["level"].tolist() == trace.detections["level"].to_list()
    assert trace.to_dict()["model"] == str(model.path)
    text = str(trace)
    for path in photos:
        assert f"{path}: " in text
    assert text.splitlines()[-1] == f"3 images, {trace.detections.height} detections"
    many = model.trace(photos)
    assert many.detections.height > MOST_LINES
    assert str(many).startswith("level "), "the summary alone"
    with pytest.raises(InputError, match="There is no class"):
        model.trace(photos, classes=["bee", "unicorn"])


def test_an_edited_model_is_called_so(model: headlab.Model, photos: list[Path]) -> None:
    edited = model.edit(headlab.Shift(levels="P4", by=1))
    assert edited.trace(photos[0]).model == f"{model.path} (edited)"


def test_a_sheet_by_hand() -> None:
    """Three pictures in two columns: tiles of 480 x 240, 24 px for the names, gaps of 8."""
    pictures = [Image.new("RGB", (960, 480), colour) for colour in ("red", "lime", "blue")]
    whole = sheet([(f"{at}.png", picture) for at, picture in enumerate(pictures)])
    assert whole.size == (8 + 2 * (480 + 8), 8 + 2 * (240 + 24 + 8))
    assert whole.getpixel((8, 8)) == (255, 0, 0)
    assert whole.getpixel((8 + 480 + 8, 8)) == (0, 255, 0)
    assert whole.getpixel((8, 8 + 240 + 24 + 8)) == (0, 0, 255)
    assert whole.getpixel((0, 0)) == whole.getpixel((8 + 480 + 4, 100)) == (255, 255, 255)
    names = np.asarray(whole)[8 + 240 : 8 + 240 + 24, 8:488]
    assert names.min() < 100, "the name is written below its picture"


def test_small_pictures_are_not_enlarged() -> None:
    assert sheet([("a", Image.new("RGB", (30, 20)))]).size == (30 + 16, 20 + 24 + 16)


def test_a_sheet_shows_the_first_images_of_many(
    model: headlab.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(
        "headlab.trace.sheet.sheet",
        lambda pictures: shown.extend(name for name, _ in pictures) or Image.new("RGB", (1, 1)),
    )
    paths = [_picture(tmp_path / f"{at:02}.png", 64, 64, at) for at in range(MOST_PICTURES + 1)]
    model.trace(paths, conf=0.9).plot()
    assert shown == [path.name for path in paths[:MOST_PICTURES]]


def test_images_in_memory_are_kept_and_drawn(
    model: headlab.Model, photos: list[Path], tmp_path: Path
) -> None:
    array = cv2.imread(str(photos[0]))
    with Image.open(photos[1]) as picture:
        trace = model.trace([array, picture.copy(), photos[2]])
    assert [image.in_memory for image in trace] == [True, True, False]
    assert [image.path for image in trace] == ["image0.jpg", "image1.jpg", str(photos[2])]
    assert np.array_equal(trace[0].image_bgr, array)
    for image, path in zip(trace, photos, strict=True):
        of_file = model.trace(path)
        assert image.detections.drop("image").equals(of_file.detections.drop("image"))
        assert image.plot().tobytes() == of_file.plot().tobytes()
    assert trace.save(tmp_path / "sheet.png").is_file()


def test_the_length_of_an_image_is_its_number_of_detections(
    model: headlab.Model, photos: list[Path]
) -> None:
    trace = model.trace(photos)
    assert [len(image) for image in trace] == trace.images["detections"].to_list()
