"""`headlab trace`: its tables, files, pictures, and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from traced_command import document, save_noise, traced

import models

Small = Callable[..., Path]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pictures of blurred noise and a smaller folder with one of the same name."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "more").mkdir()
    save_noise(folder, ("a.png", "b.jpg", "more/a.png"))
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of four frames of noise."""
    path = tmp_path_factory.mktemp("video") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 96))
    for seed in range(4):
        writer.write(np.random.default_rng(seed).integers(0, 256, (96, 128, 3), np.uint8))
    writer.release()
    return path


def test_a_table_per_image_and_a_summary(small: Small, photos: Path) -> None:
    found = document(small(), photos)
    done = traced(small(), photos)
    assert done.code == 0
    assert [image["detections"] > 0 for image in found["images"]] == [True, True]
    for image in found["images"]:
        assert any(line.startswith(f"{image['image']}: ") for line in done.out.splitlines())
    total = sum(image["detections"] for image in found["images"])
    assert done.out.splitlines()[-1] == f"2 images, {total} detections"
    rows = [words for words in done.words if words and words[0].isdigit() and "/" in words[3]]
    assert len(rows) == total
    first = found["detections"][0]
    assert rows[0][:4] == [
        "0",
        first["class_name"],
        f"{first['score']:.2f}",
        f"{first['level']}/{first['stride_px']}",
    ]


def test_quiet_prints_the_summary_only(small: Small, photos: Path) -> None:
    done = traced(small(), photos, "--quiet")
    assert done.out.splitlines()[0].startswith("level")
    assert "a.png" not in done.out


def test_the_three_files_hold_the_same(small: Small, photos: Path, tmp_path: Path) -> None:
    names = {kind: tmp_path / f"t.{kind}" for kind in ("json", "csv", "parquet")}
    done = traced(small(), photos, *(part for path in names.values() for part in ("-o", path)))
    assert done.code == 0
    assert all(f"wrote {path}" in done.err for path in names.values())
    table = pl.read_parquet(names["parquet"])
    assert table.height
    assert_frame_equal(pl.read_csv(names["csv"], schema_overrides=table.schema), table)
    held = json.loads(names["json"].read_text("utf-8"))["detections"]
    assert_frame_equal(pl.DataFrame(held, schema=table.schema), table)


def test_pictures_are_saved(small: Small, photos: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in photos.rglob("*.*")}
    sources = (photos, photos / "more" / "a.png")
    done = traced(small(), *sources, "--save", tmp_path / "out")
    assert done.code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a_trace.png",
        "a_trace_2.png",
        "b_trace.jpg",
    ]
    assert "saved 3 pictures" in done.err
    assert {path: path.read_bytes() for path in photos.rglob("*.*")} == before
    drawn = cv2.imread(str(tmp_path / "out" / "a_trace.png"))
    source = cv2.imread(str(photos / "a.png"))
    # Small photos are drawn larger, by a whole number; the legend comes below.
    factor, rest = divmod(drawn.shape[1], source.shape[1])
    assert (factor >= 5, rest) == (True, 0)
    assert drawn.shape[0] > factor * source.shape[0]


def test_a_video(small: Small, clip: Path, tmp_path: Path) -> None:
    done = traced(small(), clip, "--vid-stride", 2, "--save", tmp_path, "-o", tmp_path / "j.json")
    assert done.code == 0
    found = json.loads((tmp_path / "j.json").read_text("utf-8"))
    assert [image["frame"] for image in found["images"]] == [1, 3]
    assert f"{clip} frame 3: " in done.out
    assert "2 frames, " in done.out
    assert (tmp_path / "clip_trace.mp4").is_file()


def test_classes_by_name_and_number(small: Small, photos: Path) -> None:
    everything = document(small(), photos)["detections"]
    assert len({row["class_id"] for row in everything}) > 1
    found = document(small(), photos, "--classes", "bee,0")
    assert found["settings"]["classes"] == [1, 0]
    assert {row["class_id"] for row in found["detections"]} <= {0, 1}


