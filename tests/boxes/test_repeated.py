"""What is listed twice counts once."""

from __future__ import annotations

import json
from pathlib import Path

from small_photos import MakePhoto

from headlab.boxes import BoxTable, check, read, stats


def keras(folder: Path, *lines: str, name: str = "train.txt") -> Path:
    (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return folder / name


def kinds(table: BoxTable) -> list[tuple[str, int | None]]:
    return [(problem.kind, problem.line) for problem in table.problems]


def boxes(table: BoxTable) -> list[tuple[object, ...]]:
    return table.boxes.select("image_id", "image", "class_id", "x1", "y1", "x2", "y2").rows()


def test_a_doubled_line(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    photo("b.png", 50, 40, shade=1)
    lines = ("a.png 1,2,3,4,0 5,6,9,8,1", "b.png 1,2,3,4,0", "a.png 1,2,3,4,0 5,6,9,8,1")
    table = read(keras(tmp_path, *lines), names=["cat", "dog"])
    assert boxes(table) == [
        (0, "a.png", 0, 1, 2, 3, 4),
        (0, "a.png", 1, 5, 6, 9, 8),
        (1, "b.png", 0, 1, 2, 3, 4),
    ]
    assert kinds(table) == [("duplicate-image", 3)]
    assert f"{tmp_path / 'train.txt'}:1" in table.problems[0].message
    assert "2, 0 of them without boxes" in "".join(map(str, stats(table).text()))


def test_a_line_per_box(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    table = read(keras(tmp_path, "a.png 1,2,3,4,0", "a.png 5,6,9,8,1"), names=["cat", "dog"])
    assert boxes(table) == [(0, "a.png", 0, 1, 2, 3, 4), (0, "a.png", 1, 5, 6, 9, 8)]


def test_two_spellings_of_one_path(tmp_path: Path, photo: MakePhoto) -> None:
    photo("in/a.png", 50, 40)
    lines = ("in/a.png 1,2,3,4,0", "./in/a.png 5,6,9,8,0", f"{tmp_path}/in/../in//a.png 7,7,9,9,0")
    table = read(keras(tmp_path, *lines), names=["cat"])
    assert [row[:2] for row in boxes(table)] == [(0, "in/a.png")] * 3
    assert kinds(table) == [("duplicate-image", 2), ("duplicate-image", 3)]
    assert " as in/a.png, at" in table.problems[0].message


def test_a_doubled_box(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    table = read(keras(tmp_path, "a.png 1,2,3,4,0 1,2,3,4,0 1,2,3,4,1"), names=["cat", "dog"])
    assert len(table) == 2
    assert kinds(table) == [("duplicate-box", 1)]


def test_photos_in_two_splits_stay_in_both(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    files = [keras(tmp_path, "a.png 1,2,3,4,0", name=name) for name in ("a.txt", "b.txt")]
    table = read(files, names=["cat"])
    assert len(table) == 2
    assert [finding.kind for finding in check(table).errors] == ["leakage"]
    one_split = read(files, names=["cat"], split="train")
    assert len(one_split) == 1
    assert kinds(one_split) == [("duplicate-image", 1)]


def test_leakage_under_two_spellings(tmp_path: Path, photo: MakePhoto) -> None:
    photo("in/a.png", 50, 40)
    train = keras(tmp_path, "in/a.png 1,2,3,4,0", name="train.txt")
    val = keras(tmp_path, f"{tmp_path}/in/../in/a.png 1,2,3,4,0", name="val.txt")
    assert [finding.kind for finding in check([train, val], names=["cat"]).errors] == ["leakage"]


def test_photos_of_coco_under_two_numbers(tmp_path: Path, photo: MakePhoto) -> None:
    photo("in/a.png", 50, 40)
    names = ("in/a.png", "./in/a.png")
    box = {"category_id": 1, "bbox": [1, 2, 3, 4]}
    document = {
        "images": [
            {"id": number, "file_name": name, "width": 50, "height": 40}
            for number, name in enumerate(names)
        ],
        "annotations": [
            {"id": 1, "image_id": 0, **box},
            {"id": 2, "image_id": 0, **box},  # another number: another object
            {"id": 3, "image_id": 1, **box},
            {"id": 4, "image_id": 1, "category_id": 1, "bbox": [5, 6, 7, 8]},
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(document))
    table = read(tmp_path / "coco.json")
    assert boxes(table) == [
        (0, "in/a.png", 0, 1, 2, 4, 6),
        (0, "in/a.png", 0, 1, 2, 4, 6),
        (0, "in/a.png", 0, 5, 6, 12, 14),
    ]
    assert kinds(table) == [("duplicate-image", None)]
