"""Class names and anchors, as people's files have them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.checkpoint.yolov3.text_lists import (
    anchors_text,
    class_names_of,
    class_names_text,
    read_anchors,
    read_class_names,
)
from headlab.errors import CheckpointError, HeadlabError

NAMES = ("ant", "traffic light", "cat")


def written(tmp_path: Path, data: bytes | str) -> Path:
    path = tmp_path / "list.txt"
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


def refusal(tmp_path: Path, data: bytes | str, *, anchors: bool = False) -> CheckpointError:
    path = written(tmp_path, data)
    with pytest.raises(CheckpointError) as caught:
        read_anchors(path) if anchors else read_class_names(path)
    assert caught.value.message.startswith(str(path))
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
    assert read_class_names(written(tmp_path, data)) == NAMES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_japanese_names(tmp_path: Path, encoding: str) -> None:
    data = "ねこ\r\n表示\r\nソ\r\n".encode(
        encoding
    )  # 表 and ソ end with a backslash's byte in cp932
    assert read_class_names(written(tmp_path, data)) == ("ねこ", "表示", "ソ")


def test_the_names_of_coco(shared: Path) -> None:
    names = read_class_names(shared / "weights" / "coco.names")
    assert len(names) == 80
    assert (names[0], names[16], names[79]) == ("person", "dog", "toothbrush")


def test_a_line_without_name_shifts_the_numbers(tmp_path: Path) -> None:
    error = refusal(tmp_path, "ant\n\ncat\n")
    assert "line 2: the line is empty" in error.message
    assert "a class's number is its line" in error.hint
    assert "line 1: the line is empty" in refusal(tmp_path, "\nant").message


def test_a_name_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    assert "line 3: the name 'ant' is in line 1, too." in refusal(tmp_path, "ant\nbee\nant").message


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf \r\n"])
def test_no_names_at_all(tmp_path: Path, data: bytes) -> None:
    assert "the file is empty" in refusal(tmp_path, data).message
    assert "the file is empty" in refusal(tmp_path, data, anchors=True).message


def test_text_in_no_known_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    assert (
        ", line 2: the text is neither UTF-8 nor cp932" in refusal(tmp_path, b"a\n\xff\xfd").message
    )
    assert "the text is in UTF-16" in refusal(tmp_path, "ant\n".encode("utf-16")).message
    assert ", line 2: this is not a text file" in refusal(tmp_path, b"a\nb\0c").message


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.txt: there is no such file\."):
        read_class_names(tmp_path / "absent.txt")
    with pytest.raises(CheckpointError, match="it is not a file"):
        read_anchors(tmp_path)
    big = written(tmp_path, b"a" * (1 << 22) + b"\n")
    with pytest.raises(CheckpointError, match="4,194,305 bytes are too many for a text file"):
        read_class_names(big)


ANCHORS = ((10.0, 13.0), (16.0, 30.0), (33.0, 23.5))


@pytest.mark.parametrize(
    "data",
    [
        "10,13,  16,30,  33,23.5",
        "10,13, 16,30, 33,23.5,\n",
        "\ufeff10,13\r\n16,30\r\n33,23.5\r\n\r\n",
        "10,13,\n16,30,\n33,23.5,\n",
        "10 13  16 30\r33 2.35e1",
        "10.,13.0, 16,30,33,+23.5",
    ],
)
def test_anchors_on_one_line_or_several(tmp_path: Path, data: str) -> None:
    assert read_anchors(written(tmp_path, data)) == ANCHORS


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("10,13\n16,x3", "line 2: 'x3' is not a number."),
        ("10,13,nan,5", "line 1: 'nan' is not a number."),
        ("10,13,inf,5", "line 1: 'inf' is not a number."),
        ("10,1_3", "line 1: '1_3' is not a number."),
        ("10,1e999", "line 1: '1e999' is not a number."),
        ("10,13\n\n-16,30", "line 3: '-16' is no size in pixels: it must be above 0."),
        ("0,13", "line 1: '0' is no size in pixels: it must be above 0."),
        (
            "10,13,\n16,30,33\n\n",
            "line 2: there are 5 numbers, so the last width, 33, has no height.",
        ),
        ("10,,13", "line 1: a number is missing beside the comma, at number 2."),
        ("10,13、16,30", "line 1: '13、16' is not a number."),
        ("10,\x1b[31m", r"line 1: '\x1b[31m' is not a number."),
    ],
)
def test_anchors_that_are_none(tmp_path: Path, data: str, said: str) -> None:
    error = refusal(tmp_path, data, anchors=True)
    assert error.message.endswith(said)
    assert error.hint.startswith("Write widths and heights in input pixels: 10,13,  16,30")


def test_anchors_are_written_as_keras_yolo3_reads_them() -> None:
    text = anchors_text(((10, 13), (16.25, 1e-3), (1 / 3, 100000.0)))
    assert text == "10,13,  16.25,0.001,  0.3333333333333333,100000\n"
    # keras-yolo3: [float(x) for x in f.readline().split(',')]
    assert [float(x) for x in text.split(",")] == [10, 13, 16.25, 1e-3, 1 / 3, 100000]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("ant", "b\nee"), "The name of class 1, 'b\\nee', cannot be written as a line"),
        (("ant ", "bee"), "The name of class 0, 'ant ', cannot be written as a line"),
        (("ant", "bee", "ant"), "line 3: the name 'ant' is in line 1, too"),
        (("ant", "", "bee"), "line 2: the line is empty"),
        (("ant", ""), "The name of class 1, '', cannot be written as a line"),
        (("\ud800",), "surrogates not allowed"),
        ((), "the file is empty"),
    ],
)
def test_names_that_would_not_read_back(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        class_names_text(names)
    assert said in caught.value.message


@given(st.lists(st.text(max_size=6), max_size=5))
def test_names_are_read_back_as_written_or_refused(names: list[str]) -> None:
    with contextlib.suppress(HeadlabError):
        text = class_names_text(names)
        assert class_names_of(text.encode("utf-8"), Path("x")) == tuple(names)


SIZE = st.floats(min_value=1e-6, max_value=1e6)


@given(st.lists(st.tuples(SIZE, SIZE), min_size=1, max_size=9))
def test_anchors_are_read_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, anchors: list[tuple[float, float]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "anchors.txt"
    path.write_text(anchors_text(anchors), "utf-8")
    assert read_anchors(path) == tuple(anchors)


@given(
    st.one_of(st.binary(max_size=40), st.text("0123456789.,-+einf \r\n#x\ufeffあ").map(str.encode))
)
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(data)
    with contextlib.suppress(HeadlabError):
        assert all(read_class_names(path))
    with contextlib.suppress(HeadlabError):
        assert all(0 < size <= 1e6 for anchor in read_anchors(path) for size in anchor)