def test_options_reach_the_detection(small: Small, photos: Path) -> None:
    options = ("--conf", 0.6, "--iou", 0.3, "--imgsz", "64,96", "--max-det", 5, "--device", "cpu")
    found = document(small(), photos / "a.png", *options)
    settings = found["settings"]
    assert (settings["conf"], settings["iou"], settings["max_det"]) == (0.6, 0.3, 5)
    assert len(found["detections"]) <= 5
    assert all(row["score"] > 0.6 for row in found["detections"])
    assert found["images"][0]["input_width_px"] <= 96


def test_defaults_are_those_of_predict(small: Small, photos: Path) -> None:
    from ultralytics.cfg import get_cfg

    defaults = get_cfg()
    settings = document(small(), photos / "a.png")["settings"]
    assert settings["conf"] == (defaults.conf or 0.25)
    for name in ("iou", "max_det", "agnostic_nms", "vid_stride"):
        assert settings[name] == getattr(defaults, name)


@pytest.mark.parametrize("kind", ["yolo26", "yolov8-obb", "yolov3-tiny"])
def test_other_heads_are_shown_and_drawn(
    kind: str, small: Small, photos: Path, tmp_path: Path
) -> None:
    done = traced(small(kind), photos / "a.png", "--conf", 0.05, "--save", tmp_path)
    assert done.code == 0
    assert (tmp_path / "a_trace.png").is_file()


def test_an_unreadable_image_is_skipped_with_exit_code_1(
    small: Small, photos: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes((photos / "b.jpg").read_bytes()[:20])
    done = traced(small(), photos / "a.png", bad, "-o", tmp_path / "t.json")
    assert done.code == 1
    assert f"skipped {bad}: its header is cut off" in done.err
    assert ", 1 skipped, " in done.out.splitlines()[-1]
    assert [
        each["path"] for each in json.loads((tmp_path / "t.json").read_text("utf-8"))["skipped"]
    ] == [str(bad)]


def test_no_readable_source_is_exit_code_2_and_writes_nothing(small: Small, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"not a photo")
    done = traced(small(), bad, "--save", tmp_path / "out", "-o", tmp_path / "t.csv")
    assert done.code == 2
    assert "None of the sources could be read" in done.err
    assert sorted(tmp_path.iterdir()) == [bad]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--classes", "beee"), "Did you mean 'bee'"),
        (("--classes", ","), "names no class"),
        (("--conf", "2"), "conf is 2"),
        (("--imgsz", "big"), "not a size in pixels"),
        (("-o", "none/t.csv"), "there is no folder none"),
        (("-o", "t.csv", "-o", "./t.csv"), "same file"),
        (("-o", "t.xlsx"), "End the name in .json, .csv, .parquet, .html or .png"),
        (("-o", "-"), "say --json"),
    ],
)
def test_wrong_input(
    args: tuple[str, ...],
    message: str,
    small: Small,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = traced(small(), photos, *args)
    assert done.code == 2
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_never_overwritten(photos: Path, tmp_path: Path) -> None:
    model = models.detector(tmp_path, nc=1)
    before = model.read_bytes()
    done = traced(model, photos, "-o", model)
    assert done.code == 2
    assert "cannot be written in this format" in done.err
    assert model.read_bytes() == before


def test_a_photo_is_never_overwritten(small: Small, tmp_path: Path) -> None:
    save_noise(tmp_path, ("a.png",))
    photo = tmp_path / "a.png"
    before = photo.read_bytes()
    done = traced(small(), photo, "-o", tmp_path / "b.csv", "-o", photo)
    assert done.code == 2
    assert f"{photo} is the input itself.\nGive another output with -o." in done.err
    assert photo.read_bytes() == before
    assert list(tmp_path.iterdir()) == [photo]


def test_a_drawing_and_a_page(small: Small, photos: Path, tmp_path: Path) -> None:
    picture, page = tmp_path / "t.png", tmp_path / "t.html"
    assert traced(small(), photos / "a.png", "-o", picture, "-o", page, "--quiet").code == 0
    assert cv2.imread(str(picture)) is not None
    assert "P3" in page.read_text("utf-8")


def test_no_detection_is_an_answer(small: Small, photos: Path, tmp_path: Path) -> None:
    done = traced(small(), photos, "--conf", 1, "-o", tmp_path / "t.csv")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "2 images, no detections"
    assert pl.read_csv(tmp_path / "t.csv").height == 0
