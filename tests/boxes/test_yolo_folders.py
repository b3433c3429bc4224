"""YOLO data sets: how photos, splits, labels and names are found, and what lines are rejected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.boxes import read
from headlab.boxes.formats.yolo.dataset import label_path
from headlab.boxes.table import BoxTable
from headlab.errors import InputError


def label(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def said(table: BoxTable) -> list[tuple[str, str]]:
    return [(each.severity, each.kind) for each in table.problems]


def kinds(table: BoxTable) -> set[str]:
    return {each.kind for each in table.problems}


@pytest.fixture
def data(tmp_path: Path, photo: MakePhoto) -> Path:
    photo("images/train/a.png", 8, 6)
    label(tmp_path / "labels/train/a.txt", "1 0.5 0.5 0.25 0.5\r\n\n0 0.25 0.5 0.5 1\n")
    photo("images/val/b.png", 10, 10)
    label(tmp_path / "labels/val/b.txt", "")
    (tmp_path / "data.yaml").write_text(
        "train: images/train\nval: images/val\nnames: {0: cat, 1: dog}\n"
    )
    return tmp_path


def test_boxes_in_pixels(data: Path) -> None:
    table = read(data)
    # 8 x 6 px: centre 0.5 x 8 = 4, half of 0.25 x 8 is 1; centre 0.5 x 6 = 3, half of 0.5 x 6 is 1.5
    columns = ("image", "class_id", "x1", "y1", "x2", "y2", "line")
    assert table.boxes.select(columns).rows() == [
        ("images/train/a.png", 1, 3, 1.5, 5, 4.5, 1),
        ("images/train/a.png", 0, 0, 0, 4, 6, 3),
    ]
    assert table.boxes["file"].unique().to_list() == [str(data / "labels/train/a.txt")]
    columns = ("image", "split", "width_px", "height_px")
    assert table.images.select(columns).rows() == [
        ("images/train/a.png", "train", 8, 6),
        ("images/val/b.png", "val", 10, 10),
    ]
    assert table.class_names == ("cat", "dog")
    assert table.format == "yolo"
    assert not table.problems


def test_the_description_itself_and_one_split(data: Path) -> None:
    assert read(data / "data.yaml", split="val").images["image"].to_list() == ["images/val/b.png"]
    with pytest.raises(InputError, match="no split 'test'"):
        read(data, split="test")


def test_a_list_of_folders(data: Path) -> None:
    (data / "data.yaml").write_text("train: [images/train, images/val]\nnames: [cat, dog]\n")
    table = read(data)
    assert table.images["split"].to_list() == ["train", "train"]
    assert table.class_names == ("cat", "dog")


def test_lists_of_photos(data: Path) -> None:
    absolute = data / "images/val/b.png"
    (data / "train.txt").write_text(f"./images/train/a.png\n\n{absolute}\nimages/none.png\n")
    (data / "data.yaml").write_text("train: train.txt\nnc: 2\n")
    table = read(data)
    assert table.images.select("image", "line").rows() == [
        ("./images/train/a.png", 1),
        (str(absolute), 3),
        ("images/none.png", 4),
    ]
    assert table.boxes.height == 2
    assert table.class_names == ()
    assert "there are 2 of them (nc), and no 'names'" in table.problems[0].message
    assert kinds(table) == {"no-labels", "missing-image", "no-class-names"}
    assert [each.line for each in table.problems[1:]] == [4, 4]
    assert read(data / "train.txt").boxes.height == 2  # the list alone is recognised, too


def test_a_root_of_its_own(data: Path, tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    text = "path: ..\ntrain: images/train\nval: ../images/val\nnames: [cat, dog]\n"
    (tmp_path / "configs" / "my.yaml").write_text(text)
    assert read(tmp_path / "configs" / "my.yaml").images.height == 2


def test_folders_without_a_description(data: Path) -> None:
    (data / "data.yaml").unlink()
    (data / "labels" / "classes.txt").write_text("cat\ndog\n")
    table = read(data)
    assert table.images["split"].to_list() == ["train", "val"]
    assert table.class_names == ("cat", "dog")
    assert not table.problems


def test_roboflows_folders(tmp_path: Path, photo: MakePhoto) -> None:
    photo("train/images/a.png")
    photo("valid/images/b.png")
    label(tmp_path / "train/labels/a.txt", "0 0.5 0.5 1 1\n")
    label(tmp_path / "valid/labels/b.txt", "0 0.5 0.5 1 1\n")
    assert read(tmp_path).images["split"].to_list() == ["train", "val"]
    text = "train: ../train/images\nval: ../valid/images\nnames: [a]\n"
    (tmp_path / "data.yaml").write_text(text)
    assert read(tmp_path).images["split"].to_list() == ["train", "val"]


def test_the_same_folder_twice_counts_once(data: Path) -> None:
    (data / "data.yaml").write_text("train: images/train\nval: images/train\nnames: [cat, dog]\n")
    table = read(data)
    assert table.boxes.height == 2
    assert said(table) == [("warning", "same-split")]


def test_a_polygon_becomes_its_box(data: Path) -> None:
    label(data / "labels/train/a.txt", "1 0.25 0.5 0.75 0.25 0.5 1\n")
    table = read(data)
    # x from 0.25 to 0.75 of 8 px, y from 0.25 to 1 of 6 px
    assert table.boxes.select("x1", "y1", "x2", "y2").rows() == [(2, 1.5, 6, 6)]
    assert said(table) == [("warning", "polygon")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.5", "4 numbers where 5"),
        ("0 0.5 0.5 0.5 0.5 0.9", "confidence"),
        ("0 0.5 0.5 0.5 nan", "finite"),
        ("cat 0.5 0.5 0.5 0.5", "not all of it is numbers"),
        ("1.5 0.5 0.5 0.5 0.5", "class 1.5"),
        ("-1 0.5 0.5 0.5 0.5", "class -1"),
        ("0 120 80 40 40", "not shares"),
        ("0 1e400 0 0 0", "finite"),
        ("0", "1 numbers where 5"),
        ("\x00", "not all of it"),
    ],
)
def test_a_bad_line_is_skipped_with_its_reason(data: Path, line: str, reason: str) -> None:
    label(data / "labels/train/a.txt", f"0 0.5 0.5 1 1\n{line}\n1 0.5 0.5 1 1\n")
    table = read(data)
    assert table.boxes["class_id"].to_list() == [0, 1]
    (problem,) = table.problems
    assert (problem.severity, problem.kind, problem.line) == ("error", "bad-box", 2)
    assert problem.file == str(data / "labels/train/a.txt")
    assert reason in problem.message


def test_labels_and_photos_without_each_other(data: Path, photo: MakePhoto) -> None:
    photo("images/train/bare.png")
    label(data / "labels/train/orphan.txt", "0 0.5 0.5 1 1\n")
    table = read(data)
    assert said(table) == [("warning", "no-labels"), ("warning", "labels-without-image")]
    assert table.images.height == 3
    assert table.boxes.height == 2
    # the only photo in it has an empty label file
    assert kinds(read(data, split="val")) == {"labels-without-image", "no-box"}


def test_a_photo_of_unknown_size_costs_its_boxes(data: Path) -> None:
    (data / "images/train/a.png").write_bytes(b"no photo")
    table = read(data)
    assert not table.boxes.height
    assert said(table) == [("error", "corrupt-image"), ("error", "unknown-size")]
    assert "2 boxes skipped" in table.problems[1].message
    assert read(data, assume_size=(60, 80)).boxes["x2"].to_list() == [50, 40]


def test_labels_without_any_photo_can_be_read(data: Path) -> None:
    (data / "images/train/a.png").unlink()
    table = read(data, assume_size=(60, 80), split="train")
    assert table.boxes["x2"].to_list() == [50, 40]  # 80 x (0.5 + 0.125), 80 x 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [a]\n", "names neither train, val nor test"),
        ("nc: 2\ntrain: [}\n", r"data\.yaml, line 2: not YAML"),
        ("train: 7\nnames: [a]\n", "train is neither a path nor a list of paths"),
        ("train: nowhere\nnames: [a]\n", "no photo was found"),
        ("- train\n", "names neither"),
    ],
)
def test_bad_descriptions(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path)


def test_aliases_that_unfold_without_end_are_refused(data: Path) -> None:
    lists = ["l0: &l0 [x, x]"] + [f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]" for n in range(1, 40)]
    (data / "data.yaml").write_text(
        "\n".join([*lists, "train: images/train", "names: [*l39, dog]"])
    )
    with pytest.raises(InputError, match=r"data\.yaml, line \d+: the aliases unfold to more than"):
        read(data)


def test_a_list_in_the_place_of_a_name_is_not_one(data: Path) -> None:
    (data / "data.yaml").write_text("train: images/train\nnames: [[cat, bird], dog]")
    assert read(data).class_names == ("?", "dog")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: a\ntrain: b\n", r"line 2: duplicate key 'train', first in line 1\."),
        (
            "train: a\nnames:\n  0: cat\n  1: dog\n  00: bird\n",
            r"line 5: duplicate key '00', first in line 3",
        ),
        ("train: a\nx: !!timestamp 2001-99-99\n", r"line 2: the tag !!timestamp is not read here"),
        ("train: a\nx: !!python/name:os.system\n", r"line 2: the tag !!python/name:os\.system"),
        ("train: a\nx: !!int cat\n", r"line 2: 'cat' is not a value of the kind int"),
    ],
)
def test_a_data_yaml_follows_the_rules_of_all_yaml(data: Path, text: str, message: str) -> None:
    (data / "data.yaml").write_text(text)
    with pytest.raises(InputError, match=rf"data\.yaml, {message}"):
        read(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_a_data_yaml_in_any_encoding(data: Path, encoding: str) -> None:
    text = "train: images/train\nnames: [猫, 犬]\n"
    (data / "data.yaml").write_bytes(text.encode(encoding))
    table = read(data)
    assert table.class_names == ("猫", "犬")
    guessed = [each.line for each in table.problems if each.kind == "encoding"]
    assert guessed == ([2] if encoding == "cp932" else [])


def test_one_label_file_is_told_apart(data: Path) -> None:
    with pytest.raises(InputError, match="the labels of one photo"):
        read(data / "labels/train/a.txt")


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        ("/data/images/train/a.jpg", "/data/labels/train/a.txt"),
        ("/images/x/images/a.b.png", "/images/x/labels/a.b.txt"),
        ("/data/photos/a.jpg", "/data/photos/a.txt"),
        ("images/a.jpg", "labels/a.txt"),
    ],
)
def test_where_labels_are(image: str, labels: str) -> None:
    def native(path: str) -> str:
        return path.replace("/", os.sep)

    assert label_path(native(image)) == native(labels)


def test_labels_are_where_ultralytics_looks() -> None:
    from ultralytics.data.utils import img2label_paths

    for image in ("/d/images/train/a.jpg", "/images/x/images/a.b.png", "/d/photos/a.jpg"):
        assert label_path(image) == img2label_paths([image])[0]
