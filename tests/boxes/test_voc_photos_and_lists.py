"""Pascal VOC: which photo an XML file belongs to, which lists are splits, and what an object is."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.boxes import BoxTable, read
from headlab.errors import InputError


def box(x1: object, y1: object, x2: object, y2: object) -> str:
    return f"<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox>"


def write(path: Path, filename: str, *objects: str) -> None:
    """An XML file; without objects, with a cat at 1,2,3,4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    inner = "\n".join(objects or (f"<object><name>cat</name>{box(1, 2, 3, 4)}</object>",))
    path.write_text(f"<annotation><filename>{filename}</filename>\n{inner}\n</annotation>\n")


def photos_of(table: BoxTable) -> dict[str, str]:
    """For each XML file the photo that its boxes are on."""
    return {
        Path(file).name: Path(table.images["path"][image_id]).name
        for file, image_id in table.boxes.select("file", "image_id").rows()
    }


def kinds(table: BoxTable) -> list[tuple[str, str]]:
    return [(problem.severity, problem.kind) for problem in table.problems]


@pytest.mark.parametrize(
    "filenames",
    [("2.jpg", "1.jpg"), ("old_a.jpg", "old_b.jpg"), ("1.jpg", "1.jpg"), ("x/2.jpg", "3.jpg")],
    ids=["swapped", "old names", "a copied template", "with folders"],
)
def test_the_xml_files_own_name_decides(
    tmp_path: Path, photo: MakePhoto, filenames: tuple[str, str]
) -> None:
    for number, filename in enumerate(filenames, 1):
        photo(f"JPEGImages/{number}.jpg", shade=number)
        write(tmp_path / "Annotations" / f"{number}.xml", filename)
    table = read(tmp_path)
    assert photos_of(table) == {"1.xml": "1.jpg", "2.xml": "2.jpg"}
    assert table.images["image"].to_list() == ["1.jpg", "2.jpg"]
    wrong = sum(Path(name).stem != str(number) for number, name in enumerate(filenames, 1))
    assert kinds(table) == [("warning", "stale-filename")] * wrong
    assert Path(filenames[1]).name in table.problems[-1].message


def test_a_photo_that_only_the_file_names(tmp_path: Path, photo: MakePhoto) -> None:
    photo("JPEGImages/photo.png")
    write(tmp_path / "Annotations" / "a.xml", "photo.jpg")  # whatever its suffix
    table = read(tmp_path)
    assert photos_of(table) == {"a.xml": "photo.png"}
    assert table.images["image"].to_list() == ["photo.png"]
    assert not table.problems


def test_a_photo_with_an_xml_file_of_its_own_belongs_to_no_other(
    tmp_path: Path, photo: MakePhoto
) -> None:
    photo("JPEGImages/2.jpg")
    write(tmp_path / "Annotations" / "1.xml", "2.jpg")
    write(tmp_path / "Annotations" / "2.xml", "2.jpg")
    table = read(tmp_path)
    assert photos_of(table) == {"1.xml": "1.jpg", "2.xml": "2.jpg"}
    assert kinds(table) == [("warning", "stale-filename"), ("error", "missing-image")]


def test_names_in_two_forms_of_unicode_are_one(tmp_path: Path, photo: MakePhoto) -> None:
    composed, apart = (unicodedata.normalize(form, "が") for form in ("NFC", "NFD"))
    photo(f"JPEGImages/{apart}.jpg")
    write(tmp_path / "Annotations" / f"{composed}.xml", f"{composed}.jpg")
    table = read(tmp_path)
    assert not table.problems
    assert Path(table.images["path"][0]).exists()


@pytest.mark.parametrize("folders", [("annotations", "images"), ("ANNOTATIONS", "JPEGimages")])
def test_folders_in_other_letters(
    tmp_path: Path, photo: MakePhoto, folders: tuple[str, str]
) -> None:
    photo(f"{folders[1]}/a.jpg")
    write(tmp_path / folders[0] / "a.xml", "a.jpg")
    table = read(tmp_path)
    assert (table.format, len(table)) == ("voc", 1)
    assert not table.problems


def test_a_folder_per_split(tmp_path: Path, photo: MakePhoto) -> None:
    for split, name in (("train", "a"), ("train", "b"), ("valid", "c")):
        photo(f"{split}/{name}.jpg", shade=ord(name))
        write(tmp_path / split / f"{name}.xml", f"{name}.jpg")
    table = read(tmp_path)
    rows = [("a.jpg", "train"), ("b.jpg", "train"), ("c.jpg", "valid")]
    assert table.images.select("image", "split").rows() == rows
    assert not table.problems
    assert read(tmp_path, split="valid").images["image"].to_list() == ["c.jpg"]
    with pytest.raises(InputError, match="no split 'test'"):
        read(tmp_path, split="test")


def data_with_lists(folder: Path, **lists: str) -> Path:
    """Photos 1, 2 and 3, and lists by name."""
    for number in (1, 2, 3):
        write(folder / "Annotations" / f"{number}.xml", f"{number}.jpg")
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    for name, text in lists.items():
        (sets / f"{name}.txt").write_text(text)
    return folder


