"""YOLO data sets as annotation tools export them, and how they are recognised."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.boxes import BoxTable, check, convert, read
from headlab.errors import InputError

BOX = "0 0.5 0.5 0.25 0.5\n"  # of 8 x 6 px: 8 x (0.5 -+ 0.125) and 6 x (0.5 -+ 0.25)
CORNERS = (3.0, 1.5, 5.0, 4.5)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def corners(table: BoxTable) -> list[tuple[float, ...]]:
    return table.boxes.select("x1", "y1", "x2", "y2").rows()


def messages(table: BoxTable, kind: str) -> list[str]:
    return [problem.message for problem in table.problems if problem.kind == kind]


def flat(folder: Path, photo: MakePhoto, *names: str) -> None:
    """Photos with their label files next to them."""
    for shade, name in enumerate(names):
        photo(str(folder / f"{name}.png"), shade=shade)
        write(folder / f"{name}.txt", BOX)


@pytest.mark.parametrize(
    "names", ["classes.txt", "_classes.txt", "_darknet.labels", "obj.names", "my.names"]
)
def test_photos_and_labels_in_one_folder(tmp_path: Path, photo: MakePhoto, names: str) -> None:
    flat(tmp_path / "set", photo, "a", "b")
    write(tmp_path / "set" / names, "cat\ndog\n")
    table = read(tmp_path / "set")
    assert corners(table) == [CORNERS, CORNERS]
    assert table.class_names == ("cat", "dog")
    assert table.names_source == names
    assert table.recognised == "2 of 2 photos that were looked at have label files next to them"
    assert not table.problems
    assert corners(read(tmp_path / "set", format="yolo")) == [CORNERS, CORNERS]
    assert read(tmp_path / "set", format="yolo").recognised == ""


def test_flat_folders_of_splits(tmp_path: Path, photo: MakePhoto) -> None:
    """Roboflow's export for darknet."""
    for split in ("test", "train", "valid"):
        flat(tmp_path / split, photo, split)
        write(tmp_path / split / "_darknet.labels", "cat\n")
    table = read(tmp_path)
    assert table.images["split"].to_list() == ["train", "val", "test"]
    assert corners(table) == [CORNERS] * 3
    assert table.class_names == ("cat",)
    assert not table.problems


def cvat(folder: Path, photo: MakePhoto) -> Path:
    flat(folder / "obj_train_data", photo, "a", "b")
    write(folder / "train.txt", "data/obj_train_data/a.png\ndata/obj_train_data/b.png\n")
    write(folder / "obj.names", "cat\ndog\n")
    write(
        folder / "obj.data",
        "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n",
    )
    return folder


@pytest.mark.parametrize("given", [".", "obj.data", "train.txt", "obj_train_data"])
def test_cvats_export(tmp_path: Path, photo: MakePhoto, given: str) -> None:
    table = read(cvat(tmp_path / "set", photo) / given)
    assert table.format == "yolo"
    assert corners(table) == [CORNERS, CORNERS]
    assert table.class_names == ("cat", "dog")
    assert table.names_source == "obj.names"
    moved = messages(table, "moved-photos")
    assert len(moved) == (given != "obj_train_data")
    assert all("data/obj_train_data/a.png was found at" in message for message in moved)


def test_cvats_export_without_its_photos(tmp_path: Path, photo: MakePhoto) -> None:
    folder = cvat(tmp_path / "set", photo)
    os.renames(folder / "obj_train_data/a.png", tmp_path / "photos/deeper/a.png")
    (folder / "obj_train_data/b.png").unlink()
    table = read(folder, assume_size=(60, 80))
    assert corners(table) == [(30, 15, 50, 45)] * 2  # ten times as large as 6 x 8
    table = read(folder, images=tmp_path / "photos")
    assert corners(table) == [CORNERS]
    assert table.images["path"][0] == str(tmp_path / "photos/deeper/a.png")
    assert messages(table, "unknown-size") == [
        "1 box skipped: the photo's size is unknown, and the boxes are shares of it."
    ]


