"""`headlab trace` of YOLOv3 models: slots, anchors, and what is asked of them only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from traced_command import document, save_noise, traced

import yolov3_models

Small = Callable[..., Path]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pictures of blurred noise."""
    folder = tmp_path_factory.mktemp("photos")
    save_noise(folder, ("a.png", "b.jpg"))
    return folder


@pytest.fixture(scope="module")
def darknet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small YOLOv3-tiny as darknet weights, with its cfg and names next to it."""
    return yolov3_models.saved(
        yolov3_models.random_model(), tmp_path_factory.mktemp("darknet") / "small.weights"
    )


def test_yolov3_shows_slots_and_anchors(darknet: Path, photos: Path, tmp_path: Path) -> None:
    found = document(darknet, photos, "--conf", 0.3)
    assert found["settings"]["iou"] == 0.45
    assert found["levels"][1]["anchors_wh_px"] == [[81, 82], [135, 169], [344, 319]]
    done = traced(darknet, photos, "--conf", 0.3, "--save", tmp_path / "out")
    assert done.code == 0
    first = found["detections"][0]
    place = next(words for words in done.words if words[:1] == ["0"])
    assert place[3:6] == [
        f"{first['level']}/{first['stride_px']}",
        f"{first['row']},{first['col']}",
        str(first["slot"]),
    ]
    assert place[7:] == [
        f"{first['input_w']:.0f}x{first['input_h']:.0f}",
        "/",
        f"{first['anchor_w']:.0f}x{first['anchor_h']:.0f}",
    ]
    assert [words[0] for words in done.words if words and words[0].startswith("P5/")] == [
        "P5/0",
        "P5/1",
        "P5/2",
    ]
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_multi_label_finds_more(darknet: Path, photos: Path) -> None:
    found = [
        document(darknet, photos, "--conf", 0.2, "--max-det", 5000, *more)["detections"]
        for more in ((), ("--multi-label",))
    ]
    assert len(found[1]) > len(found[0])


def test_files_next_to_the_weights_can_be_named(
    darknet: Path, photos: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.weights"
    alone.write_bytes(darknet.read_bytes())
    names = tmp_path / "other.names"
    names.write_text("鳥\nbee\ncat\n", "utf-8")
    options = ("--cfg", darknet.with_suffix(".cfg"), "--names", names, "--conf", 0.3)
    found = document(alone, photos, *options)["detections"]
    assert {row["class_name"] for row in found} <= {"鳥", "bee", "cat"}
    assert traced(alone, photos).code == 2


@pytest.mark.parametrize(
    ("model", "option", "message"),
    [
        ("darknet", "--end2end", "YOLOv3-tiny has no branch without NMS"),
        ("ultralytics", "--multi-label", "multi_label is for heads with anchors"),
    ],
)
def test_what_a_family_has_not_is_refused(
    model: str, option: str, message: str, darknet: Path, small: Small, photos: Path, tmp_path: Path
) -> None:
    path = darknet if model == "darknet" else small()
    done = traced(path, photos, option, "--save", tmp_path / "out")
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "out").exists()


def test_a_narrow_terminal_loses_no_column(
    darknet: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    done = traced(darknet, photos, "--conf", 0.3)
    tables = [line for line in done.out.splitlines() if "(height x width)" not in line]
    assert max(map(len, tables)) <= 60
    words = {word for line in done.words for word in line}
    assert {"class", "score", "level", "cell", "slot", "box", "merged", "alone", "needs"} <= words
    assert any(words[1:2] == ["bee"] and words[3][:2] in ("P4", "P5") for words in done.words)


def test_an_option_says_how_photos_are_resized(darknet: Path, photos: Path, small: Small) -> None:
    done = traced(darknet, photos, "--resize", "stretch")
    assert "stretched to 96 x 96 px (height x width)" in done.out
    assert document(darknet, photos, "--resize", "stretch")["settings"]["resize"] == "stretch"
    assert document(darknet, photos)["settings"]["resize"] == "letterbox"
    refused = traced(small(), photos, "--resize", "stretch")
    assert (refused.code, "as YOLO.predict does" in refused.err) == (2, True)


@pytest.mark.parametrize("size", ["100000", "0", "32,100000", "9" * 5000])
def test_sizes_that_no_machine_holds_are_refused(darknet: Path, photos: Path, size: str) -> None:
    done = traced(darknet, photos, "--imgsz", size)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_the_official_weights_on_a_photo(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    weights = shared / "weights" / "yolov3-tiny.weights"
    done = traced(weights, shared / "photos" / "dog.jpg")
    assert done.code == 0, done.err
    dog = next(words for words in done.words if words[1:2] == ["dog"])
    assert dog[3:6] == ["P5/32", "7,4", "1"]
    assert dog[7:] == ["128x177", "/", "135x169", "0/3", "P5", "0/3/0", "P5", "P5"]
    assert any(words[1:2] == ["bicycle"] for words in done.words)
