"""A data.yaml's claims are checked against the file system and against other files, and names are texts."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.boxes import BoxTable, check, convert, read
from headlab.boxes.classes import names_next_to
from headlab.errors import InputError

BOX = "0 0.5 0.5 0.25 0.5\n"


@pytest.fixture
def data(tmp_path: Path, photo: MakePhoto) -> Path:
    """A data set of one photo in `set/train/images`, without a description."""
    folder = tmp_path / "set"
    photo("set/train/images/a.png")
    labelled(folder / "train/labels/a.txt", BOX)
    return folder


def labelled(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def described(folder: Path, text: str) -> BoxTable:
    (folder / "data.yaml").write_text(text, "utf-8")
    return read(folder)


def told(table: BoxTable, kind: str) -> str:
    (problem,) = [problem for problem in table.problems if problem.kind == kind]
    return problem.message


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("[no, yes, 010, 12:30]", ("no", "yes", "010", "12:30")),
        ("{0: off, 1: on}", ("off", "on")),
        ("{'0': N, \"1\": 'y'}", ("N", "y")),
        ("[1, 01, 1e3, 2024-05-01, null, ~]", ("1", "01", "1e3", "2024-05-01", "null", "~")),
        ("[0x1F, 1_000, .5, 1.0, NaN, .inf]", ("0x1F", "1_000", ".5", "1.0", "NaN", ".inf")),
        ("\n- Yes\n- True\n- =\n- 0o17", ("Yes", "True", "=", "0o17")),
        ("[&a cat, *a, !!str 5]", ("cat", "cat", "5")),
        ("[!!int 5, !!bool no]", ("5", "no")),
    ],
)
def test_names_are_texts_as_written(data: Path, written: str, names: tuple[str, ...]) -> None:
    table = described(data, f"train: train/images\nnames: {written}\n")
    assert table.class_names == names
    assert table.names_source == "data.yaml"
    converted = convert(table, data / "out", "yolo", photos="none").target
    assert read(converted, images=data / "train/images").class_names == names


@pytest.mark.parametrize(
    ("text", "kind", "names", "message"),
    [
        ("nc: 3\nnames: [a, b]", "class-count", ("a", "b"), "nc is 3, and names has 2"),
        ("names: {0: a, 2: c}", "unnamed-class", ("a", "class 1", "c"), "no name to class 1"),
        (
            "names: {1: a, 2: b}",
            "unnamed-class",
            ("class 0", "a", "b"),
            "Do the names count from 1",
        ),
        ("names: [a, '', b]", "unnamed-class", ("a", "class 1", "b"), "no name to class 1"),
        ("names:\n  0: a\n  1:\n  2: b", "unnamed-class", ("a", "class 1", "b"), "to class 1"),
        ("names: {0: a, 65536: b}", "no-class-names", (), "2 names for class numbers up to 65,536"),
        ("names: {no: 0, yes: 1}", "no-class-names", (), "maps names to numbers"),
        ("names: 'a, b'", "no-class-names", (), "neither a list nor a map"),
        ("names: []", "no-class-names", (), "neither a list nor a map"),
        ("nc: 2", "no-class-names", (), "there are 2 of them"),
    ],
)
def test_what_is_odd_about_names_is_said(
    data: Path, text: str, kind: str, names: tuple[str, ...], message: str
) -> None:
    table = described(data, f"train: train/images\n{text}\n")
    assert table.class_names == names
    assert message in told(table, kind)


def test_numbers_of_classes_that_agree_are_not_mentioned(data: Path) -> None:
    text = "train: train/images\nnc: 2\nnames: {1: b, 0: a}\n"
    assert described(data, text).problems == ()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("classes.txt", "dog\ncat\n"),
        ("obj.names", "dog\ncat\n"),
        ("_darknet.labels", "cat\ndog\nbird\n"),
        ("notes.json", '{"categories": [{"id": 1, "name": "cat"}, {"id": 0, "name": "dog"}]}'),
        ("train/labels/classes.txt", "cat\n"),
    ],
)
def test_names_that_disagree_are_a_problem(data: Path, file: str, text: str) -> None:
    if "/" in file:
        (data / "labels").mkdir()
        file = "labels/classes.txt"
    (data / file).write_text(text)
    table = described(data, "train: train/images\nnames: [cat, dog]\n")
    assert table.class_names == ("cat", "dog")
    assert "data.yaml, which was taken, says" in told(table, "names-disagree")
    assert Path(file).name in told(table, "names-disagree")


def test_names_that_agree_are_none(data: Path) -> None:
    name = unicodedata.normalize("NFC", "café")
    (data / "classes.txt").write_text(unicodedata.normalize("NFD", name) + "\n", "utf-8")
    assert described(data, f"train: train/images\nnames: [{name}]\n").problems == ()


def test_the_numbers_of_names_that_disagree(data: Path) -> None:
    (data / "classes.txt").write_text("cat\ndog\nbird\n")
    (data / "obj.names").write_text("cat\nbird\n")
    message = told(read(data), "names-disagree")
    assert "obj.names says 1 bird; classes.txt, which was taken, says 1 dog, 2 bird." in message


def test_a_path_that_exists_twice(data: Path, photo: MakePhoto) -> None:
    text = "train: ../train/images\nnames: [a]\n"
    assert described(data, text).problems == ()  # Roboflow's way of saying "train/images"
    photo("train/images/foreign.png", shade=1)
    labelled(data.parent / "train/labels/foreign.txt", BOX)
    table = described(data, text)
    assert table.images["image"].to_list() == ["../train/images/foreign.png"]
    message = told(table, "two-places")
    assert str(data / "train/images") in message
    assert "write train: train/images." in message
    (data.parent / "train/images/foreign.png").unlink()
    (data.parent / "train").rename(data.parent / "moved")
    (data.parent / "train").symlink_to(data / "train", target_is_directory=True)
    assert described(data, text).problems == ()  # one place under two names


@pytest.mark.parametrize(
    "place",
    [
        "/content/set-1/train/images",
        "set/train/images",
        "../../other/train/images",
        "train\\images",
        "C:\\work\\set\\train\\images",
    ],
)
def test_a_path_from_another_machine(data: Path, place: str) -> None:
    table = described(data, f"train: '{place}'\nnames: [a]\n")
    assert table.boxes.height == 1
    assert "Write train: train/images." in told(table, "moved-split")


def test_a_wrong_path_is_named(data: Path) -> None:
    table = described(data, "path: /content/set-1\ntrain: train/images\nnames: [a]\n")
    (problem,) = table.problems
    assert (problem.kind, problem.line) == ("missing-root", 1)
    assert "path: /content/set-1 is no folder here" in problem.message
    with pytest.raises(InputError, match="path: /content/set-1 is no folder here"):
        described(data, "path: /content/set-1\ntrain: nowhere\nnames: [a]\n")
    (data / "empty").mkdir()
    with pytest.raises(InputError, match=r"there is no .*nowhere\. It starts from path: empty"):
        described(data, "path: empty\ntrain: nowhere\nnames: [a]\n")


def test_a_split_that_is_the_same_as_another_can_be_asked_for(data: Path) -> None:
    described(data, "train: train/images\nval: train/images\nnames: [a]\n")
    table = read(data, split="val")
    assert table.images["split"].to_list() == ["val"]
    assert table.boxes.height == 1
    assert read(data).images["split"].to_list() == ["train"]


@pytest.mark.parametrize("shape", ["[2, 2]", "[17, 3]", "[1, 3]", "[4, 2]"])
def test_keypoints_are_not_corners(data: Path, shape: str) -> None:
    count, numbers = map(int, shape.strip("[]").split(","))
    points = " ".join(
        ["0.45", "0.35", "2"][:numbers][at % numbers] for at in range(count * numbers)
    )
    # centre 0.5 0.5, size 0.2 0.4 of 8 x 6 px: 8 x (0.5 -+ 0.1), 6 x (0.5 -+ 0.2)
    labelled(data / "train/labels/a.txt", f"0 0.5 0.5 0.2 0.4 {points}\n")
    table = described(data, f"train: train/images\nkpt_shape: {shape}\nnames: [a]\n")
    assert table.boxes.select("x1", "y1", "x2", "y2").row(0) == pytest.approx((3.2, 1.8, 4.8, 4.2))
    assert table.problems == ()


def test_a_line_with_other_keypoints_is_rejected(data: Path) -> None:
    lines = ["0 0.5 0.5 0.2 0.4 0.45 0.35 2", "0 0.4 0.5 0.2 0.4", "0 0.5 0.5 0.2 0.4 0.45 x 2"]
    labelled(data / "train/labels/a.txt", "\n".join([*lines, lines[0] + " 0.5 0.5 2"]))
    table = described(data, "train: train/images\nkpt_shape: [1, 3]\nnames: [a]\n")
    assert table.boxes["line"].to_list() == [1, 2]
    rejected = [problem.message for problem in table.problems if problem.kind == "bad-box"]
    assert "not all of it is numbers" in rejected[0]
    assert "11 numbers where 5, or 8 with keypoints, were expected" in rejected[1]
    table = described(data, "train: train/images\nkpt_shape: 17\nnames: [a]\n")
    assert "as in [17, 3]" in told(table, "bad-keypoints")


@pytest.mark.parametrize(
    ("encoding", "names"),
    [("cp1252", ("élan", "Ñandú")), ("cp949", ("개", "새")), ("cp932", ("ﾈｺ",))],
)
def test_an_encoding_reaches_the_names(data: Path, encoding: str, names: tuple[str, ...]) -> None:
    text = "".join(f"{name}\n" for name in names).encode(encoding)
    (data / "classes.txt").write_bytes(text)
    table = read(data, encoding=encoding)
    assert (table.class_names, table.problems) == (names, ())
    (data / "other.txt").write_bytes(text)
    assert read(data, names=data / "other.txt", encoding=encoding).class_names == names
    yaml = f"train: train/images\nnames: [{', '.join(names)}]\n"
    (data / "data.yaml").write_bytes(yaml.encode(encoding))
    assert read(data, encoding=encoding).class_names == names
    (data / "list.txt").write_bytes(b"train/images/a.png 1,2,3,4,0\n")
    assert read(data / "list.txt", encoding=encoding).class_names == names


def test_an_empty_file_of_names_is_an_error(data: Path) -> None:
    (data / "classes.txt").write_text("\n \n")
    table = read(data)
    assert "classes.txt is empty" in told(table, "no-class-names")
    assert not check(table).ok
    assert table.unread == (), "no box was lost"


def test_the_names_of_this_very_file_come_first(tmp_path: Path, data: Path) -> None:
    (tmp_path / "classes.txt").write_text("cow\n")
    (tmp_path / "a_classes.txt").write_text("cat\n")
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text("set/train/images/a.png 1,2,3,4,0\n")
    table = read(tmp_path / "a.txt")
    assert (table.class_names, table.names_source) == (("cat",), "a_classes.txt")
    assert read(tmp_path / "b.txt").class_names == ("cow",)
    (tmp_path / "a.txt").write_text("set/train/images/a.png\n")  # a list of YOLO
    table = read(tmp_path / "a.txt")
    assert (table.format, table.class_names) == ("yolo", ("cat",))
    (tmp_path / "_annotations.txt").write_text("set/train/images/a.png 1,2,3,4,0\n")
    (tmp_path / "_classes.txt").write_text("hen\n")
    assert names_next_to(tmp_path / "_annotations.txt").names == ("hen",)  # Roboflow's for keras


@pytest.mark.parametrize("to", ["yolo", "keras", "voc", "coco"])
def test_unknown_names_stay_unknown(data: Path, to: str) -> None:
    labelled(data / "train/labels/a.txt", "".join(f"{number} {BOX[2:]}" for number in (0, 10, 2)))
    table = read(data)
    assert table.class_names == ()
    out = (
        data.parent / "out"
        if to in ("yolo", "voc")
        else data.parent / f"out.{'txt' if to == 'keras' else 'json'}"
    )
    convert(table, out, to)  # type: ignore[arg-type]
    again = read(out)
    assert again.class_names == ()
    assert sorted(again.boxes["class_id"].to_list()) == [0, 2, 10]
    assert "no-class-names" in {problem.kind for problem in again.problems}
    assert (
        read(out, names=[f"class {number}" for number in range(11)]).class_names[10] == "class 10"
    )


def test_timestamps_are_refused_with_their_line(data: Path) -> None:
    for value in ("x", "2001-01-01", "[1]"):
        with pytest.raises(
            InputError, match=r"data\.yaml, line 2: the tag !!timestamp is not read"
        ):
            described(data, f"train: train/images\nx: !!timestamp {value}\n")
    table = described(data, "train: train/images\nnames: [2001-01-01]\nx: 2001-99-99\n")
    assert table.class_names == ("2001-01-01",)


def test_names_may_be_the_path_of_a_file(data: Path) -> None:
    (data / "animals.txt").write_text("cat\ndog\n")
    table = described(data, "train: train/images\nnames: animals.txt\n")
    assert (table.class_names, table.names_source) == (("cat", "dog"), "animals.txt")
