"""CSV: the columns of TensorFlow's scripts, keras-retinanet and Roboflow."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.boxes import BoxTable, convert, read
from headlab.errors import InputError

TENSORFLOWS = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def rows(table: BoxTable) -> list[tuple[object, ...]]:
    columns = ("image", "class_id", "x1", "y1", "x2", "y2", "line")
    return [
        (row[0], table.class_name(row[1]), *row[2:]) for row in table.boxes.select(columns).rows()
    ]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("folder", ["images", "data"])
def test_tensorflows_columns(tmp_path: Path, photo: MakePhoto, folder: str) -> None:
    photo(f"{folder}/a.png", 50, 40)
    photo(f"{folder}/b.png", 50, 40, shade=1)
    path = write(
        tmp_path / "data" / "labels.csv",
        f"{TENSORFLOWS}a.png,50,40,dog,1,2,30,31.5\nb.png,50,40,cat,3,4,5,6\na.png,50,40,cat,7,8,9,10\n",
    )
    table = read(path)
    assert table.format == "csv"
    assert rows(table) == [
        ("a.png", "dog", 1, 2, 30, 31.5, 2),
        ("a.png", "cat", 7, 8, 9, 10, 4),
        ("b.png", "cat", 3, 4, 5, 6, 3),
    ]
    assert table.class_names == ("cat", "dog")
    assert table.images.select("width_px", "height_px", "line").rows() == [(50, 40, 2), (50, 40, 3)]
    assert not table.problems


@pytest.mark.parametrize(
    "text",
    [
        "a.png,1,2,3,4,cat\na.png,5,6,7,8,dog\nb.png,,,,,\n",
        "image;Label;X_min;Y min;x-max;ymax\na.png;cat;1;2;3;4\na.png;dog;5;6;7;8\nb.png;;;;;\n",
        'path\tx1\ty1\tx2\ty2\tclass_name\n"a.png"\t1\t2\t3\t4\tcat\na.png\t5\t6\t7\t8\tdog\nb.png\t\t\t\t\t\n',
    ],
    ids=["keras-retinanet", "semicolons and other names", "tabs"],
)
@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_other_columns(tmp_path: Path, photo: MakePhoto, text: str, suffix: str) -> None:
    photo("a.png", 50, 40)
    photo("b.png", 50, 40, shade=1)
    table = read(write(tmp_path / f"x{suffix}", text))
    assert [row[:-1] for row in rows(table)] == [
        ("a.png", "cat", 1, 2, 3, 4),
        ("a.png", "dog", 5, 6, 7, 8),
    ]
    assert table.images["image"].to_list() == ["a.png", "b.png"]
    assert not table.problems


def test_roboflows_folder(tmp_path: Path, photo: MakePhoto) -> None:
    for shade, split in enumerate(("train", "valid")):
        photo(f"{split}/{split}.png", 50, 40, shade=shade)
        text = f"{TENSORFLOWS}{split}.png,50,40,cat,1,2,3,4\n"
        write(tmp_path / split / "_annotations.csv", text)
    table = read(tmp_path)
    assert table.images.select("image", "split").rows() == [
        ("train.png", "train"),
        ("valid.png", "valid"),
    ]
    assert not table.problems
    assert read(tmp_path, split="valid").images["image"].to_list() == ["valid.png"]
    with pytest.raises(InputError, match="no split 'test'"):
        read(tmp_path, split="test")


def test_classes_by_number(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "a.png,1,2,3,4,1\na.png,1,2,3,4,0\n")
    assert [row[1] for row in rows(read(path))] == ["class 1", "class 0"]
    (tmp_path / "classes.txt").write_text("ant\nbee\n")
    assert [row[1] for row in rows(read(path))] == ["bee", "ant"]


def test_keras_retinanets_list_of_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "a.png,1,2,3,4,ant\n")
    write(tmp_path / "classes.csv", "bee,0\nant,1\n")
    table = read(path)
    assert table.class_names == ("bee", "ant")
    assert table.boxes["class_id"].to_list() == [1]


def test_bad_rows_are_skipped_with_their_lines(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    bad = ("a.png,50,40,cat,1,2,x,4", "a.png,50,40,,1,2,3,4", "a.png,50", ",50,40,cat,1,2,3,4")
    number = f"a.png,50,40,cat,1,2,{'9' * 400},4"
    text = "\n".join((*bad, number, "a.png,50,40,cat,1,2,3,4"))
    table = read(write(tmp_path / "x.csv", TENSORFLOWS + text))
    assert len(table) == 1
    assert [(problem.kind, problem.line) for problem in table.problems] == [
        ("bad-box", 2),
        ("bad-box", 3),
        ("bad-line", 4),
        ("bad-line", 5),
        ("bad-box", 6),
    ]


def test_a_wrong_size_gives_way_to_the_photos_own(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    table = read(write(tmp_path / "x.csv", f"{TENSORFLOWS}a.png,40,50,cat,1,2,3,4\n"))
    assert table.images.select("width_px", "height_px").row(0) == (50, 40)
    assert [problem.kind for problem in table.problems] == ["size-mismatch"]


def test_other_tables_are_no_annotations(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "epoch,loss\n1,0.5\n")
    with pytest.raises(InputError, match="other columns than annotations have: epoch,loss"):
        read(path)


def test_there_and_back(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    photo("b.png", 50, 40, shade=1)
    path = write(
        tmp_path / "x.csv", f"{TENSORFLOWS}a.png,50,40,dog,1,2,30,31.5\nb.png,50,40,,,,,\n"
    )
    convert(path, tmp_path / "yolo", "yolo")
    convert(tmp_path / "yolo", tmp_path / "y.csv", "csv")
    again = read(tmp_path / "y.csv")
    assert again.class_names == ("dog",)
    assert again.boxes.select("x1", "y1", "x2", "y2").row(0) == pytest.approx(
        (1, 2, 30, 31.5), abs=1e-5
    )
    assert again.images.height == 2
