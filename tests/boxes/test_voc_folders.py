"""Pascal VOC: one XML file per photo, and the lists of the splits."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.boxes import read
from headlab.boxes.table import BoxTable
from headlab.errors import InputError

OBJECT = """  <object>
    <name>{name}</name>
    <difficult>{difficult}</difficult>
    <bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox>
    <part><name>head</name><bndbox><xmin>9</xmin></bndbox></part>
  </object>
"""


def xml(*objects: str, name: str = "a.jpg", size: tuple[int, int] | None = (50, 40)) -> str:
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
    head = f"<annotation>\n  <filename>{name}</filename>{sides}\n"
    return head + "".join(objects) + "</annotation>\n"


def thing(*corners: object, name: str = "cat", difficult: int = 0) -> str:
    return OBJECT.format(*corners, name=name, difficult=difficult)


def said(table: BoxTable) -> list[tuple[str, str, int | None]]:
    return [(each.severity, each.kind, each.line) for each in table.problems]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "Annotations").mkdir()
    first = xml(thing(1, 2, 3, 4), thing(5.5, 6, 7, 8, name="ant", difficult=1))
    (tmp_path / "Annotations" / "a.xml").write_text(first)
    (tmp_path / "Annotations" / "b.xml").write_text(xml(name="b.jpg"))
    return tmp_path


def test_a_folder_without_lists(data: Path) -> None:
    table = read(data, assume_size=(1, 1))
    columns = ("image", "class_id", "x1", "y1", "x2", "y2", "difficult", "line")
    assert table.boxes.select(columns).rows() == [
        ("a.jpg", 1, 1, 2, 3, 4, False, 3),  # classes in alphabetical order: ant, cat
        ("a.jpg", 0, 5.5, 6, 7, 8, True, 9),
    ]
    assert table.class_names == ("ant", "cat")
    columns = ("image", "width_px", "height_px", "split")
    assert table.images.select(columns).rows() == [("a.jpg", 50, 40, None), ("b.jpg", 50, 40, None)]
    assert table.images["path"][0] == str(data / "JPEGImages" / "a.jpg")
    assert not table.problems
    assert read(data / "Annotations").boxes.height == 2


def test_the_lists_of_the_splits(data: Path) -> None:
    lists = data / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\r\n")
    (lists / "val.txt").write_text("b\nnone\n")
    (lists / "trainval.txt").write_text("a\nb\n")
    (lists / "cat_train.txt").write_text("a  1\nb -1\n")
    table = read(data)
    assert table.images.select("image", "split", "line").rows() == [
        ("a.jpg", "train", 1),
        ("b.jpg", "val", 1),
    ]
    assert said(table) == [("error", "missing-annotation", 2)]
    assert read(data, split="trainval").images.height == 2
    assert read(data, split="cat_train").images["image"].to_list() == ["a.jpg"]
    # the classes' numbers do not depend on the split
    assert read(data, split="val").class_names == ("ant", "cat")
    with pytest.raises(InputError, match=r"no ImageSets/Main/test\.txt") as caught:
        read(data, split="test")
    assert caught.value.hint == "Known splits: train, val."


def test_files_in_no_list_are_told(data: Path) -> None:
    lists = data / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    table = read(data)
    assert said(table) == [("warning", "unlisted", None)]
    assert "1 XML files" in table.problems[0].message
    (lists / "train.txt").write_text("x\n")
    with pytest.raises(InputError, match="names no photo that has an XML file"):
        read(data)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (thing("x", 2, 3, 4), "<xmin> is 'x'"),
        (thing("nan", 2, 3, 4), "<xmin> is 'nan'"),
        (thing(1, 2, 3, ""), "has no <ymax>"),
        (thing(1, 2, 3, 1e12), "larger than any photo"),
        ("  <object>\n</object>\n", "has no <name>"),
    ],
)
def test_a_bad_object_is_skipped_with_its_line(data: Path, broken: str, reason: str) -> None:
    (data / "Annotations" / "a.xml").write_text(xml(broken, thing(1, 2, 3, 4)))
    table = read(data)
    assert table.boxes.height == 1
    (problem,) = table.problems
    assert (problem.severity, problem.kind, problem.line) == ("error", "bad-box", 3)
    assert reason in problem.message


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("<annotation>\n<object></annotation>", 2, "not well-formed"),
        ("", 1, "not well-formed"),
        ("<html/>", 1, "its root is <html>"),
        ('<!DOCTYPE a [<!ENTITY x "y">]>\n<annotation>&x;</annotation>', None, "entities"),
        ('<?xml version="1.0" encoding="nope"?><annotation/>', None, "not well-formed"),
    ],
)
def test_a_bad_file_is_skipped(data: Path, text: str, line: int | None, reason: str) -> None:
    (data / "Annotations" / "b.xml").write_text(text)
    table = read(data)
    assert table.images["image"].to_list() == ["a.jpg"]
    assert said(table) == [("error", "bad-file", line)]
    assert reason in table.problems[0].message


def test_classes_can_be_given(data: Path) -> None:
    table = read(data, names=["cat"])
    assert table.boxes["class_id"].to_list() == [0]
    assert said(table) == [("error", "unknown-class", 9)]
    assert "'ant'" in table.problems[0].message


@pytest.mark.parametrize("size", [None, (0, 0)])
def test_an_unknown_size_is_read_from_the_photo(
    data: Path, size: tuple[int, int] | None, photo: MakePhoto
) -> None:
    (data / "Annotations" / "a.xml").write_text(xml(thing(1, 2, 3, 4), size=size))
    photo("JPEGImages/a.jpg", 21, 22)
    table = read(data)
    assert table.images.select("width_px", "height_px").row(0) == (21, 22)


def test_the_photos_may_lie_elsewhere_and_end_otherwise(data: Path, photo: MakePhoto) -> None:
    photo("elsewhere/a.png")
    table = read(data, images=data / "elsewhere")
    assert table.images["path"].to_list() == [
        str(data / "elsewhere" / "a.png"),
        str(data / "elsewhere" / "b.jpg"),
    ]


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(InputError, match="not recognised"):
        read(tmp_path)
    with pytest.raises(InputError, match="no XML file"):
        read(tmp_path, format="voc")