def splits(table: BoxTable) -> list[tuple[str, str]]:
    return table.images.select("split", "image").rows()


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        (
            {"trainval": "1\n2\n", "cat_trainval": "1  1\n2 -1\n", "dog_trainval": "1 -1\n2  0\n"},
            [("trainval", "1.jpg"), ("trainval", "2.jpg")],
        ),
        (
            {"trainval": "1\n2\n", "test": "3\n"},
            [("trainval", "1.jpg"), ("trainval", "2.jpg"), ("test", "3.jpg")],
        ),
        (
            {"train": "1\n", "val": "2\n", "trainval": "1\n2\n", "cat_train": "1 1\n3 1\n"},
            [("train", "1.jpg"), ("val", "2.jpg")],
        ),
        (
            {"default": "1\n2\n", "cat_default": "1 1\n2 0\n"},
            [("default", f"{n}.jpg") for n in "12"],
        ),
        ({"default": "1\n2\n", "cat_default": "1\n"}, [("default", f"{n}.jpg") for n in "12"]),
        ({"mine": "images/1.jpg\n2.xml\n"}, [("mine", "1.jpg"), ("mine", "2.jpg")]),
        ({"train": "1\n1\n2\n1\n"}, [("train", "1.jpg"), ("train", "2.jpg")]),
    ],
)
def test_which_lists_are_splits(
    tmp_path: Path, lists: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    table = read(data_with_lists(tmp_path, **lists), assume_size=(9, 9))
    assert splits(table) == expected
    assert len(table) == len(expected)  # each photo has one cat


def test_only_lists_of_single_classes(tmp_path: Path) -> None:
    """VOC's list of a class has every photo of the split, with the class or without it."""
    lists = {"cat_train": "1 1\n2 -1\n", "dog_train": "1 -1\n2 1\n", "cat_val": "3 0\n"}
    data = data_with_lists(tmp_path, **lists)
    table = read(data, assume_size=(9, 9))
    assert splits(table) == [("train", "1.jpg"), ("train", "2.jpg"), ("val", "3.jpg")]
    assert kinds(table) == [("warning", "class-lists")] * 2
    assert splits(read(data, split="train", assume_size=(9, 9))) == splits(table)[:2]


def test_the_list_of_a_class_has_the_photos_with_the_class(tmp_path: Path) -> None:
    data = data_with_lists(tmp_path, train="1\n2\n3\n", cat_train="1 1\n2 -1\n3 0\n")
    table = read(data, split="cat_train", assume_size=(9, 9))
    assert splits(table) == [("cat_train", "1.jpg")]


def objects(folder: Path, *texts: str) -> BoxTable:
    write(folder / "Annotations" / "a.xml", "a.jpg", *texts)
    return read(folder, assume_size=(99, 99))


def corners(table: BoxTable) -> list[tuple[str, tuple[float, ...]]]:
    columns = ("class_id", "x1", "y1", "x2", "y2")
    return [(table.class_name(row[0]), row[1:]) for row in table.boxes.select(columns).rows()]


def test_several_boxes_in_one_object(tmp_path: Path) -> None:
    inner = f"{box(1, 2, 3, 4)}\n{box(5, 6, 7, 8)}{box(9, 9, 20, 20)}"
    table = objects(tmp_path, f"<object><name>kite</name>{inner}</object>")
    assert corners(table) == [
        ("kite", (1, 2, 3, 4)),
        ("kite", (5, 6, 7, 8)),
        ("kite", (9, 9, 20, 20)),
    ]
    assert table.boxes["line"].to_list() == [2, 3, 3]
    assert kinds(table) == [("warning", "assumed")]
    assert "has 3 <bndbox>" in table.problems[0].message


def test_corners_of_two_boxes_do_not_mix(tmp_path: Path) -> None:
    half = "<bndbox><xmin>80</xmin><ymin>12</ymin></bndbox>"
    table = objects(tmp_path, f"<object><name>kite</name>{box(1, 2, 3, 4)}{half}</object>")
    assert corners(table) == [("kite", (1, 2, 3, 4))]
    assert kinds(table) == [("error", "bad-box")]
    assert "no <xmax>" in table.problems[0].message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            f"<object><name>kite</name><name>dog</name>{box(1, 2, 3, 4)}</object>",
            "more than one <name>: 'kite' and 'dog'",
        ),
        (
            f"<object><name>kite</name>{box('1</xmin><xmin>7', 2, 3, 4)}</object>",
            "more than one <xmin>: '1' and '7'",
        ),
        ("<object><name>kite</name><robndbox><cx>9</cx></robndbox></object>", "only a rotated one"),
    ],
)
def test_an_object_that_contradicts_itself(tmp_path: Path, text: str, reason: str) -> None:
    sound = f"<object><name>dog</name><name>dog</name>{box(1, 2, 3, 4)}</object>"
    table = objects(tmp_path, text, sound)
    assert corners(table) == [("dog", (1, 2, 3, 4))]
    assert kinds(table) == [("error", "bad-box")]
    assert reason in table.problems[0].message


@pytest.mark.parametrize(
    ("word", "expected"),
    [("False", False), ("no", False), ("TRUE", True), ("yes", True), ("2", True), ("0.0", False)],
)
def test_difficult_in_words(tmp_path: Path, word: str, expected: bool) -> None:
    text = f"<object><name>a</name><difficult>{word}</difficult>{box(1, 2, 3, 4)}</object>"
    table = objects(tmp_path, text)
    assert table.boxes["difficult"].to_list() == [expected]
    assert not table.problems


def test_difficult_in_a_word_that_nobody_knows(tmp_path: Path) -> None:
    text = f"<object><name>a</name><difficult>hard</difficult>{box(1, 2, 3, 4)}</object>"
    table = objects(tmp_path, text)
    assert table.boxes["difficult"].to_list() == [False]
    assert kinds(table) == [("warning", "assumed")]


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e400", "9" * 8000])
def test_numbers_beyond_all_bounds(tmp_path: Path, number: str) -> None:
    table = objects(tmp_path, f"<object><name>a</name>{box(1, 2, number, 4)}</object>")
    assert kinds(table) == [("error", "bad-box")]
    assert len(table.problems[0].message) < 120
