"""Class names, as people's files have them: those of models and those of annotations."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.boxes.classes import class_names
from headlab.errors import HeadlabError, InputError
from headlab.files.class_names import class_names_of, class_names_text, read_class_names
from headlab.files.text import SMALL_BYTES

NAMES = ("ant", "traffic light", "cat")


def written(tmp_path: Path, data: bytes | str) -> Path:
    path = tmp_path / "list.txt"
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


def refusal(tmp_path: Path, data: bytes | str) -> InputError:
    """What is said of a file, of a model's names and of those of annotations alike."""
    path = written(tmp_path, data)
    with pytest.raises(InputError) as caught:
        read_class_names(path)
    assert caught.value.message.startswith(str(path))
    with pytest.raises(InputError) as of_boxes:
        class_names(path)
    assert str(of_boxes.value) == str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        b"ant\ntraffic light\ncat",
        b"ant\ntraffic light\ncat\n",
        b"\xef\xbb\xbfant\r\ntraffic light\r\ncat\r\n",
        b"ant\rtraffic light\rcat\r",
        b"  ant\ntraffic light \t\ncat\n\n \n\n",
    ],
)
def test_names_of_any_line_end(tmp_path: Path, data: bytes) -> None:
    assert read_class_names(written(tmp_path, data)).names == NAMES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_japanese_names(tmp_path: Path, encoding: str) -> None:
    data = "ねこ\r\n表示\r\nソ\r\n".encode(
        encoding
    )  # 表 and ソ end with a backslash's byte in cp932
    assert read_class_names(written(tmp_path, data)).names == ("ねこ", "表示", "ソ")


def test_the_names_of_coco(shared: Path) -> None:
    names = read_class_names(shared / "weights" / "coco.names").names
    assert len(names) == 80
    assert (names[0], names[16], names[79]) == ("person", "dog", "toothbrush")


def test_a_line_without_name_shifts_the_numbers(tmp_path: Path) -> None:
    error = refusal(tmp_path, "ant\n\ncat\n")
    assert "line 2: the line is empty" in error.message
    assert "a class's number is its line" in error.hint
    assert "line 1: the line is empty" in refusal(tmp_path, "\nant").message


def test_a_name_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    error = refusal(tmp_path, "ant\nbee\nant")
    assert "line 3: duplicate name 'ant', first in line 1." in error.message


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf \r\n"])
def test_no_names_at_all(tmp_path: Path, data: bytes) -> None:
    assert "the file is empty" in refusal(tmp_path, data).message


def test_what_is_no_text_is_said_with_its_line(tmp_path: Path) -> None:
    assert ", line 2: the text is not UTF-8, nor in" in refusal(tmp_path, b"a\n\x81\xff").message
    assert ", line 2: this is not a text file" in refusal(tmp_path, b"a\nb\0c").message


@pytest.mark.parametrize("encoding", ["cp932", "cp949", "cp1252", "utf-16", "utf-16-be", "utf-8"])
def test_models_and_annotations_read_the_same_names(tmp_path: Path, encoding: str) -> None:
    words = {"cp932": ("犬", "猫"), "cp949": ("개구리", "고양이의꿈"), "cp1252": ("chien", "élan")}
    names = words.get(encoding, ("犬", "élan", "개"))
    marked = "\ufeff" if encoding == "utf-16-be" else ""
    path = written(tmp_path, (marked + "\n".join(names)).encode(encoding))
    of_model, of_boxes = read_class_names(path), class_names(path)
    problems = of_boxes.problems
    assert of_model.names == of_boxes.names == names
    assert [each.message for each in problems] == [each.message for each in of_model.remarks]
    assert [each.line for each in problems] == [each.line for each in of_model.remarks]
    assert bool(problems) == (encoding in words)
    assert all(encoding in each.message for each in problems)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.txt: cannot be read: there is no such file\."):
        read_class_names(tmp_path / "absent.txt")
    with pytest.raises(InputError, match="is a folder, not a file"):
        read_class_names(tmp_path)
    big = written(tmp_path, b"a" * SMALL_BYTES + b"\n")
    with pytest.raises(InputError, match="4,194,305 bytes are too many for a text file"):
        read_class_names(big)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("ant", "b\nee"), "The name of class 1, 'b\\nee', cannot be written as a line"),
        (("ant ", "bee"), "The name of class 0, 'ant ', cannot be written as a line"),
        (("ant", "bee", "ant"), "line 3: duplicate name 'ant', first in line 1"),
        (("ant", "", "bee"), "line 2: the line is empty"),
        (("ant", ""), "The name of class 1, '', cannot be written as a line"),
        (("\ud800",), "surrogates not allowed"),
        ((), "the file is empty"),
    ],
)
def test_names_that_would_not_read_back(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError) as caught:
        class_names_text(names)
    assert said in caught.value.message


@given(st.lists(st.text(max_size=6), max_size=5))
def test_names_are_read_back_as_written_or_refused(names: list[str]) -> None:
    with contextlib.suppress(HeadlabError):
        text = class_names_text(names)
        assert class_names_of(text.encode("utf-8"), Path("x")).names == tuple(names)


@given(
    st.one_of(st.binary(max_size=40), st.text("0123456789.,-+einf \r\n#x\ufeffあ").map(str.encode))
)
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(data)
    with contextlib.suppress(HeadlabError):
        assert all(read_class_names(path).names)


def test_dont_show_is_no_name() -> None:
    """AlexeyAB's darknet does not draw classes of that name, of which there may be many."""
    found = class_names_of(b"person\ndont_show\ndont_show \n3\ndont_show\n", Path("a.names"))
    assert found.names == ("person", "1", "2", "3", "4")
    assert [remark.about(Path("a.names")) for remark in found.remarks] == [
        "a.names, line 2: 3 classes called dont_show, which tells darknet not to draw them; here they are "
        "called by their numbers."
    ]
    assert class_names_of(b"1\ndont_show\n", Path("a.names")).names == ("1", "class 1")
