"""What headlab detects is what `YOLO.predict` detects: boxes, scores, classes and order."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

import models
from headlab.detect.detector import Detector
from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source, expand
from headlab.errors import InputError
from headlab.families.network import runnable
from headlab.families.read import read

Small = Callable[..., Path]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three small pictures of different shapes."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(3)
    for name, (height, width) in {"a": (128, 128), "b": (90, 200), "c": (240, 131)}.items():
        coarse = rng.integers(0, 256, (6, 6, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), cv2.resize(coarse, (width, height)))
    return folder


def _theirs(path: Path, source: Any, **arguments: Any) -> list[Any]:
    from ultralytics import YOLO

    return list(YOLO(str(path)).predict(source, stream=True, verbose=False, **arguments))


def _ours(path: Path, files: list[Path], settings: Settings) -> list[Prediction]:
    return list(_detector(path, settings)([Source.of_file(file) for file in files]))


def _detector(path: Path, settings: Settings) -> Detector:
    return runnable(read(path)).detector(settings)


def _rows(result: Any) -> Any:
    return (result.obb if result.obb is not None else result.boxes).data


def _assert_equal(ours: list[Prediction], theirs: list[Any]) -> int:
    assert [each.result.path for each in ours] == [each.path for each in theirs]
    for mine, yours in zip(ours, theirs, strict=True):
        assert _rows(mine.result).equal(_rows(yours))
        assert len(mine.flat) == len(mine.kept) == len(_rows(yours))
    return sum(len(each.flat) for each in ours)


def _assert_addressed(prediction: Prediction, rotated: bool) -> None:
    """Every detection's numbers are those of the candidate that its flat index points at."""
    count = prediction.class_count
    for flat, row in zip(prediction.flat, prediction.kept, strict=True):
        candidate = prediction.candidates[:, flat]
        assert candidate[4 : 4 + count][int(row[5])] == row[4]
        if not prediction.corners:  # an end-to-end head may take a cell with a further class
            assert candidate[4 : 4 + count].max() == row[4]
        x, y, w, h = candidate[:4].tolist()
        box = row[:4].tolist()
        if rotated or prediction.corners:
            assert box == [x, y, w, h]
        else:
            assert box == pytest.approx([x - w / 2, y - h / 2, x + w / 2, y + h / 2], abs=1e-3)