def test_label_studios_export(tmp_path: Path, photo: MakePhoto) -> None:
    photo("images/1f-a.png")
    write(tmp_path / "labels/1f-a.txt", BOX)
    write(tmp_path / "classes.txt", "cat\ndog\n")
    categories = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
    write(tmp_path / "notes.json", json.dumps({"categories": categories, "info": {}}))
    table = read(tmp_path)
    assert corners(table) == [CORNERS]
    assert (table.class_names, table.names_source) == (("cat", "dog"), "classes.txt")
    assert not table.problems
    (tmp_path / "classes.txt").unlink()
    assert read(tmp_path).names_source == "notes.json"
    write(tmp_path / "notes.json", "call the zoo")
    assert read(tmp_path).class_names == ()


def test_label_files_alone_and_images_for_them(tmp_path: Path, photo: MakePhoto) -> None:
    write(tmp_path / "export/labels/a.txt", BOX)
    write(tmp_path / "export/labels/train.txt", "a.png\n")
    write(tmp_path / "export/classes.txt", "cat\n")
    photo("pictures/a.png")
    for data in ("export", "export/labels"):
        table = read(tmp_path / data, images=tmp_path / "pictures")
        assert corners(table) == [CORNERS]
        assert table.class_names == ("cat",)
        assert not table.problems
        assert not read(tmp_path / data).boxes.height
    # where images/ has the same photo, the labels' own folder finds it
    photo("export/images/a.png")
    assert corners(read(tmp_path / "export/labels")) == [CORNERS]
    assert corners(read(tmp_path / "export/images")) == [CORNERS]


def test_images_of_a_data_yaml_and_of_a_list(tmp_path: Path, photo: MakePhoto) -> None:
    write(tmp_path / "set/labels/train/a.txt", BOX)
    write(tmp_path / "set/data.yaml", "train: images/train\nnames: [cat]\n")
    write(tmp_path / "set/list.txt", "images/train/a.jpg\n")
    photo("pictures/a.png")  # another suffix than the list says
    for data in ("set", "set/list.txt"):
        assert corners(read(tmp_path / data, images=tmp_path / "pictures")) == [CORNERS]


def test_of_two_photos_with_one_name_none_is_guessed(tmp_path: Path, photo: MakePhoto) -> None:
    write(tmp_path / "labels/a.txt", BOX)
    photo("pictures/one/a.png")
    photo("pictures/two/a.png")
    table = read(tmp_path / "labels", images=tmp_path / "pictures")
    assert not table.boxes.height
    photo("pictures/a.png")
    assert corners(read(tmp_path / "labels", images=tmp_path / "pictures")) == [CORNERS]


@pytest.mark.parametrize("home", ["annotations", "ANNOTATIONS", "Annotations"])
def test_voc_in_any_case_of_letters(tmp_path: Path, photo: MakePhoto, home: str) -> None:
    """The raccoon data set's `annotations/` and `images/`, which YOLO's folders resemble."""
    photo("images/a.png")
    write(
        tmp_path / home / "a.xml",
        "<annotation><filename>a.png</filename><object><name>cat</name><bndbox><xmin>1</xmin>"
        "<ymin>2</ymin><xmax>5</xmax><ymax>6</ymax></bndbox></object></annotation>",
    )
    table = read(tmp_path)
    assert (table.format, corners(table)) == ("voc", [(1, 2, 5, 6)])
    assert table.recognised == f"XML files in {home}"
    assert table.images["path"].to_list() == [str(tmp_path / "images/a.png")]


@pytest.mark.parametrize(
    ("files", "given", "message"),
    [
        (
            {"notes.txt": "call the zoo\n"},
            "notes.txt",
            "keras-yolo3: 0 paths of photos, and no boxes",
        ),
        ({"classes.txt": "cat\ndog\n"}, "classes.txt", "YOLO: no data.yaml, and no list of photos"),
        ({"model.pt": "\0\1"}, "model.pt", "COCO: no JSON file"),
        ({"a/train.txt": "a.jpg 1,2,3,4,0\n"}, "a", r"train\.txt looks like one: give that file"),
        ({"annotations/x.json": '{"images": []}'}, ".", r"x\.json looks like one: give that file"),
        ({"readme.md": "x"}, ".", "Pascal VOC: no XML files"),
    ],
)
def test_what_is_none_of_them_is_not_read_as_one(
    tmp_path: Path, files: dict[str, str], given: str, message: str
) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    with pytest.raises(InputError, match=message) as refused:
        read(tmp_path / given)
    assert "not recognised as annotations" in refused.value.message
    assert "--format" in refused.value.hint


