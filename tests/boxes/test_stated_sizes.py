"""A size that annotations state, and the photo's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.boxes import BoxTable, check, convert, read, stats
from headlab.train.configuration.config import DataConfig
from headlab.train.data.splits import read_data


def voc(folder: Path, name: str, wh: tuple[int, int], *boxes: tuple[int, int, int, int]) -> None:
    (folder / "Annotations").mkdir(exist_ok=True)
    objects = "".join(
        "<object><name>dog</name><bndbox>"
        f"<xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for x1, y1, x2, y2 in boxes
    )
    (folder / "Annotations" / f"{name}.xml").write_text(
        f"<annotation><filename>{name}.png</filename><size><width>{wh[0]}</width>"
        f"<height>{wh[1]}</height></size>{objects}</annotation>"
    )


def coco(folder: Path, wh: tuple[int, int], box: tuple[int, int, int, int]) -> Path:
    x1, y1, x2, y2 = box
    document = {
        "images": [{"id": 1, "file_name": "JPEGImages/a.png", "width": wh[0], "height": wh[1]}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}],
        "categories": [{"id": 1, "name": "dog"}],
    }
    (folder / "coco.json").write_text(json.dumps(document))
    return folder / "coco.json"


def kinds(table: BoxTable) -> list[tuple[str, str]]:
    return [(problem.severity, problem.kind) for problem in table.problems]


@pytest.mark.parametrize("of", ["voc", "coco"])
@pytest.mark.parametrize("stated", [(50, 37), (18, 25), (38, 50), (3700, 5000)])
def test_shares_are_of_the_photos_own_sides(
    tmp_path: Path, photo: MakePhoto, stated: tuple[int, int], of: str
) -> None:
    photo("JPEGImages/a.png", 37, 50)
    box = (3, 4, 13, 24)
    data = tmp_path
    if of == "coco":
        data = coco(tmp_path, stated, box)
    else:
        voc(tmp_path, "a", stated, box)
    done = convert(data, tmp_path / "yolo", "yolo")
    (label,) = (tmp_path / "yolo").rglob("a.txt")
    # ((3 + 13) / 2 / 37, (4 + 24) / 2 / 50, 10 / 37, 20 / 50)
    assert [float(word) for word in label.read_text().split()] == pytest.approx(
        [0, 8 / 37, 14 / 50, 10 / 37, 20 / 50], abs=1e-7
    )
    assert done.ok
    (said,) = [text for text in done.remarks() if "photo's own size" in text]
    assert "37 px wide and 50 px high" in said
    assert not check(data).ok
    (skipped,) = [text for text in map(str, stats(data).text()) if "while reading" in text]
    assert skipped.strip() == "put right while reading: size-mismatch (1); the first:"


def test_a_wrong_size_is_said_once_with_its_count(tmp_path: Path, photo: MakePhoto) -> None:
    for name in "abc":
        photo(f"JPEGImages/{name}.png", 37, 50, shade=ord(name))
        voc(tmp_path, name, (50, 37), (3, 4, 13, 24))
    remarks = list(convert(tmp_path, tmp_path / "y", "yolo").remarks())
    assert len(remarks) == 1
    assert remarks[0].endswith("The photo's own size is used. (2 more like this)")


def test_boxes_of_a_larger_photo_are_not_guessed_at(tmp_path: Path, photo: MakePhoto) -> None:
    """One box beyond the photo, within the stated size, shows how the boxes were drawn."""
    for name in "abc":
        photo(f"JPEGImages/{name}.png", 40, 30, shade=ord(name))
    voc(tmp_path, "a", (80, 60), (50, 4, 70, 24))
    voc(tmp_path, "b", (80, 60), (1, 2, 3, 4))
    voc(tmp_path, "c", (40, 30), (1, 2, 3, 4))
    table = read(tmp_path)
    assert table.boxes["image"].to_list() == ["c.png"]
    assert kinds(table) == [("error", "boxes-of-other-size")] * 2
    assert "its 1 box was skipped" in table.problems[0].message
    assert table.unread == table.problems
    done = convert(table, tmp_path / "y", "yolo")
    assert not done.ok


def test_a_box_beyond_both_sizes_shows_nothing(tmp_path: Path, photo: MakePhoto) -> None:
    photo("JPEGImages/a.png", 40, 30)
    voc(tmp_path, "a", (60, 50), (1, 2, 900, 24), (1, 2, 3, 4))
    table = read(tmp_path)
    assert len(table) == 2
    assert kinds(table) == [("error", "size-mismatch")]


def test_without_the_photo_the_stated_size_is_all_there_is(tmp_path: Path) -> None:
    voc(tmp_path, "a", (80, 60), (50, 4, 70, 24))
    assert read(tmp_path).images.select("width_px", "height_px").row(0) == (80, 60)


@pytest.mark.parametrize("side", ["1" + "0" * 30, "1e400", "-5", "nan", "w"])
def test_a_size_that_is_none(tmp_path: Path, photo: MakePhoto, side: str) -> None:
    photo("JPEGImages/a.png", 40, 30)
    voc(tmp_path, "a", (side, 30), (1, 2, 3, 4))  # type: ignore[arg-type]
    table = read(tmp_path)
    assert table.images.select("width_px", "height_px").row(0) == (40, 30)
    assert not table.problems


def test_training_uses_the_photos_own_size(tmp_path: Path, photo: MakePhoto) -> None:
    photo("JPEGImages/a.png", 40, 30)
    photo("JPEGImages/b.png", 40, 30, shade=1)
    voc(tmp_path, "a", (30, 40), (1, 2, 31, 24))
    voc(tmp_path, "b", (40, 30), (1, 2, 3, 4))
    data = read_data(DataConfig(train=str(tmp_path), val_fraction=0))
    # 31 is beyond the 30 px that the file states, not beyond the photo's 40
    assert sorted(boxes[0].tolist() for boxes in data.train.boxes) == [
        [1, 2, 3, 4, 0],
        [1, 2, 31, 24, 0],
    ]
    assert "The photo's own size is used" in data.notes[0]