@pytest.mark.parametrize("kind", models.KINDS)
def test_every_head_predicts_the_same(kind: str, small: Small, pictures: Path) -> None:
    path, files = small(kind), sorted(pictures.iterdir())
    found = 0
    for end2end in {False, models.KINDS[kind].end2end}:
        ours = _ours(path, files, Settings(end2end=end2end))
        theirs = _theirs(path, pictures, nms=False if end2end else None)
        found += _assert_equal(ours, theirs)
        for each in ours:
            _assert_addressed(each, rotated=models.KINDS[kind].task == "obb")
    assert found, "the seeded model must detect something, or nothing is compared"


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [
        (Settings(conf=0.6), {"conf": 0.6}),
        (Settings(iou=0.2), {"iou": 0.2}),
        (Settings(imgsz=224), {"imgsz": 224}),
        (Settings(imgsz=(96, 160)), {"imgsz": (96, 160)}),
        (Settings(classes=(2, 0)), {"classes": [2, 0]}),
        (Settings(max_det=2), {"max_det": 2}),
        (Settings(agnostic_nms=True), {"agnostic_nms": True}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_every_setting_is_passed_on(
    settings: Settings, arguments: dict[str, Any], small: Small, pictures: Path
) -> None:
    path = small("yolov8", nc=5)
    ours = _ours(path, sorted(pictures.iterdir()), settings)
    assert _assert_equal(ours, _theirs(path, pictures, **arguments))


def test_fused_end_to_end_model(tmp_path: Path, pictures: Path) -> None:
    path = models.fused(tmp_path, kind="yolo26")
    ours = _ours(path, sorted(pictures.iterdir()), Settings())
    assert _assert_equal(ours, _theirs(path, pictures))


def test_real_photos(yolov8n: Path, shared: Path) -> None:
    """All 128 photos of coco128 with the real weights."""
    photos = shared / "coco128" / "images" / "train2017"
    ours = _ours(yolov8n, sorted(photos.iterdir()), Settings())
    assert len(ours) == 128
    assert _assert_equal(ours, _theirs(yolov8n, photos)) > 600


def test_video_frames(small: Small, tmp_path: Path) -> None:
    video = write_video(tmp_path / "noise.avi", frames=5)
    path = small("yolov8")
    for stride in (1, 2):
        ours = _ours(path, [video], Settings(vid_stride=stride))
        assert len(ours) == {1: 5, 2: 2}[stride]
        assert _assert_equal(ours, _theirs(path, video, vid_stride=stride))


def _pixels(path: Path) -> Any:
    return cv2.imread(str(path))


def _opened(path: Path) -> Image.Image:
    return Image.open(path)


def _turned(path: Path) -> Image.Image:
    """A photo that Exif says to rotate by 90 degrees."""
    with Image.open(path) as photo:
        exif = photo.getexif()
        exif[ExifTags.Base.Orientation] = 6
        turned = path.with_name(f"turned_{path.stem}.jpg")
        photo.save(turned, exif=exif)
    return Image.open(turned)


@pytest.mark.parametrize(
    "image",
    [
        _pixels,
        _opened,
        _turned,
        lambda path: _opened(path).convert("L"),
        lambda path: _pixels(path)[..., 0],
    ],
    ids=["array", "PIL", "rotated by Exif", "grey PIL", "grey array"],
)
def test_images_in_memory(
    image: Callable[[Path], Any], small: Small, pictures: Path, tmp_path: Path
) -> None:
    path = small("yolov8")
    for name in ("a", "b", "c"):
        file = shutil.copy(pictures / f"{name}.png", tmp_path)
        ours = list(_detector(path, Settings())(expand(image(Path(file)))))
        theirs = _theirs(path, image(Path(file)))
        assert _assert_equal(ours, theirs)
        assert (ours[0].image_bgr == theirs[0].orig_img).all()


def test_images_in_memory_one_by_one(small: Small, pictures: Path, tmp_path: Path) -> None:
    """Each is predicted as if it were alone; given together, YOLO.predict would make them one batch."""
    files = sorted(pictures.iterdir())
    cut = tmp_path / "cut.png"
    cut.write_bytes(files[0].read_bytes()[:-200])
    path = small("yolov8")
    arrays = [_pixels(file) for file in files]
    sources = expand([arrays[0], Image.open(cut), arrays[1], files[2], arrays[2]])
    ours = list(_detector(path, Settings())(sources))
    assert [each.source.name for each in ours] == [
        "image0.jpg",
        "image2.jpg",
        "image4.jpg",
        str(files[2]),
    ]
    for mine, array in zip(ours, [*arrays, arrays[2]], strict=True):
        (yours,) = _theirs(path, array)
        assert _rows(mine.result).equal(_rows(yours))


def write_video(path: Path, frames: int) -> Path:
    rng = np.random.default_rng(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for _ in range(frames):
        coarse = rng.integers(0, 256, (5, 7, 3), np.uint8)
        writer.write(cv2.resize(coarse, (160, 120)))
    writer.release()
    return path


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"conf": 1.5}, "conf is 1.5; a number from 0 to 1"),
        ({"iou": -0.1}, "iou is -0.1; a number from 0 to 1"),
        ({"max_det": 0}, "max_det is 0; at least 1"),
        ({"imgsz": (640, 0)}, "imgsz is"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(**wrong)


@pytest.mark.parametrize("device", ["cuda:97", "a toaster"])
def test_missing_device_is_explained(device: str, small: Small) -> None:
    with pytest.raises(InputError, match=f"'{device}' cannot be used on this machine"):
        _detector(small("yolov8"), Settings(device=device))