def test_nothing_but_photos_is_no_data_set(tmp_path: Path, photo: MakePhoto) -> None:
    for number in range(3):
        photo(f"images/{number}.png", shade=number)
    with pytest.raises(InputError, match="YOLO: 3 photos, but no label file such as"):
        read(tmp_path)
    table = read(tmp_path, format="yolo")
    (message,) = messages(table, "no-box")
    assert message.startswith("None of 3 images has a box.")
    assert not check(table).ok
    assert not convert(table, tmp_path / "out", "yolo").ok


def test_the_format_that_most_speaks_for_wins(tmp_path: Path, photo: MakePhoto) -> None:
    """VOC's folder with the labels that darknet's voc_label.py writes into it."""
    flat(tmp_path / "JPEGImages", photo, "a")
    write(tmp_path / "Annotations/a.xml", "<annotation/>")
    assert read(tmp_path).format == "voc"
    assert read(tmp_path, format="yolo").boxes.height == 1
    # a stray XML file does not make Pascal VOC of a data.yaml
    write(tmp_path / "yolo/data.yaml", "train: ../JPEGImages\nnames: [cat]\n")
    write(tmp_path / "yolo/a.xml", "<annotation/>")
    assert read(tmp_path / "yolo").format == "yolo"


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_letters_in_another_form_of_unicode(tmp_path: Path, photo: MakePhoto, stored: str) -> None:
    other = "NFD" if stored == "NFC" else "NFC"
    here, there = (unicodedata.normalize(form, "が é") for form in (stored, other))
    assert here != there
    photo(f"images/{here}.png")
    write(tmp_path / f"labels/{there}.txt", BOX)
    write(tmp_path / "list.txt", f"images/{there}.png\n")
    assert corners(read(tmp_path)) == [CORNERS]
    table = read(tmp_path / "list.txt")
    assert corners(table) == [CORNERS]
    assert not messages(table, "missing-image")
    photo(f"elsewhere/{here}.png")
    write(tmp_path / "keras.txt", f"{there}.png 1,2,3,4,0\n")
    table = read(tmp_path / "keras.txt", images=tmp_path / "elsewhere")
    assert table.images["width_px"].to_list() == [8]


def test_a_folder_that_links_to_itself_is_looked_into_once(
    tmp_path: Path, photo: MakePhoto
) -> None:
    flat(tmp_path, photo, "a")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/up").symlink_to(tmp_path, target_is_directory=True)
    assert read(tmp_path).images.height == 1


def test_darknets_labels_of_pascal_vocs_photos(tmp_path: Path, photo: MakePhoto) -> None:
    photo("VOC2007/JPEGImages/a.png")
    write(tmp_path / "VOC2007/labels/a.txt", BOX)
    write(tmp_path / "train.txt", "VOC2007/JPEGImages/a.png\n")
    table = read(tmp_path / "train.txt")
    assert (table.format, corners(table)) == ("yolo", [CORNERS])


def test_label_files_in_a_folder_of_another_name_are_mentioned(
    tmp_path: Path, photo: MakePhoto
) -> None:
    photo("set/pictures/a.png")
    labels = write(tmp_path / "set/yolo/a.txt", BOX)
    with pytest.raises(InputError, match="no label file such as") as refused:
        read(tmp_path / "set")
    assert f"there is {labels}: give its folder, and that of the photos" in refused.value.message
    assert corners(read(tmp_path / "set/yolo", images=tmp_path / "set/pictures")) == [CORNERS]


def test_of_two_formats_the_other_is_mentioned(tmp_path: Path, photo: MakePhoto) -> None:
    flat(tmp_path, photo, "a")
    write(tmp_path / "a.xml", "<annotation/>")
    table = read(tmp_path)
    assert table.format == "yolo"
    assert table.recognised.endswith(
        "though it looks like Pascal VOC (XML files; --format voc), too"
    )
