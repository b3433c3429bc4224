"""The traced table: its columns, its addresses, its cells in the photo, and what was skipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from headlab.detect.settings import Settings
from headlab.errors import SourceError
from headlab.families.identify import identify
from headlab.families.network import runnable
from headlab.families.read import read
from headlab.trace.picture import rotated_corners
from headlab.trace.trace import Trace, trace

Small = Callable[..., Path]


def _picture(path: Path, height: int, width: int, seed: int = 0) -> Path:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(coarse, (width, height)))
    return path


def _trace(model: Path, *sources: Path, settings: Settings | None = None) -> Trace:
    checkpoint = read(model)
    return trace(runnable(checkpoint), identify(checkpoint), list(sources), settings)


def test_columns_and_types(small: Small, tmp_path: Path) -> None:
    traced = _trace(small("yolov8"), _picture(tmp_path / "a.png", 128, 128))
    types = dict(traced.detections.schema)
    assert {name: str(kind) for name, kind in types.items()} == {
        "image": "String",
        "frame": "Int64",
        "detection": "Int64",
        "class_id": "Int64",
        "class_name": "String",
        "score": "Float64",
        **dict.fromkeys(("x1", "y1", "x2", "y2", "angle_rad", "obb_w", "obb_h"), "Float64"),
        "level": "String",
        **dict.fromkeys(("stride_px", "row", "col", "slot", "flat_index"), "Int64"),
        **dict.fromkeys(("anchor_w", "anchor_h", "input_w", "input_h"), "Float64"),
        **dict.fromkeys(("cell_x1", "cell_y1", "cell_x2", "cell_y2"), "Float64"),
        **{
            f"{what}_{level}": kind
            for level in ("P3", "P4", "P5")
            for what, kind in (
                ("merged", "Int64"),
                ("best", "Float64"),
                ("alone", "Boolean"),
                ("without", "Boolean"),
            )
        },
    }
    assert traced.detections["frame"].null_count() == traced.detections.height
    assert traced.images.to_dicts() == [
        {
            "image": str(tmp_path / "a.png"),
            "frame": None,
            "width_px": 128,
            "height_px": 128,
            "input_width_px": 128,
            "input_height_px": 128,
            "detections": traced.detections.height,
        }
    ]


def test_facts_that_hold_for_every_detection(small: Small, tmp_path: Path) -> None:
    photos = [_picture(tmp_path / f"{n}.png", 100 + 40 * n, 180, n) for n in range(3)]
    found = _trace(small("yolov8", nc=5), *photos).detections
    assert found.height > 10
    for row in found.to_dicts():
        own = row["level"]
        assert row["stride_px"] == {"P3": 8, "P4": 16, "P5": 32}[own]
        assert row[f"merged_{own}"] >= 1, "its own candidate counts"
        assert row[f"alone_{own}"], "its own level finds it alone: nothing better is in the way"
        assert max(row[f"best_{each}"] or 0 for each in ("P3", "P4", "P5")) == row["score"]
        for each in ("P3", "P4", "P5"):
            assert (row[f"best_{each}"] is None) == (row[f"merged_{each}"] == 0)


def test_cell_in_the_photo_by_hand(small: Small, tmp_path: Path) -> None:
    """A photo of 256 x 64 px at imgsz 128: gain 0.5, scaled to 128 x 32, no padding (32 is a multiple).

    The cell (row, col) of a level with stride s covers input pixels [col * s, (col + 1) * s), which are
    photo pixels [2 * col * s, 2 * (col + 1) * s).
    """
    found = _trace(small("yolov8"), _picture(tmp_path / "wide.png", 64, 256)).detections
    assert found.height > 0
    for row in found.to_dicts():
        side = 2 * row["stride_px"]
        corners = [row[f"cell_{name}"] for name in ("x1", "y1", "x2", "y2")]
        left, top = row["col"] * side, row["row"] * side
        assert corners == [left, top, left + side, top + side]


def test_flat_index_and_address_agree(small: Small, tmp_path: Path) -> None:
    traced = _trace(small("yolov8-p2"), _picture(tmp_path / "a.png", 96, 160))
    size = traced.images.select("input_height_px", "input_width_px").row(0)
    space = traced.layout.addresses(*size)
    for row in traced.detections.to_dicts():
        level = traced.layout.level_index(row["level"])
        assert space.flat(level, row["row"], row["col"], row["slot"]) == row["flat_index"]


def test_oriented_boxes_are_those_of_ultralytics(small: Small, tmp_path: Path) -> None:
    """Angle, width and height give the very corners that YOLO.predict gives."""
    from ultralytics import YOLO

    path, photo = small("yolov8-obb"), _picture(tmp_path / "a.png", 128, 200)
    found = _trace(path, photo).detections
    (result,) = YOLO(str(path)).predict(photo, verbose=False)
    assert found.height == len(result.obb) > 0
    expected = np.sort(result.obb.xyxyxyxy.numpy(), axis=1)
    corners = np.sort([rotated_corners(row) for row in found.to_dicts()], axis=1)
    np.testing.assert_allclose(corners, expected, atol=1e-2)
    np.testing.assert_allclose(found["obb_w"], result.obb.xywhr[:, 2], rtol=1e-6)


def test_upright_boxes_have_no_angle(small: Small, tmp_path: Path) -> None:
    found = _trace(small("yolov8"), _picture(tmp_path / "a.png", 128, 128)).detections
    for name in ("angle_rad", "obb_w", "obb_h"):
        assert found[name].null_count() == found.height > 0


def test_video_frames_are_numbered(small: Small, tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 96))
    for seed in range(5):
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
        writer.write(cv2.resize(coarse, (128, 96)))
    writer.release()
    still = _picture(tmp_path / "still.png", 96, 128)
    traced = _trace(small("yolov8"), path, still, settings=Settings(vid_stride=2))
    assert traced.images.select("image", "frame").rows() == [
        (str(still), None),
        (str(path), 1),  # of each two frames the last, as ultralytics takes them
        (str(path), 3),
    ]


def test_names_that_look_like_patterns_and_come_unsorted(small: Small, tmp_path: Path) -> None:
    """A star in a name is part of the name; results belong to the photo that they are listed with."""
    names = ("z 1.png", "鳥 [1]*.png", "a?.png", "*b.png")
    photos = [_picture(tmp_path / name, 96 + 32 * at, 128, at) for at, name in enumerate(names)]
    traced = _trace(small("yolov8"), *photos)
    assert traced.skipped == ()
    heights = dict(traced.images.select("image", "height_px").iter_rows())
    assert heights == {str(path): 96 + 32 * at for at, path in enumerate(photos)}


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Files between readable ones that look like images and are none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    good = _picture(folder / "b.png", 96, 128)
    (folder / "a.jpg").write_bytes(b"")
    (folder / "c.jpg").write_bytes(b"this is no JPEG")
    (folder / "d.png").write_bytes(good.read_bytes()[:60])
    _picture(folder / "e.jpg", 96, 128)
    (folder / "f.mp4").write_bytes(b"no video")
    return folder


def test_damaged_files_are_skipped_and_named(small: Small, damaged: Path) -> None:
    traced = _trace(small("yolov8"), damaged)
    assert traced.images["image"].to_list() == [str(damaged / "b.png"), str(damaged / "e.jpg")]
    assert [(Path(each.path).name, each.reason) for each in traced.skipped] == [
        ("a.jpg", "the file is empty"),
        ("c.jpg", "it is not an image of a known kind"),
        ("d.png", "the file is truncated"),
        ("f.mp4", "not readable as a video"),
    ]


def test_nothing_readable_is_an_error(small: Small, damaged: Path) -> None:
    with pytest.raises(SourceError, match=r"None of the sources could be read: .*c\.jpg"):
        _trace(small("yolov8"), damaged / "c.jpg")


def test_image_without_detections(small: Small, tmp_path: Path) -> None:
    path = _picture(tmp_path / "a.png", 96, 128)
    traced = _trace(small("yolov8"), path, settings=Settings(conf=0.999999))
    assert traced.detections.height == 0
    assert traced.images["detections"].to_list() == [0]
    assert traced.detections.schema["score"] == pl.Float64


def test_end_to_end_detections_have_addresses(small: Small, tmp_path: Path) -> None:
    path = _picture(tmp_path / "a.png", 128, 160)
    found = _trace(small("yolo26"), path, settings=Settings(end2end=True)).detections
    assert found.height > 0
    assert found["level"].is_in(["P3", "P4", "P5"]).all()


def test_the_eagle_is_found_at_p5(yolov8n: Path, shared: Path) -> None:
    found = _trace(yolov8n, shared / "photos" / "eagle.jpg").detections.to_dicts()
    assert [(row["class_name"], row["level"], row["stride_px"]) for row in found] == [
        ("bird", "P5", 32)
    ]
    assert found[0]["score"] == pytest.approx(0.93, abs=0.005)
