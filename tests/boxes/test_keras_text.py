"""keras-yolo3's text: what is read of it, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headlab.boxes import read
from headlab.boxes.formats.format import Reading
from headlab.boxes.formats.keras_yolo3.line import parse_line
from headlab.boxes.formats.keras_yolo3.read import read_keras
from headlab.boxes.table import BoxTable
from headlab.errors import InputError


def read_text(tmp_path: Path, text: str | bytes, **options: object) -> BoxTable:
    path = tmp_path / "train.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_keras(path, Reading(names=["a", "b", "c"], **options))  # type: ignore[arg-type]


def boxes_of(table: BoxTable) -> list[tuple[str, int, float, float, float, float]]:
    columns = ("image", "class_id", "x1", "y1", "x2", "y2")
    return table.boxes.select(columns).rows()


def said(table: BoxTable) -> list[tuple[str, str, int | None]]:
    return [(each.severity, each.kind, each.line) for each in table.problems]


def test_the_readmes_example(tmp_path: Path) -> None:
    table = read_text(
        tmp_path, "p/img1.jpg 50,100,150,200,0 30,50,200,120,3\np/img2.jpg 1,2,3,4,2\n"
    )
    assert boxes_of(table) == [
        ("p/img1.jpg", 0, 50, 100, 150, 200),
        ("p/img1.jpg", 3, 30, 50, 200, 120),
        ("p/img2.jpg", 2, 1, 2, 3, 4),
    ]
    assert table.boxes["line"].to_list() == [1, 1, 2]
    assert table.images["image"].to_list() == ["p/img1.jpg", "p/img2.jpg"]
    assert table.images["path"][0] == str(tmp_path / "p/img1.jpg")
    assert table.class_names == ("a", "b", "c")
    assert not table.problems


@pytest.mark.parametrize(
    ("line", "path", "corners"),
    [
        ("my photos/a b.jpg 1,2,3,4,0", "my photos/a b.jpg", [1, 2, 3, 4]),
        ("a  b.jpg\t1,2,3,4,0", "a  b.jpg", [1, 2, 3, 4]),
        ("  a.jpg   1,2,3,4,0  ", "a.jpg", [1, 2, 3, 4]),
        ("cat 1,2,3,4,5 b.jpg 1,2,3,4,0", "cat 1,2,3,4,5 b.jpg", [1, 2, 3, 4]),
        ("写真/猫.jpg 1,2,3,4,0", "写真/猫.jpg", [1, 2, 3, 4]),
        ("a.jpg -1,.5,3.25,4e1,0", "a.jpg", [-1, 0.5, 3.25, 40]),
        ("a.jpg +1,2.,3,4,2.0", "a.jpg", [1, 2, 3, 4]),
        (r"C:\my photos\a.jpg 1,2,3,4,0", r"C:\my photos\a.jpg", [1, 2, 3, 4]),
        ("1,2,3.jpg 1,2,3,4,0", "1,2,3.jpg", [1, 2, 3, 4]),
    ],
)
def test_paths_and_numbers_of_every_kind(
    tmp_path: Path, line: str, path: str, corners: list[float]
) -> None:
    table = read_text(tmp_path, line + "\n")
    assert not table.problems
    ((image, _, *found),) = boxes_of(table)
    assert (image, found) == (path, corners)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end(tmp_path: Path, end: str) -> None:
    table = read_text(tmp_path, f"a.jpg 1,2,3,4,0{end}{end}b.jpg{end}c.jpg 1,2,3,4,1")
    assert table.images.select("image", "line").rows() == [("a.jpg", 1), ("b.jpg", 3), ("c.jpg", 4)]
    assert table.boxes["line"].to_list() == [1, 4]


def test_other_line_separators_do_not_end_a_line(tmp_path: Path) -> None:
    table = read_text(tmp_path, "a\x0b\u2028b.jpg 1,2,3,4,0\n")
    assert table.images["image"].to_list() == ["a\x0b\u2028b.jpg"]


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks(tmp_path: Path, name: str) -> None:
    table = read_text(tmp_path, "é猫.jpg 1,2,3,4,0\n".encode(name))
    assert table.images["image"].to_list() == ["é猫.jpg"]
    assert not table.problems


@pytest.mark.parametrize(
    ("encoding", "name", "text"),
    [("cp932", "写真.jpg", "写真.jpg"), ("cp1252", "é.jpg", "é.jpg")],
)
def test_other_encodings_are_read_with_a_warning(
    tmp_path: Path, encoding: str, name: str, text: str
) -> None:
    table = read_text(tmp_path, f"a.jpg\n{name} 1,2,3,4,0\n".encode(encoding))
    assert table.images["image"][1] == text
    assert said(table) == [("warning", "encoding", 2)]
    assert encoding in table.problems[0].message


def test_the_encoding_can_be_named(tmp_path: Path) -> None:
    data = "写真.jpg 1,2,3,4,0\n".encode("euc_jp")
    assert read_text(tmp_path, data, encoding="euc_jp").images["image"][0] == "写真.jpg"
    with pytest.raises(InputError, match=r"train\.txt, line 1: not in ascii"):
        read_text(tmp_path, data, encoding="ascii")
    with pytest.raises(InputError, match="no encoding 'latin-99'"):
        read_text(tmp_path, data, encoding="latin-99")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("1,2,3,4", "5 numbers"),
        ("1,2,3,4,5,6", "5 numbers"),
        ("1,2,3,4,dog", "not all of"),
        ("1,2,3,4,1.5", "class 1.5"),
        ("1,2,3,4,-1", "class -1"),
        ("nan,2,3,4,0", "not all of"),
        ("1,2,inf,4,0", "not all of"),
        ("1e999,2,3,4,0", "finite"),
        ("1,2,3,4,99999999999", "class 99999999999"),
        ("1e12,2,3,4,0", "larger than any photo"),
        ("1,,3,4,0", "not all of"),
        ("1,2,3,4,٣", "not all of"),
    ],
)
def test_a_bad_box_is_skipped_with_its_reason(tmp_path: Path, word: str, reason: str) -> None:
    table = read_text(tmp_path, f"a.jpg 1,2,3,4,0\nb.jpg 5,6,7,8,0 {word} 5,6,7,9,1\n")
    assert [row[1:] for row in boxes_of(table)] == [
        (0, 1, 2, 3, 4),
        (0, 5, 6, 7, 8),
        (1, 5, 6, 7, 9),
    ]
    assert said(table) == [("error", "bad-box", 2)]
    assert table.problems[0].image == "b.jpg"
    assert reason in table.problems[0].message
    assert word[:10] in table.problems[0].message


def test_a_line_without_a_path_is_skipped(tmp_path: Path) -> None:
    table = read_text(tmp_path, "a.jpg 1,2,3,4,0\n1,2,3,4,0 5,6,7,8,0\n")
    assert table.images.height == table.boxes.height == 1
    assert said(table) == [("error", "bad-line", 2)]


def test_an_image_may_be_listed_twice(tmp_path: Path) -> None:
    table = read_text(tmp_path, "a.jpg 1,2,3,4,0\na.jpg 5,6,7,8,0\n")
    assert table.images["image_id"].to_list() == table.boxes["image_id"].to_list() == [0, 1]


@pytest.mark.parametrize("text", ["", "\n\n  \n\t\n", "\ufeff"])
def test_nothing_at_all_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="no line names an image"):
        read_text(tmp_path, text)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_keras(tmp_path / "none.txt", Reading())
    with pytest.raises(InputError, match="is a folder"):
        read_keras(tmp_path, Reading())


@pytest.mark.parametrize("name", ["classes.txt", "train_classes.txt"])
def test_class_names_next_to_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("cat\nfire truck\r\n\n")
    (tmp_path / "train.txt").write_text("a.jpg 1,2,3,4,1\n")
    table = read(tmp_path / "train.txt", assume_size=(8, 8))
    assert table.class_names == ("cat", "fire truck")
    assert not table.problems


@pytest.mark.parametrize("name", ["voc_classes.txt", "coco.names"])
def test_class_names_that_may_be_of_other_data_are_not_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("cat\ndog\n")
    (tmp_path / "train.txt").write_text("a.jpg 1,2,3,4,1\n")
    table = read(tmp_path / "train.txt", assume_size=(8, 8))
    assert table.class_names == ()
    (problem,) = table.problems
    assert problem.kind == "no-class-names"
    assert problem.message.endswith(f" If they are in {name}, say so with --data-names.")


def test_without_class_names_there_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a.jpg 1,2,3,4,1\n")
    table = read_keras(tmp_path / "train.txt", Reading())
    assert said(table) == [("warning", "no-class-names", None)]
    assert table.class_name(1) == "class 1"


WORDS = st.one_of(
    st.sampled_from(
        ["a.jpg", "b", "1,2,3,4,0", "5,6,7,8,1", "1,2,3,4", "x,1,2,3,4", "1,2,3,4,5.jpg"]
    ),
    st.sampled_from(["nan,1,2,3,4", "1,2,3,4,1e3", "9e9,1,1,1,0", ",,,,", "-.5,+1.,2e-3,1E2,3"]),
    st.text("0123456789,.-+ejn\t", max_size=12),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=6).map(" ".join), max_size=6))
def test_columns_and_single_lines_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("keras") / "train.txt"
    path.write_text("\n".join(lines))
    expected = [parse_line(line) for line in lines if line.strip(" \t")]
    try:
        table = read_keras(path, Reading(names=["a"]))
    except InputError:
        assert not expected
        return
    named = [each for each in expected if each.path]
    assert table.images["image"].to_list() == [each.path for each in named]
    wanted = [(each.path, box[4], *box[:4]) for each in named for box in each.boxes]
    assert boxes_of(table) == wanted
    skipped = sum(len(each.rejected) for each in named) + len(expected) - len(named)
    assert sum(each.kind != "wrong-columns" for each in table.problems) == skipped
